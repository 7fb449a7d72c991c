/* SPDX-License-Identifier: MIT */
/*
 * stock.c - let each CPU prepay, for many groups at once.
 *
 * Problem.    Charging writes a cache line for each ancestor, freeing the same
 *             again; and a CPU that runs tasks of different groups in turn must
 *             not give back one's prepaid bytes to prepay for the other.
 * Idea.       A table of slots, each holding bytes charged for one owner.  The
 *             owner's id says where to look, so the allocators' fast paths are a
 *             compare and a subtraction, inside the section that they enter
 *             for their own store anyway (accounting.h).  Whatever does not fit
 *             that comes here.
 * Ways.       An owner has two possible slots.  The fast paths look at the first
 *             only; two owners who share it and take turns both keep theirs, and
 *             the one in the second place moves up after a while.  Only a charge
 *             evicts: a free that finds no slot leaves its bytes over.
 * Statistics. What the fast paths handed out is base - bytes; every slow path
 *             folds it into the group's counter of this CPU, which therefore
 *             never runs further ahead than a slot is large.
 * Draining.   Each CPU drains its own, asked by an interrupt.  One that finds
 *             the CPU inside its section says so, and is sent again.
 * Nobody is   While a CPU moves bytes between a slot, the leftovers and the
 * overlooked. counters, stock_seq is odd, and who looks for bytes to drain
 *             interrupts it just as if it held some.  The sequence becomes odd,
 *             with a full barrier, before the owner is looked at: either we see
 *             that the owner has an heir, or its offline sees that we are busy.
 *             So drains need no lock among themselves and none returns early.
 * Rejected.   A lock, or interrupts off: both tax the path we came to save.
 *             Draining a remote CPU: its slots would need atomic operations.
 *
 * Context: own CPU, entered.  A nested interrupt that finds somebody inside must
 * not touch the slots: it charges the counters exactly, and leaves bytes over.
 */
#include <arch/smp.h>
#include <kernel/core/panic.h>
#include <kernel/core/sched.h>
#include <kernel/core/smp.h>
#include <lib/math.h>
#include "charge_impl.h"
#include "stock_impl.h"

/* Hits of the second way after which its owner moves up to the first. */
#define MOVE_UP_AFTER 16

DEFINE_PER_CPU_ALIGNED(struct stock_slot[STOCK_SLOTS], stock);
DEFINE_PER_CPU(u32, stock_seq);
static DEFINE_PER_CPU(u32, evictions);

DEFINE_STATIC_KEY_FALSE(stock_probe_key);
void (*stock_probe_fn)(void);

/* --- a slow change --------------------------------------------------------------- */

static void change_begin(void)
{
	this_cpu_inc(stock_seq);
	/* Pairs with the one in cpu_may_hold(). */
	smp_mb();
	stock_probe();
}

static void change_end(void)
{
	stock_probe();
	smp_wmb();
	this_cpu_inc(stock_seq);
}

static struct stock_slot *way(u32 owner, unsigned int n)
{
	u32 index = owner % STOCK_SLOTS ^ (n ? STOCK_SLOTS / 2 : 0);

	return this_cpu_ptr(&stock[index]);
}

/* The slot holds @bytes, and whatever was handed out is folded. */
static void slot_set(struct stock_slot *slot, u32 bytes)
{
	WRITE_ONCE(slot->level, (u64)bytes << 32 | bytes);
}

static void slot_fold(struct stock_slot *slot)
{
	s32 handed_out = slot->base - slot->bytes;

	if (!handed_out)
		return;
	memcg_state_add(slot->objcg->memcg, MEMCG_SLAB_UNRECLAIMABLE,
			numa_mem_id(), handed_out);
	slot_set(slot, slot->bytes);
}

/* Give @nr pages of an owner that is online back to the counters.  It keeps the
 * reference of its group, so this is never the last. */
static void give_pages_back(struct obj_cgroup *objcg, unsigned long nr)
{
	if (!nr)
		return;
	stock_probe();
	page_counter_uncharge(&objcg->memcg->memory, nr);
	stock_probe();
	objcg_put_pages(objcg, nr);
}

