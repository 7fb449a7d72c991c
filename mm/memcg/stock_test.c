/* SPDX-License-Identifier: MIT */
/* stock_test.c - what is prepaid is never lost, never spent twice, and can always
 * be had back. */
#include <arch/irqflags.h>
#include <arch/smp.h>
#include <errno.h>
#include <kernel/core/clock.h>
#include <kernel/core/completion.h>
#include <kernel/core/smp.h>
#include <kernel/core/timer.h>
#include <kernel/core/wait.h>
#include <kernel/task/task.h>
#include <lib/math.h>
#include <lib/random.h>
#include <mm/page/page_alloc.h>
#include <string.h>
#include <tests/test.h>
#include "memcg_test.h"
#include "stock_impl.h"

/* This CPU's slot of @owner, or NULL.  Preemption off. */
static struct stock_slot *slot_of(u32 owner)
{
	for (unsigned int i = 0; i < STOCK_SLOTS; i++) {
		struct stock_slot *slot = this_cpu_ptr(&stock[i]);

		if (slot->owner == owner)
			return slot;
	}
	return NULL;
}

/* Bytes that this CPU has in stock for @owner. */
static long stocked(u32 owner)
{
	struct stock_slot *slot;
	long bytes;

	preempt_disable();
	slot = slot_of(owner);
	bytes = slot ? (long)slot->bytes : -1;
	preempt_enable();
	return bytes;
}

/* --- one CPU ---------------------------------------------------------------------------- */

TEST(stock, sixty_four_pages_are_charged_ahead_and_spent)
{
	struct mem_cgroup *memcg = group_make("/t");
	int owner;

	ASSERT(memcg);
	owner = memcg->objcg->id;
	for (unsigned int i = 0; i < 64; i++) {
		EXPECT_EQ(charge_bytes(memcg, PAGE_SIZE, GFP_KERNEL), owner);
		EXPECT_EQ(usage_of(memcg) % 64, 0ul);
	}
	EXPECT_LE(usage_of(memcg), 128ul); /* we may have been moved */
	EXPECT_EQ(settled_usage(memcg), 64ul);
	for (unsigned int i = 0; i < 64; i++)
		uncharge_bytes(owner, PAGE_SIZE);
	EXPECT_EQ(usage_of(memcg), 64ul);
	EXPECT_EQ(settled_usage(memcg), 0ul);
	group_remove("/t");
}

TEST(stock, a_slot_keeps_two_batches_at_most)
{
	struct mem_cgroup *memcg = group_make("/t");
	int owner;

	ASSERT(memcg);
	owner = charge_bytes(memcg, 300 * PAGE_SIZE, GFP_KERNEL);
	preempt_disable();
	for (unsigned int i = 0; i < 300; i++) {
		uncharge_bytes(owner, PAGE_SIZE);
		EXPECT_LE(slot_of(owner)->bytes, STOCK_MAX);
		EXPECT_EQ(usage_of(memcg),
			  299ul - i + slot_of(owner)->bytes / PAGE_SIZE);
	}
	preempt_enable();
	EXPECT_EQ(settled_usage(memcg), 0ul);
	group_remove("/t");
}

/* The inline halves, at the edges of what a slot holds. */
TEST(stock, fast_paths_refuse_what_does_not_fit)
{
	struct mem_cgroup *memcg = group_make("/t");
	int owner;

	ASSERT(memcg);
	owner = memcg->objcg->id;
	ASSERT(cpu_store_enter());
	EXPECT(!stock_consume(owner, 1));
	EXPECT(!stock_refill(owner, 1));
	cpu_store_leave();

	preempt_disable();
	charge_bytes(memcg, 64 * PAGE_SIZE - 10, GFP_NOWAIT);
	EXPECT_EQ(stocked(owner), 10l);
	ASSERT(cpu_store_enter());
	EXPECT(!stock_consume(owner, 11));
	EXPECT(stock_consume(owner, 10));
	EXPECT(!stock_consume(owner, 1));
	EXPECT(!stock_consume(owner + 1, 0));
	EXPECT(stock_refill(owner, STOCK_MAX / 2));
	EXPECT(!stock_refill(owner, STOCK_MAX / 2 + 1));
	EXPECT(!stock_refill(owner, ~0u));
	EXPECT(stock_refill(owner, 0));
	EXPECT(stock_consume(owner, STOCK_MAX / 2 - 10));
	cpu_store_leave();
	preempt_enable();
	/* 10 are stocked of 64 pages; all are uncharged now. */
	uncharge_bytes(owner, 64 * PAGE_SIZE - 10);
	EXPECT_EQ(settled_usage(memcg), 0ul);
	group_remove("/t");
}

