/* SPDX-License-Identifier: MIT */
/*
 * charge.c - charge, or make room and charge, or refuse.
 *
 * The way.    __accounting_charge() tries the stock, which charges 64 pages at
 *             once or, where there is less room, exactly what is needed.  All of
 *             that happens with preemption off.  If a counter refuses, everything
 *             is put down before anything that takes time is done: make_room()
 *             runs with nothing in hand, and then the whole charge starts again,
 *             with the group that pays then.
 * Rounds.     First, what the CPUs have charged ahead comes back: it costs nobody
 *             anything.  Then memory is reclaimed, and stocks are drained again,
 *             since what others free goes there.  Meanwhile the counter is
 *             squeezed: nobody below charges ahead what we drained for ourselves.
 *             So a request that fits exactly is not refused for the sake of bytes
 *             that nobody uses.
 * The flags.  who cannot wait	drains this CPU, tries once more, and is refused;
 *			__GFP_HIGH: goes beyond the limit instead
 *             __GFP_NORETRY	is refused after one round of reclaim
 *             __GFP_RETRY_MAYFAIL	after all of them, but nobody is killed
 *             otherwise	someone is killed, and the rounds begin again
 *             __GFP_NOFAIL	goes beyond the limit if all that did not help
 *             a dying task	goes beyond the limit at once: to end, it must run
 * Beyond.     A forced charge is the own group's and its ancestors', and counts as
 *             hitting the limit (MEMCG_MAX), once for each request like any other.
 * High.       Charges above memory.high are paid for in waiting, before the next
 *             charge: then nothing is in hand.
 *
 * Context: any but NMI; sleeps if gfp allows it.
 */
#include <errno.h>
#include <kernel/core/panic.h>
#include <kernel/core/sched.h>
#include <lib/math.h>
#include <mm/page/page_alloc.h>
#include "charge_impl.h"
#include "stock_impl.h"

/* --- the counters ------------------------------------------------------------------ */

static void tell_max(struct charge_attempt *a, struct mem_cgroup *memcg)
{
	if (!a->told)
		memcg_event(memcg, MEMCG_MAX);
	a->told = true;
}

/* Who refused; kept, and squeezed, until the next refusal or the end. */
static void attempt_blocked_by(struct charge_attempt *a,
			       struct mem_cgroup *over)
{
	if (a->over == over)
		return;
	if (a->over) {
		page_counter_relax(&a->over->memory);
		css_put(&a->over->css);
	}
	/* It cannot fail to be there: who pays is below it, and online. */
	if (over) {
		css_get(&over->css);
		page_counter_squeeze(&over->memory);
	}
	a->over = over;
}

unsigned long charge_pages(struct charge_attempt *a, struct mem_cgroup *memcg,
			   unsigned long need, bool ahead)
{
	struct page_counter *counter = &memcg->memory, *blocker;
	unsigned long nr = need;

	a->pages = need;
	if (unlikely(a->force)) {
		page_counter_charge(counter, nr);
	} else if (ahead && need < MEMCG_CHARGE_BATCH &&
		   page_counter_try_charge_ahead(counter, MEMCG_CHARGE_BATCH)) {
		nr = MEMCG_CHARGE_BATCH;
	} else if (!page_counter_try_charge(counter, nr, &blocker)) {
		attempt_blocked_by(a, memcg_from_counter(blocker));
		tell_max(a, a->over);
		return 0;
	}
	memcg_high_charged(memcg, nr, a->gfp);
	return nr;
}

/* --- making room --------------------------------------------------------------------- */

static bool task_is_dying(void)
{
	return in_task() && kill_pending();
}

/* Refused, unless the request is one that is not. */
static bool refuse(struct charge_attempt *a)
{
	a->force = a->gfp & (__GFP_NOFAIL | __GFP_HIGH);
	return a->force;
}

/* How often memory is reclaimed for it. */
static unsigned int allowed_rounds(gfp_t gfp)
{
	return gfp & __GFP_NORETRY ? 1 : MAX_RECLAIM_RETRIES;
}

/* Whether it makes sense to try again. */
static bool make_room(struct charge_attempt *a)
{
	struct mem_cgroup *over = a->over;
	gfp_t gfp = a->gfp;

	if (task_is_dying()) {
		a->force = true;
		return true;
	}
	if (!gfpflags_allow_blocking(gfp)) {
		if (a->drained || !stock_drain_local(over))
			return refuse(a);
		a->drained = true;
		return true;
	}

	a->rounds++;
	if (a->rounds <= 1 + allowed_rounds(gfp)) {
		if (a->rounds > 1)
			mem_cgroup_reclaim(over, a->pages, gfp);
		mem_cgroup_drain_stocks(over);
		return true;
	}
	if (gfp & (__GFP_NORETRY | __GFP_RETRY_MAYFAIL))
		return refuse(a);
	if (!mem_cgroup_out_of_memory(over, gfp, a->order))
		return refuse(a);
	a->rounds = 0;
	return true;
}

/* --- charging ------------------------------------------------------------------------- */

/* Until somebody pays: its obj_cgroup, or NULL if nobody does; entered.  False:
 * refused, and not entered. */