/* Everything goes back, and the slot is nobody's. */
static void slot_empty(struct stock_slot *slot)
{
	struct obj_cgroup *objcg = slot->objcg;
	u32 bytes = slot->bytes;

	slot_fold(slot);
	WRITE_ONCE(slot->owner, 0);
	slot->objcg = NULL;
	slot_set(slot, 0);
	stock_probe();
	give_pages_back(objcg, bytes / PAGE_SIZE);
	if (bytes % PAGE_SIZE)
		objcg_leave_over(objcg, bytes % PAGE_SIZE);
}

/* --- finding one's slot ------------------------------------------------------------ */

static void slot_swap(struct stock_slot *a, struct stock_slot *b)
{
	struct stock_slot kept = *a;

	*a = *b;
	*b = kept;
	a->hits = b->hits = 0;
}

static struct stock_slot *slot_find(u32 owner)
{
	struct stock_slot *first = way(owner, 0), *second = way(owner, 1);

	if (first->owner == owner)
		return first;
	if (second->owner != owner)
		return NULL;
	if (!first->owner || ++second->hits == MOVE_UP_AFTER) {
		slot_swap(first, second);
		return first;
	}
	return second;
}

static struct stock_slot *slot_install(struct stock_slot *slot,
				       struct obj_cgroup *objcg)
{
	slot->objcg = objcg;
	slot->hits = 0;
	slot_set(slot, 0);
	WRITE_ONCE(slot->owner, objcg->id);
	return slot;
}

/* A new slot; @evict: at somebody else's expense. */
static struct stock_slot *slot_claim(struct obj_cgroup *objcg, bool evict)
{
	struct stock_slot *slot;

	for (unsigned int n = 0; n < 2; n++) {
		slot = way(objcg->id, n);
		if (!slot->owner)
			return slot_install(slot, objcg);
	}
	if (!evict)
		return NULL;
	this_cpu_inc(evictions);
	slot = way(objcg->id, this_cpu_read(evictions) & 1);
	slot_empty(slot);
	return slot_install(slot, objcg);
}

/* --- charging ------------------------------------------------------------------------ */

/* Who has this id; its slot, if it has one, knows it without a search. */
static struct obj_cgroup *find_owner(u32 owner, struct stock_slot *slot)
{
	return slot ? slot->objcg : obj_cgroup_find(owner);
}

/* Who pays in this context, with its slot or NULL; NULL: nobody. */
static struct obj_cgroup *find_payer(struct stock_slot **slot, bool taboo)
{
	u32 owner = accounting_owner();
	struct obj_cgroup *objcg;

	*slot = NULL;
	if (!owner)
		return NULL;
	if (!taboo)
		*slot = slot_find(owner);
	objcg = find_owner(owner, *slot);
	if (likely(!READ_ONCE(objcg->heir)))
		return objcg;
	objcg = obj_cgroup_online(objcg);
	*slot = taboo ? NULL : slot_find(objcg->id);
	return objcg == &root_objcg ? NULL : objcg;
}

/* Fill the slot until it has @bytes, and take them. */
static bool slot_take(struct charge_attempt *a, struct stock_slot *slot,
		      size_t bytes)
{
	struct obj_cgroup *objcg = slot->objcg;
	size_t have = slot->bytes;
	u32 keep;

	slot_fold(slot);
	if (have < bytes && atomic_long_read(&objcg->leftover))
		have += atomic_long_xchg(&objcg->leftover, 0);
	if (have < bytes) {
		unsigned long nr = DIV_ROUND_UP(bytes - have, PAGE_SIZE);

		nr = charge_pages(a, objcg->memcg, nr, true);
		stock_probe();
		objcg_get_pages(objcg, nr);
		have += nr * PAGE_SIZE;
	}
	if (have >= bytes)
		have -= bytes;
	else
		bytes = 0;
	/* What was left over may be more than the slot has room for. */
	keep = min_t(size_t, have, STOCK_MAX);
	slot_set(slot, keep);
	if (have > keep)
		objcg_leave_over(objcg, have - keep);
	return bytes;
}