/* What the fast paths hand out shows in the statistics once folded, and only
 * there. */
TEST(stock, handed_out_bytes_are_counted_once)
{
	struct mem_cgroup *memcg = group_make("/t");
	int owner, first, second; /* nodes: we may move between */

	ASSERT(memcg);
	preempt_disable();
	first = numa_mem_id();
	owner = charge_bytes(memcg, 1000, GFP_NOWAIT);
	ASSERT(cpu_store_enter());
	EXPECT(stock_consume(owner, 5000));
	EXPECT(stock_refill(owner, 2000));
	EXPECT(__stock_consume_as(owner, 700, MEMCG_ANON, 0));
	EXPECT(__stock_refill_as(owner, 200, MEMCG_ANON, 0));
	cpu_store_leave();
	preempt_enable();
	mem_cgroup_fold_stocks(memcg);
	cgroup_rstat_flush(&memcg->css);
	EXPECT_EQ(memcg->sums[MEMCG_SLAB_UNRECLAIMABLE].all, 3000l);
	EXPECT_EQ(memcg->sums[MEMCG_ANON].all, 500l);
	EXPECT_EQ(memcg->sums[MEMCG_VMALLOC].all, 1000l);

	/* What was not folded is when the slot is emptied. */
	preempt_disable();
	second = numa_mem_id();
	uncharge_bytes(owner, 1000);
	charge_bytes(memcg, 1000, GFP_NOWAIT);
	ASSERT(cpu_store_enter());
	EXPECT(stock_consume(owner, 50));
	EXPECT(stock_refill(owner, 10));
	cpu_store_leave();
	EXPECT(stock_drain_local(memcg));
	preempt_enable();
	cgroup_rstat_flush(&memcg->css);
	EXPECT_EQ(memcg->sums[MEMCG_SLAB_UNRECLAIMABLE].all, 3040l);
	preempt_disable();
	__accounting_uncharge(owner, 40, MEMCG_SLAB_UNRECLAIMABLE, second);
	__accounting_uncharge(owner, 3000, MEMCG_SLAB_UNRECLAIMABLE, first);
	__accounting_uncharge(owner, 500, MEMCG_ANON, 0);
	preempt_enable();
	uncharge_bytes(owner, 1000);
	mem_cgroup_fold_stocks(memcg);
	cgroup_rstat_flush(&memcg->css);
	for (unsigned int kind = 0; kind < MEMCG_NR_KINDS; kind++)
		EXPECT_EQ(memcg->sums[kind].all, 0l);
	EXPECT_EQ(settled_usage(memcg), 0ul);
	group_remove("/t");
}

/* Old bug 6: a narrow type anywhere on the way would lose the upper bits. */
TEST(stock, old_bug_6_sizes_are_wide)
{
	static const size_t sizes[] = {
		STOCK_MAX - 1, STOCK_MAX + 1,	   (1ul << 31) - 1,
		(1ul << 32),   (1ul << 32) + 4097, (5ul << 32) - 3,
	};
	struct mem_cgroup *memcg = group_make("/t");

	ASSERT(memcg);
	for (unsigned int i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		int owner = charge_bytes(memcg, sizes[i], GFP_KERNEL);

		EXPECT_GT(owner, 0);
		EXPECT_EQ(settled_usage(memcg),
			  DIV_ROUND_UP(sizes[i], PAGE_SIZE));
		uncharge_bytes(owner, sizes[i]);
		EXPECT_LE(usage_of(memcg), 2 * MEMCG_CHARGE_BATCH);
		EXPECT_EQ(settled_usage(memcg), 0ul);
	}
	group_remove("/t");
}

/* --- several owners ------------------------------------------------------------------------ */