static bool charge(struct charge_attempt *a, size_t bytes, enum memcg_kind kind,
		   int nid, struct obj_cgroup **payer)
{
	bool blocking = gfpflags_allow_blocking(a->gfp);
	bool charged;

	if (blocking)
		might_sleep();
	if (blocking && unlikely(current->over_high))
		memcg_high_pay(a->gfp);
	for (;;) {
		bool taboo = cpu_store_entered();

		cpu_store_enter_over();
		charged = stock_charge(a, bytes, kind, nid, taboo, payer);
		if (likely(charged))
			break;
		cpu_store_leave();
		if (!make_room(a))
			break;
	}
	attempt_blocked_by(a, NULL);
	return charged;
}

/* An interrupt, or one of a CPU that is inside its stores: nothing for the fast
 * paths. */
static __always_inline bool in_unusual_context(void)
{
	return preempt_count_test(NMI_MASK | HARDIRQ_MASK | SOFTIRQ_OFFSET |
				  CPU_STORE_MASK);
}

static noinline int charge_slow(size_t bytes, enum memcg_kind kind, int nid,
				gfp_t gfp)
{
	struct charge_attempt a = {
		.gfp = gfp,
		.order = order_base_2(DIV_ROUND_UP(bytes, PAGE_SIZE)),
	};
	struct obj_cgroup *payer;

	if (!charge(&a, bytes, kind, nid, &payer))
		return -ENOMEM;
	return payer ? payer->id : 0;
}

int __accounting_charge(size_t bytes, enum memcg_kind kind, int nid, gfp_t gfp)
{
	u32 owner;

	if (unlikely(in_unusual_context()) || unlikely(bytes > STOCK_MAX))
		return charge_slow(bytes, kind, nid, gfp);
	cpu_store_enter_over();
	owner = READ_ONCE(current->owner);
	if (!owner || stock_consume_kind(owner, bytes, kind, nid))
		return owner;
	cpu_store_leave();
	return charge_slow(bytes, kind, nid, gfp);
}

/* --- pages ----------------------------------------------------------------------------- */

static void page_set_charge(struct page *page, struct obj_cgroup *objcg,
			    enum memcg_kind kind)
{
	page->memcg_data = (unsigned long)objcg | kind;
}

static bool charge_page_slow(struct page *page, gfp_t gfp, unsigned int order,
			     enum memcg_kind kind)
{
	struct charge_attempt a = {.gfp = gfp, .order = order};
	struct obj_cgroup *payer;

	if (!charge(&a, PAGE_SIZE << order, kind, page_to_nid(page), &payer))
		return false;
	if (payer)
		page_set_charge(page, payer, kind);
	cpu_store_leave();
	return true;
}

/* From the stock, or if nobody pays; no function is called.  False: slowly. */
static __always_inline bool
charge_page_fast(struct page *page, unsigned int order, enum memcg_kind kind)
{
	struct obj_cgroup *payer = NULL;
	u32 owner;

	if (unlikely(in_unusual_context()))
		return false;
	cpu_store_enter_over();
	owner = READ_ONCE(current->owner);
	if (owner) {
		payer = stock_consume_kind(owner, PAGE_SIZE << order, kind,
					   page_to_nid(page));
		if (likely(payer))
			page_set_charge(page, payer, kind);
	}
	cpu_store_leave();
	return likely(payer) || !owner;
}

static noinline struct page *admit_page_slow(struct page *page, gfp_t gfp,
					     unsigned int order)
{
	if (charge_page_slow(page, gfp, order, MEMCG_PAGES))
		return page;
	__free_pages(page, order);
	return NULL;
}

struct page *__accounting_admit_page(struct page *page, gfp_t gfp,
				     unsigned int order)
{
	if (charge_page_fast(page, order, MEMCG_PAGES))
		return page;
	return admit_page_slow(page, gfp, order);
}

bool __accounting_charge_page(struct page *page, gfp_t gfp, unsigned int order)
{
	return charge_page_fast(page, order, MEMCG_PAGES) ||
	       charge_page_slow(page, gfp, order, MEMCG_PAGES);
}

bool __accounting_charge_page_as(struct page *page, gfp_t gfp,
				 unsigned int order, enum memcg_kind kind)
{
	if (memcg_kmem_off && kind != MEMCG_ANON && kind != MEMCG_FILE &&
	    kind != MEMCG_SOCK)
		return true;
	return charge_page_fast(page, order, kind) ||
	       charge_page_slow(page, gfp, order, kind);
}

/* An interrupt of somebody who is inside. */
static noinline void uncharge_page_over(struct page *page, unsigned int order)
{
	enum memcg_kind kind;
	u32 owner;

	preempt_disable();
	kind = page_memcg_kind(page);
	owner = page_objcg(page)->id;
	page->memcg_data = 0;
	__accounting_uncharge(owner, PAGE_SIZE << order, kind,
			      page_to_nid(page));
	preempt_enable();
}

/* The owner is looked at inside only: it may be relabelled (sweep.c). */
void __accounting_uncharge_page(struct page *page, unsigned int order)
{
	enum memcg_kind kind;
	u32 owner;

	if (unlikely(!cpu_store_enter()))
		return uncharge_page_over(page, order);
	kind = page_memcg_kind(page);
	owner = page_objcg(page)->id;
	page->memcg_data = 0;
	if (unlikely(!stock_refill_kind(owner, PAGE_SIZE << order, kind,
					page_to_nid(page))))
		return accounting_uncharge_leave(owner, PAGE_SIZE << order,
						 kind, page_to_nid(page));
	cpu_store_leave();
}

/* The pages' references are the block's: there is one for each already. */
void __accounting_split_page(struct page *page, unsigned int order)
{
	for (unsigned long i = 1; i < 1ul << order; i++)
		page[i].memcg_data = page->memcg_data;
}
