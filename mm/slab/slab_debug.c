/* SPDX-License-Identifier: MIT */
/*
 * slab_debug.c - objects that tell who misused them.
 *
 * Around and inside each object of a debugged cache, as far as its flags say:
 *
 *	left_pad  | object | .. inuse | free pointer | tracks | .. size
 *	red zone  | user's, | red zone | outside, so  | who     | padding
 *		  | poison  |          | poison stays | and when|
 *
 * The red zones say "free" or "in use"; a free object's own bytes are poison.
 * Whatever differs from what it should be when an object changes hands was
 * overwritten by someone who did not own it.  The report shows what, where, and
 * who had the object last; then the bytes are repaired, so that one mistake
 * makes one report, and the kernel goes on.
 *
 * Every object passes one by one, under its node's list_lock: no sheaves, no CPU
 * slabs.  After SLUB's own debugging.  Context: any but NMI.
 */
#define pr_fmt(fmt) "slab: " fmt
#include <errno.h>
#include <boot/param.h>
#include <kernel/core/backtrace.h>
#include <kernel/core/clock.h>
#include <kernel/core/mutex.h>
#include <kernel/core/printk.h>
#include <kernel/core/report.h>
#include <kernel/core/sched.h>
#include <lib/format.h>
#include <lib/glob.h>
#include <lib/math.h>
#include <mm/page/zone.h>
#include <string.h>
#include "slab_impl.h"

struct slab_track {
	unsigned long stack[SLAB_TRACK_DEPTH]; /* 0-terminated if shorter */
	u64 when;
	int pid;
	unsigned int cpu;
};

enum track_kind { TRACK_ALLOC, TRACK_FREE, NR_TRACKS };

unsigned int slab_tracks_size(void)
{
	return NR_TRACKS * sizeof(struct slab_track);
}

static struct slab_track *track_of(struct kmem_cache *s, void *object,
				   enum track_kind kind)
{
	/* Behind the free pointer, which debugging puts at inuse. */
	struct slab_track *tracks = object + s->link.offset + sizeof(void *);

	return &tracks[kind];
}

static void track_set(struct kmem_cache *s, void *object, enum track_kind kind)
{
	struct slab_track *t;
	unsigned int n;

	if (!(s->flags & SLAB_STORE_USER))
		return;
	t = track_of(s, object, kind);
	n = backtrace_save(t->stack, SLAB_TRACK_DEPTH, 2);
	if (n < SLAB_TRACK_DEPTH)
		t->stack[n] = 0;
	t->when = ktime_get_ns();
	t->pid = current ? current->pid : 0;
	t->cpu = smp_processor_id();
}

static void track_print(struct kmem_cache *s, void *object,
			enum track_kind kind)
{
	struct slab_track *t = track_of(s, object, kind);

	if (!(s->flags & SLAB_STORE_USER) || !t->stack[0])
		return;
	pr_crit("  %s by pid %d on cpu %u at %llu us:\n",
		kind == TRACK_ALLOC ? "allocated" : "freed", t->pid, t->cpu,
		(unsigned long long)t->when / 1000);
	for (int i = 0; i < SLAB_TRACK_DEPTH && t->stack[i]; i++)
		pr_crit("    %pS\n", (void *)t->stack[i]);
}

/* --- reports --------------------------------------------------------------- */

static void dump_bytes(const void *from, const void *to)
{
	const u8 *p = from;

	for (; p < (const u8 *)to; p += 16) {
		char line[3 * 16 + 1], *out = line;

		for (int i = 0; i < 16 && p + i < (const u8 *)to; i++)
			out += format(out, 4, "%02x ", p[i]);
		pr_crit("  %p: %s\n", p, line);
	}
}

void slab_report(struct kmem_cache *s, struct slab *slab, void *object,
		 const char *what)
{
	atomic_long_inc(&s->errors);
	if (!report_note(REPORT_SLAB))
		return;

	pr_crit("cache %s: object %p: %s\n", s->name, object, what);
	if (slab)
		pr_crit("  slab of %s: %u of %u objects in use%s\n",
			slab->cache->name, (unsigned int)slab->state.inuse,
			(unsigned int)slab->state.objects,
			slab->state.frozen ? ", frozen" : "");
	if (slab && slab->cache == s && slab_object_valid(s, slab, object)) {
		dump_bytes(object - s->left_pad, object + min(s->inuse, 128u));
		track_print(s, object, TRACK_ALLOC);
		track_print(s, object, TRACK_FREE);
	}
	backtrace_print();
}