/* Without a slot: whole pages, and the rest is left over. */
static bool take_exactly(struct charge_attempt *a, struct obj_cgroup *objcg,
			 size_t bytes)
{
	unsigned long nr = DIV_ROUND_UP(bytes, PAGE_SIZE);

	if (!charge_pages(a, objcg->memcg, nr, false))
		return false;
	objcg_get_pages(objcg, nr);
	if (nr * PAGE_SIZE > bytes)
		objcg_leave_over(objcg, nr * PAGE_SIZE - bytes);
	return true;
}

bool stock_charge(struct charge_attempt *a, size_t bytes, enum memcg_kind kind,
		  int nid, bool taboo, struct obj_cgroup **payer)
{
	struct obj_cgroup *objcg;
	struct stock_slot *slot;
	bool taken = true;

	if (!taboo)
		change_begin();
	objcg = find_payer(&slot, taboo);
	if (objcg && taboo)
		taken = take_exactly(a, objcg, bytes);
	else if (objcg)
		taken = slot_take(a, slot ?: slot_claim(objcg, true), bytes);
	if (objcg && taken)
		memcg_state_add(objcg->memcg, kind, nid, bytes);
	if (!taboo)
		change_end();
	*payer = objcg;
	return taken;
}

bool __stock_consume_as(u32 owner, u32 bytes, enum memcg_kind kind, int nid)
{
	return stock_consume_kind(owner, bytes, kind, nid);
}

/* --- uncharging ---------------------------------------------------------------------- */

/* Put @bytes into the slot; when it is too full, half of what it may hold goes
 * back to the counters. */
static void slot_put(struct stock_slot *slot, size_t bytes)
{
	size_t have = slot->bytes + bytes;
	unsigned long nr = 0;

	slot_fold(slot);
	if (have > STOCK_MAX)
		nr = (have - STOCK_MAX / 2) / PAGE_SIZE;
	slot_set(slot, have - nr * PAGE_SIZE);
	give_pages_back(slot->objcg, nr);
}

static void uncharge(u32 owner, size_t bytes, enum memcg_kind kind, int nid,
		     bool taboo)
{
	struct stock_slot *slot = NULL;
	struct obj_cgroup *objcg;

	if (!taboo) {
		change_begin();
		slot = slot_find(owner);
	}
	objcg = find_owner(owner, slot);
	if (!WARN(!objcg, "memcg: %zu bytes of nobody's: owner %u", bytes,
		  owner)) {
		memcg_state_add(obj_cgroup_memcg(objcg), kind, nid,
				-(long)bytes);
		if (!slot && !taboo && !READ_ONCE(objcg->heir))
			slot = slot_claim(objcg, false);
		if (slot)
			slot_put(slot, bytes);
		else
			objcg_leave_over(objcg, bytes);
	}
	if (!taboo)
		change_end();
}

bool __stock_refill_as(u32 owner, u32 bytes, enum memcg_kind kind, int nid)
{
	return stock_refill_kind(owner, bytes, kind, nid);
}

void __accounting_uncharge(u32 owner, size_t bytes, enum memcg_kind kind,
			   int nid)
{
	if (unlikely(!cpu_store_enter())) {
		preempt_disable();
		uncharge(owner, bytes, kind, nid, true);
		preempt_enable();
	} else if (bytes <= STOCK_MAX &&
		   stock_refill_kind(owner, bytes, kind, nid)) {
		cpu_store_leave();
	} else {
		accounting_uncharge_leave(owner, bytes, kind, nid);
	}
}

void accounting_uncharge_leave(u32 owner, size_t bytes, enum memcg_kind kind,
			       int nid)
{
	uncharge(owner, bytes, kind, nid, false);
	cpu_store_leave();
}

/* --- asking every CPU ------------------------------------------------------------------ */

