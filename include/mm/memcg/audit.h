/* SPDX-License-Identifier: MIT */
/*
 * audit.h - do the books balance, to the byte, right now?
 *
 * The world is stopped, all memory is walked, and what each group owes is added
 * up again from what is found.  That must be what its counter says, and kind by
 * kind what memory.stat says.  Whoever goes on charging meanwhile does not matter:
 * see audit.c.
 */
#pragma once
#include <kernel/cgroup/seq_text.h>
#include <lib/types.h>
#include <mm/accounting.h>

struct cgroup;
struct mem_cgroup;

/*
 * Walk, compare, and report each difference (REPORT_ACCOUNTING).  How many there
 * were, or -ENOMEM.  May sleep; without cgroup_mutex.
 */
long audit(void);

/* Nothing was charged since the last audit that found nothing: another one would
 * find nothing either.  Costs nothing. */
bool audit_is_pointless(void);

/* -- What an audit saw --------------------------------------------------------- */

enum audit_rule {
	AUDIT_COUNTER,	 /* a group's counter says what it owns and keeps */
	AUDIT_STAT,	 /* memory.stat says what it owns of each kind */
	AUDIT_NODE_STAT, /* and memory.numa_stat on which node */
	AUDIT_OWNER,	 /* who owns something exists */
	AUDIT_FREE,	 /* what is free is nobody's */
	AUDIT_PLACE,	 /* only the first page of a block has an owner */
	AUDIT_SLOT, /* a stock's slot holds what it may, for who is online */
	AUDIT_LEFTOVER,	   /* what is left over is less than a page */
	AUDIT_WHOLE_PAGES, /* an owner has whole pages, used, stocked and left */
	AUDIT_REFERENCES,  /* and a reference for each */
};

/* A rule that does not hold.  Fields that do not apply are 0. */
struct audit_finding {
	enum audit_rule rule;
	const struct audit_group *group; /* whose book it is */
	u32 owner;			 /* the id that was found */
	enum memcg_kind kind;
	int nid;
	unsigned int cpu;

	/* What stands in the book, and what was found instead. */
	long expected;
	long found;

	/* AUDIT_OWNER, _FREE, _PLACE: where it was found, and what that is: a
	 * page, or an object or area (of @cache, if it has one). */
	const struct page *page;
	const void *object;
	const struct kmem_cache *cache;
};

/* One line, without its end. */
void audit_print_finding(struct seq_text *out, const struct audit_finding *f);

/* A group's ledger.  Bytes; children's are not in it. */
struct audit_group {
	struct mem_cgroup *memcg; /* referenced */
	struct audit_group *parent;
	unsigned int level;

	/* What it owns, by itself and for those whose heir it is. */
	long owned[MEMCG_NR_KINDS];

	/* Charged, but not in use: in the CPUs' stocks, and left over. */
	long stocked;
	long left_over;

	/* Its counter, without those of its children. */
	long counter;

	/* Of what it owns: handed out of stocks, and not yet in its statistics. */
	long handed_out;

	/* stocked, on each CPU; then owned[] and handed_out on each node. */
	long detail[];
};

/* What the counter ought to be. */
long audit_group_sum(const struct audit_group *g);
long audit_group_stocked_on(const struct audit_group *g, unsigned int cpu);

#define AUDIT_MAX_FINDINGS 32

struct audit {
	/* How many there were, and the first of them. */
	unsigned long nr_findings;
	struct audit_finding findings[AUDIT_MAX_FINDINGS];

	/* What was walked: things with an owner, and how long it took. */
	unsigned long nr_objects;
	unsigned long nr_areas;
	unsigned long nr_blocks;
	u64 stopped_ns;

	/* Groups that are online, each before its children: audit_group(). */
	unsigned int nr_groups;
	unsigned int nr_owners;

	/* audit.c's. */
	size_t group_size;
	void *groups;
	struct audit_owner *owners;
	u32 max_owner;
	u32 *group_of_css;
};

struct audit_group *audit_group(const struct audit *a, unsigned int i);

/* NULL without memory.  The same context as audit(); reports nothing. */
struct audit *audit_take(void);
void audit_free(struct audit *a);

/* For people, in 80 columns: one group's ledger; a table of @top and all below;
 * the findings, and the result. */
void audit_print_ledger(struct seq_text *out, const struct audit_group *g);
void audit_print_table(struct seq_text *out, const struct audit *a,
		       const struct cgroup *top);
void audit_print_verdict(struct seq_text *out, const struct audit *a);
