/* SPDX-License-Identifier: MIT */
/*
 * high.c - above memory.high memory is to be had, but slowly.
 *
 * Problem.    A hard limit ends in failures and kills.  A group should be told
 *             earlier, and in a way that gives whoever watches it time to act.
 * Idea.       Nothing is refused above memory.high.  A task that charges there
 *             owes for each page; it pays with the next charge that may wait, by
 *             reclaiming as much.  If the group stays above all the same, it
 *             waits: the further above, the longer, and squared, so that a little
 *             too much is hardly felt and much too much is stopped.
 * Where.      Where nothing is in hand and no lock is held.  A program pays when
 *             it comes back from the kernel, or when it touches memory that is
 *             not there yet; not within a system call.  What runs in the kernel
 *             alone pays at the beginning of a charge that may sleep; if that
 *             may not start I/O or enter file systems, the caller holds locks
 *             that others need: it reclaims, and the penalty is dropped.
 * Interrupts  cannot pay, nor can who must not wait; a worker reclaims for the
 *             group, one for each.  A task owes what it took that way as well.
 * Dying       tasks owe nothing: the sooner they end, the more is free.
 * Rejected.   Making the caller of the charge that went above wait at once: by
 *             then it has the bytes in hand.
 */
#include <kernel/core/clock.h>
#include <lib/math.h>
#include "memcg_impl.h"

/* No wait is longer, and none that is shorter is worth it. */
#define MAX_DELAY (2 * NSEC_PER_SEC)
#define MIN_DELAY (10 * NSEC_PER_MSEC)

/* In task->over_high: being paid just now, by somebody up the stack. */
#define PAYING (1u << 31)

static bool is_over(const struct page_counter *c)
{
	return atomic_long_read(&c->usage) > (long)READ_ONCE(c->high);
}

/* -- Reclaiming --------------------------------------------------------------- */

/* For each that is above, from @memcg upwards; returns what was freed. */
static unsigned long reclaim_over(struct mem_cgroup *memcg, unsigned long nr,
				  gfp_t gfp)
{
	unsigned long freed = 0;

	for (; memcg; memcg = parent_mem_cgroup(memcg)) {
		if (!is_over(&memcg->memory))
			continue;
		memcg_event(memcg, MEMCG_HIGH);
		freed += mem_cgroup_reclaim(memcg, nr, gfp);
	}
	return freed;
}

/* An item that is queued or running keeps its group. */
static void high_work_queue(struct mem_cgroup *memcg)
{
	if (css_tryget(&memcg->css) &&
	    !queue_work(system_unbound_wq, &memcg->high_work))
		css_put(&memcg->css);
}

static void high_work_fn(struct work_struct *work)
{
	struct mem_cgroup *memcg =
		container_of(work, struct mem_cgroup, high_work);

	reclaim_over(memcg, MEMCG_CHARGE_BATCH, GFP_KERNEL);
	css_put(&memcg->css);
}

void memcg_high_init(struct mem_cgroup *memcg)
{
	INIT_WORK(&memcg->high_work, high_work_fn);
}

/* -- Owing ------------------------------------------------------------------- */

static void owe(struct mem_cgroup *over, unsigned long nr, gfp_t gfp)
{
	if (!in_task() || !gfpflags_allow_blocking(gfp))
		high_work_queue(over);
	if (in_task() && !(current->over_high & PAYING))
		current->over_high = min(current->over_high + nr, PAYING - 1ul);
}

/* Each charge of pages comes by here: a few instructions for each level. */
void memcg_high_charged(struct mem_cgroup *memcg, unsigned long nr, gfp_t gfp)
{
	for (struct page_counter *c = &memcg->memory; c; c = c->parent) {
		if (unlikely(is_over(c))) {
			owe(memcg_from_counter(c), nr, gfp);
			return;
		}
	}
}

/* -- Paying ------------------------------------------------------------------- */

/* A second for each page charged and each time that memory.high is exceeded,
 * squared: twice as much as is allowed costs 64 seconds a batch, a tenth too much
 * two thirds of one. */
u64 memcg_high_delay(unsigned long usage, unsigned long high, unsigned long nr)
{
	u64 times = 4ull << 20; /* in 2^-20; with more, a page costs the cap */

	if (usage <= high)
		return 0;
	usage -= high;
	high = max(high, 1ul);
	if (usage / 4 < high)
		times = mul_u64_u64_div_u64(usage, 1u << 20, high);
	return min(mul_u64_u64_shr(times * times, NSEC_PER_SEC, 40) *
			   min(nr, 1ul << 20),
		   MAX_DELAY);
}

static u64 longest_delay(struct mem_cgroup *memcg, unsigned long nr)
{
	u64 delay = 0;

	for (; memcg; memcg = parent_mem_cgroup(memcg))
		delay = max(delay, memcg_high_delay(
					   page_counter_read(&memcg->memory),
					   READ_ONCE(memcg->memory.high), nr));
	return delay < MIN_DELAY ? 0 : delay;
}

static void pay(struct mem_cgroup *memcg, unsigned long nr, gfp_t gfp)
{
	const gfp_t all = __GFP_IO | __GFP_FS;
	u64 delay;

	for (int round = 0; round < MAX_RECLAIM_RETRIES; round++) {
		if (kill_pending())
			return;
		if (!reclaim_over(memcg, nr, gfp) && round)
			break;
		if (!longest_delay(memcg, nr))
			return;
	}
	delay = longest_delay(memcg, nr);
	if (delay && (gfp & all) == all)
		sleep_ns_killable(delay);
}

/* Whose charges this context makes, kept; NULL: nobody's. */
static struct mem_cgroup *get_payer(void)
{
	struct mem_cgroup *memcg = NULL;
	struct obj_cgroup *objcg;

	rcu_read_lock();
	objcg = obj_cgroup_find(accounting_owner());
	if (objcg) {
		memcg = obj_cgroup_memcg(objcg);
		while (!css_tryget(&memcg->css))
			memcg = parent_mem_cgroup(memcg);
	}
	rcu_read_unlock();
	return memcg;
}

/* A program that the kernel works for: who knows what it holds. */
static bool in_system_call(void)
{
	return current->kernel_depth && !current->is_kernel_code;
}

void memcg_high_pay(gfp_t gfp)
{
	unsigned int nr = current->over_high;
	struct mem_cgroup *memcg;

	if ((nr & PAYING) || in_system_call())
		return;
	current->over_high = PAYING;
	memcg = get_payer();
	if (memcg) {
		pay(memcg, nr, gfp);
		css_put(&memcg->css);
	}
	current->over_high = 0;
}

void __accounting_settle(void)
{
	memcg_high_pay(GFP_KERNEL);
}