/* What is to be done to which slots.  One of the first two says which. */
struct stock_request {
	u32 owner;		 /* of this one, which has an heir */
	struct mem_cgroup *root; /* of this group and below; NULL: of all */
	bool fold;		 /* count what was handed out, no more */

	/* Any CPU, atomically: found in the middle of something. */
	atomic_t busy;
};

static bool slot_wanted(const struct stock_request *rq, u32 owner, u64 level)
{
	struct obj_cgroup *objcg;

	if (!owner)
		return false;
	if (rq->owner)
		return owner == rq->owner;
	if (rq->fold ? (u32)(level >> 32) == (u32)level : !(u32)level)
		return false;
	if (!rq->root)
		return true;
	objcg = obj_cgroup_find(owner);
	return objcg && mem_cgroup_is_descendant(objcg->memcg, rq->root);
}

static void serve_request(struct stock_request *rq)
{
	for (unsigned int i = 0; i < STOCK_SLOTS; i++) {
		struct stock_slot *slot = this_cpu_ptr(&stock[i]);

		if (!slot_wanted(rq, slot->owner, slot->level))
			continue;
		change_begin();
		if (rq->fold)
			slot_fold(slot);
		else
			slot_empty(slot);
		change_end();
	}
}

/* In an interrupt, on the CPU whose stock it is. */
static void serve_request_here(void *arg)
{
	struct stock_request *rq = arg;

	if (!cpu_store_enter()) {
		atomic_inc(&rq->busy);
		return;
	}
	serve_request(rq);
	cpu_store_leave();
}

/*
 * Must @cpu be interrupted?  Its slots are read while it may be changing them.
 * Bytes that come into one later were not there when we were asked; those that
 * leave one are either still on their way, and the sequence says so, or have
 * arrived.
 */
static bool cpu_may_hold(const struct stock_request *rq, unsigned int cpu)
{
	u32 seq = READ_ONCE(per_cpu(stock_seq, cpu));
	bool wanted = seq & 1;

	/* Pairs with change_begin(). */
	smp_rmb();
	for (unsigned int i = 0; i < STOCK_SLOTS && !wanted; i++) {
		struct stock_slot *slot = per_cpu_ptr(&stock[i], cpu);

		wanted = slot_wanted(rq, READ_ONCE(slot->owner),
				     READ_ONCE(slot->level));
	}
	smp_rmb();
	return wanted || READ_ONCE(per_cpu(stock_seq, cpu)) != seq;
}

/* A CPU interrupted inside its section is asked again: it will have left it, as
 * it cannot be switched there. */
static void ask_all_cpus(struct stock_request *rq)
{
	cpumask_t cpus;
	unsigned int cpu;

	assert_can_sleep();
	/* Pairs with change_begin(): what the caller has seen or done comes
	 * before we look. */
	smp_mb();
	do {
		atomic_set(&rq->busy, 0);
		cpumask_clear(&cpus);
		for_each_online_cpu(cpu) {
			rcu_read_lock();
			if (cpu_may_hold(rq, cpu))
				cpumask_set_cpu(cpu, &cpus);
			rcu_read_unlock();
		}
		on_each_cpu_mask(&cpus, serve_request_here, rq, true);
	} while (atomic_read(&rq->busy) && (cond_resched(), true));
}

void mem_cgroup_drain_stocks(struct mem_cgroup *memcg)
{
	struct stock_request rq = {.root = memcg};

	ask_all_cpus(&rq);
}

void mem_cgroup_fold_stocks(struct mem_cgroup *memcg)
{
	struct stock_request rq = {.root = memcg, .fold = true};

	ask_all_cpus(&rq);
}

void stock_evict(struct obj_cgroup *objcg)
{
	struct stock_request rq = {.owner = objcg->id};

	ask_all_cpus(&rq);
}

bool stock_drain_local(struct mem_cgroup *memcg)
{
	struct stock_request rq = {.root = memcg};

	if (!cpu_store_enter())
		return false;
	serve_request(&rq);
	cpu_store_leave();
	return true;
}