/* --- bytes ----------------------------------------------------------------- */

/* The first byte of [@p, @p + @n) that is not @value, or NULL. */
static u8 *first_other(u8 *p, u8 value, size_t n)
{
	for (; n; p++, n--)
		if (*p != value)
			return p;
	return NULL;
}

/* Are these bytes what they should be?  If not, report and repair. */
static bool check_bytes(struct kmem_cache *s, struct slab *slab, void *object,
			const char *what, void *start, u8 value, size_t n)
{
	u8 *bad = first_other(start, value, n);
	char text[64];

	if (likely(!bad))
		return true;
	format(text, sizeof(text), "%s overwritten at %+d: %02x, not %02x",
	       what, (int)((void *)bad - object), *bad, value);
	slab_report(s, slab, object, text);
	memset(start, value, n);
	return false;
}

/* Poison ends with a byte of its own, so that an overflow by one shows. */
static void poison_object(struct kmem_cache *s, void *object)
{
	memset(object, SLAB_BYTE_FREE, s->object_size - 1);
	((u8 *)object)[s->object_size - 1] = SLAB_BYTE_END;
}

void slab_debug_init_object(struct kmem_cache *s, void *object, bool active)
{
	u8 red = active ? SLAB_BYTE_RED_USED : SLAB_BYTE_RED_FREE;

	if (s->flags & SLAB_RED_ZONE) {
		memset(object - s->left_pad, red, s->left_pad);
		memset(object + s->object_size, red, s->inuse - s->object_size);
	}
	if (s->flags & SLAB_POISON && !active)
		poison_object(s, object);
}

static bool check_poison(struct kmem_cache *s, struct slab *slab, void *object)
{
	u8 *last = object + s->object_size - 1;
	bool ok;

	ok = check_bytes(s, slab, object, "free object", object, SLAB_BYTE_FREE,
			 s->object_size - 1);
	if (ok)
		ok = check_bytes(s, slab, object, "free object", last,
				 SLAB_BYTE_END, 1);
	if (!ok)
		poison_object(s, object);
	return ok;
}

/*
 * The free list leads astray: make it anew from what the red zones say of each
 * object.  Without red zones the list ends at @last, and what came behind it
 * counts as in use for ever.
 */
static void rebuild_freelist(struct kmem_cache *s, struct slab *slab,
			     void *last)
{
	void *list = NULL;
	unsigned int free = 0;

	if (!(s->flags & SLAB_RED_ZONE)) {
		slab_link_free(s, last, NULL);
		return;
	}
	for (unsigned int i = 0; i < slab->state.objects; i++) {
		void *object = slab_object_at(s, slab, i);

		if (((u8 *)object)[s->object_size] != SLAB_BYTE_RED_FREE)
			continue;
		slab_link_free(s, object, list);
		list = object;
		free++;
	}
	slab->state.freelist = list;
	slab->state.inuse = slab->state.objects - free;
}

/* Check and repair all that surrounds and, if it is free, fills @object. */
static bool check_object(struct kmem_cache *s, struct slab *slab, void *object,
			 bool active)
{
	u8 red = active ? SLAB_BYTE_RED_USED : SLAB_BYTE_RED_FREE;
	void *next;
	bool ok = true;

	if (s->flags & SLAB_RED_ZONE) {
		ok &= check_bytes(s, slab, object, "left red zone",
				  object - s->left_pad, red, s->left_pad);
		ok &= check_bytes(s, slab, object, "right red zone",
				  object + s->object_size, red,
				  s->inuse - s->object_size);
	}
	if (active)
		return ok;
	if (s->flags & SLAB_POISON)
		ok &= check_poison(s, slab, object);
	next = slab_next_free(s, object);
	if (next && !slab_object_valid(s, slab, next)) {
		slab_report(s, slab, object, "free pointer corrupt");
		rebuild_freelist(s, slab, object);
		ok = false;
	}
	return ok;
}

/* How many objects the slab's free list has; stops at @wanted, if given. */
static unsigned int count_free(struct kmem_cache *s, struct slab *slab,
			       void *wanted, bool *found)
{
	void *object = slab->state.freelist;
	unsigned int n = 0;

	while (object && n <= slab->state.objects &&
	       slab_object_valid(s, slab, object)) {
		if (object == wanted) {
			*found = true;
			break;
		}
		n++;
		object = slab_next_free(s, object);
	}
	return n;
}

