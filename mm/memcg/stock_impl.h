/* SPDX-License-Identifier: MIT */
/* stock_impl.h - the stock's slow half; see stock.c. */
#pragma once
#include "memcg_impl.h"

/* A request on its way through the counters: charge.c. */
struct charge_attempt;

/*
 * Odd while this CPU is in the middle of a slow change of its stock: its slots,
 * the counters and the leftovers then agree only together.
 */
DECLARE_PER_CPU(u32, stock_seq);

/*
 * Take @bytes for whoever pays in this context, charging pages as @a allows.
 * Entered; @taboo: above somebody who is inside.  *@payer is who it was charged
 * to, or NULL if nobody pays.  False: the counters refused, nothing is taken.
 */
bool stock_charge(struct charge_attempt *a, size_t bytes, enum memcg_kind kind,
		  int nid, bool taboo, struct obj_cgroup **payer);

/* No CPU holds bytes of @objcg, which has an heir, when it returns, nor will.
 * May sleep. */
void stock_evict(struct obj_cgroup *objcg);

/* Give back what this CPU has charged ahead for @memcg and below.  Any context
 * but NMI; false if it interrupts somebody inside. */
bool stock_drain_local(struct mem_cgroup *memcg);

/* --- for tests ------------------------------------------------------------------ */

/* Called at the points of slow paths where an interrupt would hurt most. */
DECLARE_STATIC_KEY_FALSE(stock_probe_key);
extern void (*stock_probe_fn)(void);

static __always_inline void stock_probe(void)
{
	if (static_branch_unlikely(&stock_probe_key))
		stock_probe_fn();
}

/* --- any kind, fast ------------------------------------------------------------ */

/*
 * As stock_consume() and stock_refill(), for any kind.  They also give up when the
 * statistics would have to be marked as changed, which the slow halves do: so
 * they call nobody, and their callers need not save a register.
 */

/* Returns who pays, or NULL. */
static __always_inline struct obj_cgroup *
stock_consume_kind(u32 owner, u32 bytes, enum memcg_kind kind, int nid)
{
	struct stock_slot *slot = &stock[owner % STOCK_SLOTS];
	struct obj_cgroup *objcg;
	struct mem_cgroup *memcg;

	if (unlikely(!this_cpu_equals(slot->owner, owner)) ||
	    unlikely(this_cpu_below(slot->bytes, bytes)))
		return NULL;
	/* A slot is emptied before its group can go. */
	objcg = this_cpu_read(slot->objcg);
	memcg = objcg->memcg;
	if (unlikely(!memcg_state_is_marked(memcg)))
		return NULL;
	this_cpu_sub(slot->level, (u64)bytes << 32 | bytes);
	memcg_state_count(memcg, kind, nid, bytes);
	return objcg;
}

static __always_inline bool stock_refill_kind(u32 owner, u32 bytes,
					      enum memcg_kind kind, int nid)
{
	struct stock_slot *slot = &stock[owner % STOCK_SLOTS];
	struct mem_cgroup *memcg;

	if (unlikely(!this_cpu_equals(slot->owner, owner)) ||
	    unlikely(bytes > STOCK_MAX - this_cpu_read(slot->bytes)))
		return false;
	memcg = this_cpu_read(slot->objcg)->memcg;
	if (unlikely(!memcg_state_is_marked(memcg)))
		return false;
	this_cpu_add(slot->level, (u64)bytes << 32 | bytes);
	memcg_state_count(memcg, kind, nid, -(long)bytes);
	return true;
}