/* Owners come with the lowest ids free, so make groups until some share a slot. */
TEST(stock, two_owners_of_one_slot_keep_both_and_a_third_loses_nothing)
{
	enum { N = 2 * STOCK_SLOTS + 1 };
	static struct mem_cgroup *groups[N];
	struct mem_cgroup *rivals[3];
	unsigned int nr = 0;
	char path[8];

	ASSERT(group_make("/t"));
	for (unsigned int i = 0; i < N; i++)
		ASSERT((groups[i] = group_make(numbered(path, i))));
	for (unsigned int i = 0; i < N && nr < 3; i++)
		if (groups[i]->objcg->id % STOCK_SLOTS ==
		    groups[0]->objcg->id % STOCK_SLOTS)
			rivals[nr++] = groups[i];
	ASSERT_EQ(nr, 3u);

	preempt_disable();
	for (unsigned int turn = 0; turn < 50; turn++) {
		/* One full batch each, and no more from the counters. */
		charge_bytes(rivals[turn % 2], PAGE_SIZE, GFP_NOWAIT);
		EXPECT_LE(usage_of(rivals[turn % 2]), 64ul);
	}
	EXPECT_EQ(usage_of(rivals[0]), 64ul);
	EXPECT_EQ(usage_of(rivals[1]), 64ul);
	EXPECT_EQ(stocked(rivals[0]->objcg->id), 39l * PAGE_SIZE);
	EXPECT_EQ(stocked(rivals[1]->objcg->id), 39l * PAGE_SIZE);

	/* The third evicts one of them; whose bytes go back. */
	charge_bytes(rivals[2], PAGE_SIZE, GFP_NOWAIT);
	EXPECT_EQ(usage_of(rivals[2]), 64ul);
	EXPECT_EQ(usage_of(rivals[0]) + usage_of(rivals[1]), 64ul + 25);

	/* A free evicts nobody. */
	for (unsigned int i = 0; i < 3; i++)
		if (stocked(rivals[i]->objcg->id) < 0) {
			uncharge_bytes(rivals[i]->objcg->id, 100);
			EXPECT_LT(stocked(rivals[i]->objcg->id), 0l);
			EXPECT_EQ(atomic_long_read(&rivals[i]->objcg->leftover),
				  100l);
			charge_bytes(rivals[i], 100, GFP_NOWAIT);
			EXPECT_EQ(atomic_long_read(&rivals[i]->objcg->leftover),
				  0l);
		}
	preempt_enable();

	for (unsigned int i = 0; i < 3; i++)
		uncharge_bytes(rivals[i]->objcg->id,
			       (i < 2 ? 25 : 1) * PAGE_SIZE);
	for (unsigned int i = 0; i < N; i++) {
		EXPECT_EQ(settled_usage(groups[i]), 0ul);
		group_remove(numbered(path, i));
	}
	group_remove("/t");
}

/* The owner in the second place moves up when it goes on coming. */
TEST(stock, who_uses_the_second_way_moves_up)
{
	enum { N = STOCK_SLOTS + 1 };
	static struct mem_cgroup *groups[N];
	struct mem_cgroup *a, *b = NULL;
	char path[8];

	ASSERT(group_make("/t"));
	for (unsigned int i = 0; i < N; i++)
		ASSERT((groups[i] = group_make(numbered(path, i))));
	a = groups[0];
	for (unsigned int i = 1; i < N && !b; i++)
		if (groups[i]->objcg->id % STOCK_SLOTS ==
		    a->objcg->id % STOCK_SLOTS)
			b = groups[i];
	ASSERT(b);
	preempt_disable();
	charge_bytes(a, PAGE_SIZE, GFP_NOWAIT);
	for (unsigned int i = 0; i < 40; i++)
		charge_bytes(b, PAGE_SIZE, GFP_NOWAIT);
	ASSERT(cpu_store_enter());
	EXPECT(stock_consume(b->objcg->id, 1));
	EXPECT(stock_refill(b->objcg->id, 1));
	cpu_store_leave();
	preempt_enable();
	uncharge_bytes(a->objcg->id, PAGE_SIZE);
	uncharge_bytes(b->objcg->id, 40 * PAGE_SIZE);
	for (unsigned int i = 0; i < N; i++)
		group_remove(numbered(path, i));
	group_remove("/t");
}

/* --- interrupts ------------------------------------------------------------------------------ */