/* Counters that do not match the list are set right, free objects lost. */
static bool check_counters(struct kmem_cache *s, struct slab *slab)
{
	unsigned int free = count_free(s, slab, NULL, NULL);

	if (slab->state.inuse == slab->state.objects - free)
		return true;
	slab_report(s, slab, slab_base(slab),
		    "counters do not match free list");
	slab->state.inuse = slab->state.objects - free;
	return false;
}

/* --- allocating and freeing ------------------------------------------------ */

/* Pop the first object; the node's list_lock keeps everyone else away. */
static void *pop_locked(struct kmem_cache *s, struct kmem_cache_node *n,
			struct slab *slab)
{
	void *object;

	check_object(s, slab, slab->state.freelist, false);
	object = slab->state.freelist; /* perhaps another: see there */
	slab->state.freelist = slab_next_free(s, object);
	slab->state.inuse++;
	if (!slab->state.freelist) {
		/* All used, or the rest was lost to a corrupt pointer. */
		slab->state.inuse = slab->state.objects;
		list_del(&slab->list);
		n->nr_partial--;
	}
	return object;
}

static void *alloc_from_node(struct kmem_cache *s, int node)
{
	struct kmem_cache_node *n = s->node[node];
	void *object = NULL;
	unsigned long flags;

	spin_lock_irqsave(&n->list_lock, flags);
	if (!list_empty(&n->partial)) {
		struct slab *slab =
			list_first_entry(&n->partial, struct slab, list);

		object = pop_locked(s, n, slab);
		slab_debug_init_object(s, object, true);
		track_set(s, object, TRACK_ALLOC);
	}
	spin_unlock_irqrestore(&n->list_lock, flags);
	return object;
}

static void *alloc_from_any_node(struct kmem_cache *s)
{
	struct kmem_cache_node *n;
	void *object = NULL;
	int nid;

	for_each_cache_node(s, nid, n)
		if ((object = alloc_from_node(s, nid)))
			break;
	return object;
}

void *slab_debug_alloc(struct kmem_cache *s, gfp_t gfp, int node)
{
	int near = node == NUMA_NO_NODE ? numa_mem_id() : node;
	struct slab *slab;
	void *object;

	this_cpu_inc(s->cpu->stat[SLAB_ALLOC_SLOW]);
	for (;;) {
		object = alloc_from_node(s, near);
		if (object)
			return object;
		slab = slab_page_alloc_near(s, gfp, near, NULL, 0);
		if (!slab && !(gfp & __GFP_THISNODE) &&
		    static_branch_unlikely(&slab_numa)) {
			object = alloc_from_any_node(s);
			if (object)
				return object;
		}
		if (!slab)
			slab = slab_page_alloc(s, gfp, node, NULL, 0);
		if (!slab)
			break;
		near = slab_nid(slab);
		slab->state.frozen = 1;
		slab_unfreeze(s, slab, NULL, NULL, 0);
	}
	return gfp & __GFP_THISNODE ? NULL : alloc_from_any_node(s);
}

/* May @object be freed into @slab?  Reports why not. */
static bool check_free(struct kmem_cache *s, struct slab *slab, void *object)
{
	bool already = false;

	if (!slab_object_valid(s, slab, object)) {
		slab_report(s, slab, object,
			    "freed, but no object begins there");
		return false;
	}
	count_free(s, slab, object, &already);
	if (already) {
		slab_report(s, slab, object, "freed twice");
		return false;
	}
	check_object(s, slab, object, true);
	return true;
}

void slab_debug_free(struct kmem_cache *s, struct slab *slab, void *object)
{
	struct kmem_cache_node *n = s->node[slab_nid(slab)];
	bool was_full, surplus = false;
	unsigned long flags;

	this_cpu_inc(s->cpu->stat[SLAB_FREE_SLOW]);
	spin_lock_irqsave(&n->list_lock, flags);
	if (!check_free(s, slab, object))
		goto out;
	track_set(s, object, TRACK_FREE);
	slab_debug_init_object(s, object, false);

	was_full = !slab->state.freelist;
	slab_link_free(s, object, slab->state.freelist);
	slab->state.freelist = object;
	slab->state.inuse--;
	if (was_full) {
		list_add_tail(&slab->list, &n->partial);
		n->nr_partial++;
	}
	if (!slab->state.inuse && n->nr_partial > s->min_partial) {
		list_del(&slab->list);
		n->nr_partial--;
		surplus = true;
	}
out:
	spin_unlock_irqrestore(&n->list_lock, flags);
	if (surplus)
		slab_page_free(s, slab);
}