/* An interrupt at the n-th probe of slow paths from now on. */
static struct {
	unsigned long until;
	unsigned long seen;
	unsigned long inside; /* came while the section was entered */
	struct mem_cgroup *memcg;
	int owner; /* has 3 pages and 100 bytes to give and take */
	bool charged;
} nested;

/* In hard interrupt, above whatever was interrupted. */
static void nested_interrupt(void *unused)
{
	struct mem_cgroup *old;
	int owner;

	nested.inside += cpu_store_entered();
	uncharge_bytes(nested.owner, 3 * PAGE_SIZE + 100);
	old = set_active_memcg(nested.memcg);
	owner = __accounting_charge(3 * PAGE_SIZE + 100, MEMCG_VMALLOC,
				    NUMA_NO_NODE, GFP_ATOMIC);
	EXPECT_EQ(owner, nested.owner);
	if (owner >= 0)
		cpu_store_leave();
	set_active_memcg(old);
	/* What it must not do, it is not let do. */
	if (cpu_store_entered())
		EXPECT(!stock_drain_local(nested.memcg));
}

static struct call_single_data nested_csd =
	CALL_SINGLE_DATA_INIT(nested_interrupt, NULL);

static void interrupt_at_probe(void)
{
	if (in_hardirq() || ++nested.seen != nested.until)
		return;
	/* It comes at once: interrupts are on. */
	smp_call_function_single_async(smp_processor_id(), &nested_csd);
}

/* Goes through every slow path there is: batches, evictions by draining, full
 * slots, leftovers, exact charges. */
static void all_slow_paths(struct mem_cgroup *memcg)
{
	int owner = memcg->objcg->id;

	charge_bytes(memcg, 10, GFP_KERNEL);
	charge_bytes(memcg, 200 * PAGE_SIZE - 10, GFP_KERNEL);
	for (unsigned int i = 0; i < 2; i++)
		uncharge_bytes(owner, 100 * PAGE_SIZE);
	charge_bytes(memcg, 5000, GFP_KERNEL);
	stock_drain_local(memcg);
	charge_bytes(memcg, 10, GFP_KERNEL);
	uncharge_bytes(owner, 5010);
	mem_cgroup_drain_stocks(memcg);
}

/* Old bug 1: network receive in the middle of a drain. */
TEST_T(stock, old_bug_1_an_interrupt_at_any_point_of_any_slow_path, 60)
{
	struct mem_cgroup *memcg = group_make("/t");
	unsigned long n, points;

	ASSERT(memcg);
	memset(&nested, 0, sizeof(nested));
	nested.memcg = memcg;
	stock_probe_fn = interrupt_at_probe;
	static_branch_enable(&stock_probe_key);
	for (n = 1, points = 1; n <= points; n++) {
		nested.owner =
			charge_bytes(memcg, 3 * PAGE_SIZE + 100, GFP_KERNEL);
		nested.seen = 0;
		nested.until = n;
		all_slow_paths(memcg);
		nested.until = 0;
		points = nested.seen;
		uncharge_bytes(nested.owner, 3 * PAGE_SIZE + 100);
		EXPECT_EQ(settled_usage(memcg), 0ul);
		EXPECT_EQ(atomic_long_read(&memcg->objcg->leftover), 0l);
		EXPECT_EQ(percpu_ref_sum(&memcg->objcg->refs), 1l);
	}
	static_branch_disable(&stock_probe_key);
	EXPECT_GT(points, 15ul);
	EXPECT_GT(nested.inside, points / 2);
	group_remove("/t");
}

/* --- draining ----------------------------------------------------------------------------------- */

/* One CPU is stopped for a while just between its slot and the counters. */
static struct {
	struct mem_cgroup *memcg;
	u64 until;
	bool reached, left;
} half_way;

static void wait_half_way(void)
{
	if (in_hardirq() || half_way.reached || !cpu_store_entered() ||
	    slot_of(half_way.memcg->objcg->id) || !usage_of(half_way.memcg))
		return;
	WRITE_ONCE(half_way.reached, true);
	half_way.until = ktime_get_ns() + 30 * NSEC_PER_MSEC;
	while (ktime_get_ns() < half_way.until)
		cpu_relax();
	WRITE_ONCE(half_way.left, true);
}

static int drain_slowly(void *unused)
{
	charge_bytes(half_way.memcg, PAGE_SIZE, GFP_KERNEL);
	stock_drain_local(half_way.memcg);
	return 0;
}

/* Old bug 17: who drains beside somebody who has begun to, and finds nothing more
 * to do, must not return before that has taken effect. */
TEST(stock, old_bug_17_a_drain_waits_for_the_one_under_way)
{
	struct task *t;
	cpumask_t cpus;

	if (num_online_cpus() < 2)
		SKIP("one CPU cannot do two things at once");
	memset(&half_way, 0, sizeof(half_way));
	ASSERT((half_way.memcg = group_make("/t")));
	ASSERT((t = task_create(drain_slowly, NULL, "slow")));
	cpumask_clear(&cpus);
	cpumask_set_cpu(1, &cpus);
	EXPECT_EQ(set_cpus_allowed(t, &cpus), 0);
	cpumask_clear(&cpus);
	cpumask_set_cpu(0, &cpus);
	EXPECT_EQ(set_cpus_allowed(current, &cpus), 0);

	stock_probe_fn = wait_half_way;
	static_branch_enable(&stock_probe_key);
	wake_up_process(t);
	while (!READ_ONCE(half_way.reached))
		yield();
	mem_cgroup_drain_stocks(half_way.memcg);
	EXPECT(half_way.left);
	EXPECT_EQ(usage_of(half_way.memcg), 1ul);
	task_join(t);
	static_branch_disable(&stock_probe_key);
	uncharge_bytes(half_way.memcg->objcg->id, PAGE_SIZE);
	EXPECT_EQ(settled_usage(half_way.memcg), 0ul);
	cpumask_setall(&cpus);
	EXPECT_EQ(set_cpus_allowed(current, &cpus), 0);
	group_remove("/t");
}

struct drainers {
	struct mem_cgroup *leaf;
	int owner;
	atomic_t go;	/* the round they may begin */
	atomic_t ready; /* who waits for it */
	unsigned int nr;
	unsigned long pages; /* in use while they drain */
	unsigned int rounds;
};

static DECLARE_WAIT_QUEUE_HEAD(drainers_wait);

static int fill_stock(void *arg)
{
	struct drainers *d = arg;

	charge_bytes(d->leaf, PAGE_SIZE, GFP_KERNEL);
	return 0;
}

static int drain_at_once(void *arg)
{
	struct drainers *d = arg;

	for (unsigned int round = 1; round <= d->rounds; round++) {
		atomic_inc(&d->ready);
		wake_up_all(&drainers_wait);
		wait_event(drainers_wait, atomic_read(&d->go) >= (int)round);
		mem_cgroup_drain_stocks(d->leaf);
		EXPECT_EQ(usage_of(root_mem_cgroup), d->pages);
	}
	return 0;
}

/* The same by chance.  The counter looked at is the last one to change. */
TEST_T(stock, drains_at_once_do_not_return_early, 60)
{
	static const char *const paths[] = {"/t",	  "/t/a",
					    "/t/a/a",	  "/t/a/a/a",
					    "/t/a/a/a/a", "/t/a/a/a/a/a"};
	enum { DEPTH = sizeof(paths) / sizeof(*paths), DRAINERS = 3 };
	struct drainers d = {.nr = DRAINERS, .rounds = 100};
	struct task *tasks[DRAINERS];
	unsigned long before;

	if (num_online_cpus() < 2)
		SKIP("one CPU cannot do two things at once");
	before = settled_usage(root_mem_cgroup);
	for (unsigned int i = 0; i < DEPTH; i++)
		ASSERT((d.leaf = group_make(paths[i])));
	for (unsigned int i = 0; i < DRAINERS; i++)
		ASSERT((tasks[i] = task_run(drain_at_once, &d, "drainer")));
	for (unsigned int round = 1; round <= d.rounds; round++) {
		unsigned int cpu = round % num_online_cpus();

		wait_event(drainers_wait,
			   atomic_read(&d.ready) >= (int)(round * DRAINERS));
		run_on(cpu, fill_stock, &d);
		d.pages = before + round;
		atomic_set(&d.go, round);
		wake_up_all(&drainers_wait);
	}
	for (unsigned int i = 0; i < DRAINERS; i++)
		task_join(tasks[i]);
	uncharge_bytes(d.leaf->objcg->id, d.rounds * PAGE_SIZE);
	EXPECT_EQ(settled_usage(root_mem_cgroup), before);
	for (int i = DEPTH - 1; i >= 0; i--)
		group_remove(paths[i]);
}