/* --- walking --------------------------------------------------------------- */

void slab_for_each(void (*fn)(struct slab *slab, void *arg), void *arg)
{
	struct zone_info info;
	struct zone *zone;

	for_each_zone(zone) {
		zone_get_info(zone, &info);
		for (unsigned long pfn = info.start_pfn;
		     pfn < info.start_pfn + info.spanned;) {
			struct page *page = pfn_to_page(pfn);

			if (!pfn_valid(pfn)) {
				pfn++;
				continue;
			}
			if (PageSlab(page) && ((struct slab *)page)->cache)
				fn((struct slab *)page, arg);
			pfn += 1ul << page->order;
		}
	}
}

static bool is_free(struct kmem_cache *s, struct slab *slab, void *object)
{
	bool found = false;

	count_free(s, slab, object, &found);
	return found;
}

static void report_leaks_in(struct slab *slab, void *cache)
{
	struct kmem_cache *s = cache;

	if (slab->cache != s)
		return;
	for (unsigned int i = 0; i < slab->state.objects; i++) {
		void *object = slab_object_at(s, slab, i);

		if (!is_free(s, slab, object))
			slab_report(s, slab, object,
				    "still in use, but its cache is destroyed");
	}
}

void slab_report_leaks(struct kmem_cache *s)
{
	slab_for_each(report_leaks_in, s);
}

/* Of the cache @only, or of any. */
static void validate_slab(struct slab *slab, void *only)
{
	struct kmem_cache *s = slab->cache;
	struct kmem_cache_node *n = s->node[slab_nid(slab)];
	unsigned long flags;

	if (only && s != only)
		return;
	spin_lock_irqsave(&n->list_lock, flags);
	if (!slab->state.frozen && check_counters(s, slab) && cache_debug(s))
		for (unsigned int i = 0; i < slab->state.objects; i++) {
			void *object = slab_object_at(s, slab, i);

			check_object(s, slab, object,
				     !is_free(s, slab, object));
		}
	spin_unlock_irqrestore(&n->list_lock, flags);
}

long kmem_cache_validate(struct kmem_cache *s)
{
	long before = atomic_long_read(&s->errors);

	slab_for_each(validate_slab, s);
	return atomic_long_read(&s->errors) - before;
}

static long count_errors(void)
{
	struct kmem_cache *s;
	long errors = 0;

	list_for_each_entry(s, &slab_caches, list)
		errors += atomic_long_read(&s->errors);
	return errors;
}

long slab_validate_all(void)
{
	long errors;

	mutex_lock(&slab_mutex);
	errors = -count_errors();
	slab_for_each(validate_slab, NULL);
	errors += count_errors();
	mutex_unlock(&slab_mutex);
	return errors;
}

/* --- slab_debug=FZPU,name --------------------------------------------------- */

static const char *debug_names; /* NULL: every cache */
static slab_flags_t debug_flags;

static const struct {
	char letter;
	slab_flags_t flag;
} debug_letters[] = {
	{'F', SLAB_CONSISTENCY_CHECKS},
	{'Z', SLAB_RED_ZONE},
	{'P', SLAB_POISON},
	{'U', SLAB_STORE_USER},
};

static slab_flags_t flag_of_letter(char c)
{
	for (int i = 0; i < ARRAY_SIZE(debug_letters); i++)
		if (debug_letters[i].letter == c)
			return debug_letters[i].flag;
	return 0;
}

static int set_debug(const struct boot_param *param, const char *value)
{
	slab_flags_t flags = 0;
	const char *p = value ?: "";

	for (; *p && *p != ','; p++) {
		if (!flag_of_letter(*p))
			return -EINVAL;
		flags |= flag_of_letter(*p);
	}
	debug_flags = flags ?: SLAB_DEBUG_FLAGS;
	debug_names = *p == ',' ? p + 1 : NULL;
	return 0;
}
BOOT_PARAM("slab_debug", set_debug, "letters of FZPU[,cache name or glob]",
	   "check objects: F consistency, Z red zones, P poison, U users");

slab_flags_t slab_debug_flags_for(const char *name, slab_flags_t flags)
{
	if (debug_flags && (!debug_names || glob_match(debug_names, name)))
		flags |= debug_flags;
	return flags;
}