/* A request that fits exactly is not refused because of what lies in stocks. */
struct sharer {
	struct mem_cgroup *memcg;
	unsigned int share; /* pages it may hold */
	u64 seed;
	bool *stop;
	unsigned long refused, charged;
};

static int use_own_share(void *arg)
{
	struct sharer *s = arg;
	unsigned int held = 0;
	struct prng rng;
	int owner = s->memcg->objcg->id;

	prng_init(&rng, s->seed);
	for (unsigned int i = 0; i < 400; i++) {
		if (held < s->share && prng_below(&rng, 3)) {
			unsigned int nr = prng_range(&rng, 1, s->share - held);

			if (charge_bytes(s->memcg, nr * PAGE_SIZE, GFP_KERNEL) <
			    0) {
				s->refused++;
			} else {
				s->charged++;
				held += nr;
			}
		} else if (held) {
			unsigned int nr = prng_range(&rng, 1, held);

			uncharge_bytes(owner, nr * PAGE_SIZE);
			held -= nr;
		}
		if (prng_one_in(&rng, 8))
			yield();
	}
	uncharge_bytes(owner, held * PAGE_SIZE);
	return 0;
}

TEST_T(stock, a_limit_that_fits_exactly_never_fails_for_others_stocks, 60)
{
	enum { SHARERS = 6 };
	struct mem_cgroup *parent = group_make("/t"), *child;
	struct sharer sharers[SHARERS];
	struct task *tasks[SHARERS];
	unsigned long pages = 0;

	ASSERT(parent && (child = group_make("/t/c")));
	for (unsigned int i = 0; i < SHARERS; i++) {
		unsigned int share = 1 + test_random_below(20);

		sharers[i] = (struct sharer){
			.memcg = i % 2 ? parent : child,
			.share = share,
			.seed = test_random(),
		};
		pages += share;
	}
	group_limit(parent, pages);
	for (unsigned int i = 0; i < SHARERS; i++)
		ASSERT((tasks[i] = task_run(use_own_share, &sharers[i],
					    "sharer")));
	for (unsigned int i = 0; i < SHARERS; i++) {
		task_join(tasks[i]);
		EXPECT_EQ(sharers[i].refused, 0ul);
		EXPECT_GT(sharers[i].charged, 0ul);
	}
	EXPECT_EQ(settled_usage(parent), 0ul);
	EXPECT_EQ(atomic_read(&parent->memory.squeezed), 0);
	group_remove("/t/c");
	group_remove("/t");
}

/* --- everything at once --------------------------------------------------------------------------- */

#define STRESS_GROUPS 5

struct stress {
	struct mem_cgroup *groups[STRESS_GROUPS];
	bool stop;
};

struct stress_hand {
	struct prng rng;
	struct {
		u32 owner, bytes;
	} held[32];
};

struct stress_worker {
	struct stress *stress;
	struct stress_hand task, interrupt;
	struct timer_list timer;
	unsigned int flags;
};

static void stress_toggle(struct stress *stress, struct stress_hand *h,
			  gfp_t gfp)
{
	unsigned int i = prng_below(&h->rng, 32);
	u32 bytes;
	int owner;

	if (h->held[i].owner) {
		uncharge_bytes(h->held[i].owner, h->held[i].bytes);
		h->held[i].owner = 0;
		return;
	}
	bytes = 1 + prng_below(&h->rng, 1u << prng_range(&h->rng, 3, 20));
	owner = charge_bytes(stress->groups[prng_below(&h->rng, STRESS_GROUPS)],
			     bytes, gfp);
	if (owner > 0) {
		h->held[i].owner = owner;
		h->held[i].bytes = bytes;
	}
}

static void stress_drop(struct stress_hand *h)
{
	for (unsigned int i = 0; i < 32; i++)
		if (h->held[i].owner)
			uncharge_bytes(h->held[i].owner, h->held[i].bytes);
}

static void stress_rearm(struct stress_worker *w)
{
	mod_timer(&w->timer,
		  ktime_get_ns() + prng_range(&w->interrupt.rng, 20, 500) *
					   NSEC_PER_USEC);
}

/* In a softirq or an interrupt, by the timer's flags. */
static void stress_interrupt(struct timer_list *t)
{
	struct stress_worker *w = from_timer(w, t, timer);

	for (unsigned int n = 0; n < 4; n++)
		stress_toggle(w->stress, &w->interrupt,
			      prng_one_in(&w->interrupt.rng, 8) ? GFP_ATOMIC
								: GFP_NOWAIT);
	if (!READ_ONCE(w->stress->stop))
		stress_rearm(w);
}

static int stress_fn(void *arg)
{
	struct stress_worker *w = arg;
	struct stress *stress = w->stress;
	struct prng *rng = &w->task.rng;

	timer_setup(&w->timer, stress_interrupt, w->flags);
	stress_rearm(w);
	while (!READ_ONCE(stress->stop)) {
		stress_toggle(stress, &w->task,
			      prng_one_in(rng, 4) ? GFP_NOWAIT : GFP_KERNEL);
		if (prng_one_in(rng, 50))
			mem_cgroup_drain_stocks(
				stress->groups[prng_below(rng, STRESS_GROUPS)]);
		if (prng_one_in(rng, 20))
			yield();
	}
	del_timer_sync(&w->timer);
	del_timer_sync(&w->timer); /* it may have re-armed itself */
	stress_drop(&w->task);
	stress_drop(&w->interrupt);
	return 0;
}

/* Groups come and go under them: what is charged to the dead is paid by /t. */
TEST_T(stock, old_bug_4_drains_beside_dying_owners_lose_nothing, 60)
{
	static const char *const paths[STRESS_GROUPS] = {"/t", "/t/a", "/t/a/b",
							 "/t/c", "/t/d"};
	enum { WORKERS = 6 };
	static struct stress_worker workers[WORKERS];
	struct task *tasks[WORKERS];
	struct stress stress = {};
	u64 until;

	for (unsigned int i = 0; i < STRESS_GROUPS; i++) {
		ASSERT((stress.groups[i] = group_make(paths[i])));
		css_get(&stress.groups[i]->css);
	}
	group_limit(stress.groups[0], 2000);
	group_limit(stress.groups[2], 300);
	for (unsigned int i = 0; i < WORKERS; i++) {
		memset(&workers[i], 0, sizeof(workers[i]));
		workers[i].stress = &stress;
		workers[i].flags = i % 2 ? TIMER_HARDIRQ : 0;
		prng_init(&workers[i].task.rng, test_random());
		prng_init(&workers[i].interrupt.rng, test_random());
		ASSERT((tasks[i] = task_run(stress_fn, &workers[i], "stress")));
	}
	/* Two of them die in mid-flight; who still names them charges /t. */
	until = ktime_get_ns() + 200 * NSEC_PER_MSEC;
	for (unsigned int i = STRESS_GROUPS - 1; i >= 3; i--) {
		while (ktime_get_ns() < until)
			mem_cgroup_drain_stocks(NULL);
		group_remove(paths[i]);
		until += 200 * NSEC_PER_MSEC;
	}
	while (ktime_get_ns() < until)
		mem_cgroup_drain_stocks(NULL);
	WRITE_ONCE(stress.stop, true);
	for (unsigned int i = 0; i < WORKERS; i++)
		task_join(tasks[i]);
	EXPECT_EQ(settled_usage(stress.groups[0]), 0ul);
	EXPECT_EQ(settled_usage(stress.groups[2]), 0ul);
	for (unsigned int i = 0; i < 3; i++) {
		EXPECT_EQ(atomic_long_read(&stress.groups[i]->objcg->leftover),
			  0l);
		EXPECT_EQ(percpu_ref_sum(&stress.groups[i]->objcg->refs) >= 1,
			  true);
	}
	for (unsigned int i = 0; i < STRESS_GROUPS; i++)
		css_put(&stress.groups[i]->css);
	group_remove("/t/a/b");
	group_remove("/t/a");
	group_remove("/t");
}
