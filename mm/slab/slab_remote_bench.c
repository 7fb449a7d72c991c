/* SPDX-License-Identifier: MIT */
/*
 * slab_remote_bench.c - what one CPU allocates, another frees.
 *
 * Question.     How much more do a producer and a consumer on two CPUs get done
 *               than one CPU that is both?  The objects pass through a ring,
 *               which each of them fills and empties alike.
 * Time.         Both at work at once, against one of them doing it all.  The
 *               best of a few tries on either side, as a busy host can only
 *               add.  One that has no two cores to spare says nothing: it
 *               lets each side run until the ring is full or empty, and then
 *               spin until its slice is over.
 * Instructions. A boot that counts them lets its CPUs take turns, and counts
 *               all of them by one clock.  So the two sides are measured one
 *               by one: the task goes to the producer's CPU and fills the ring,
 *               goes to the consumer's and empties it, while the other is idle.
 *               Two CPUs at once would be done when the busier one is: the
 *               ratio is what one CPU that is both needs, over what the
 *               busier side needs.  What waiting for each other's cache lines
 *               costs, only time tells.
 * Growth.       However many objects pass, there are never more than the ring
 *               and the stores on the way can hold.
 */
#include <arch/cpumask.h>
#include <kernel/core/sched.h>
#include <kernel/task/kthread.h>
#include <kernel/task/task.h>
#include <lib/math.h>
#include <mm/slab/slab.h>
#include <string.h>
#include <tests/bench.h>

#define NR_RING	   256ul
#define NR_BATCH   32 /* handed over at a time */
#define NR_OBJECTS (100 * NR_RING)
#define NR_TRIES   5
#define PRODUCER   0
#define CONSUMER   1

/* Four times what the ring, two CPUs' sheaves and a full barn hold. */
#define MAX_SLABS 128

struct ring {
	struct kmem_cache *cache;
	bool consumer_is_here;
	struct {
		/* Objects so far; written by its own side only. */
		unsigned long nr;
	} __aligned(64) in, out;
	void *objects[NR_RING];
};

static void produce(struct ring *r, unsigned long nr)
{
	for (unsigned long n = r->in.nr, end = n + nr; n != end;) {
		while (n - smp_load_acquire(&r->out.nr) > NR_RING - NR_BATCH)
			cpu_relax();
		for (int i = 0; i < NR_BATCH; i++)
			r->objects[n++ % NR_RING] =
				kmem_cache_alloc(r->cache, GFP_KERNEL);
		smp_store_release(&r->in.nr, n);
	}
}

static void consume(struct ring *r, unsigned long nr)
{
	for (unsigned long n = r->out.nr, end = n + nr; n != end;) {
		while (smp_load_acquire(&r->in.nr) == n)
			cpu_relax();
		for (int i = 0; i < NR_BATCH; i++)
			kmem_cache_free(r->cache, r->objects[n++ % NR_RING]);
		smp_store_release(&r->out.nr, n);
	}
}

static void go_to(unsigned int cpu)
{
	cpumask_t there = *cpumask_of(cpu);

	set_cpus_allowed(current, &there);
}

static u64 timed(void (*side)(struct ring *, unsigned long), struct ring *r)
{
	u64 start = bench_clock();

	side(r, NR_RING);
	return bench_clock() - start;
}

/* What the two sides cost for NR_OBJECTS, a ring at a time. */
struct cost {
	u64 in, out;
};

static struct cost in_turns(struct ring *r, unsigned int producer,
			    unsigned int consumer)
{
	struct cost cost = {};

	for (unsigned long n = 0; n < NR_OBJECTS; n += NR_RING) {
		go_to(producer);
		cost.in += timed(produce, r);
		go_to(consumer);
		cost.out += timed(consume, r);
	}
	return cost;
}

static void compare_instructions(struct bench *b, struct ring *r)
{
	struct cost one = in_turns(r, PRODUCER, PRODUCER);
	struct cost two = in_turns(r, PRODUCER, CONSUMER);

	bench_report(b, "slab.remote.alloc", "insn", two.in, NR_OBJECTS);
	bench_report(b, "slab.remote.free", "insn", two.out, NR_OBJECTS);
	bench_report(b, "slab.remote.ratio", "ratio", one.in + one.out,
		     max(two.in, two.out));
}

static int consumer_task(void *arg)
{
	struct ring *r = arg;

	WRITE_ONCE(r->consumer_is_here, true);
	consume(r, NR_OBJECTS);
	return 0;
}

/* The time it takes with both sides at once, without coming and going. */
static u64 at_once(struct ring *r)
{
	struct task *t = kthread_create(consumer_task, r, "consumer");
	u64 start, end;

	ASSERT(!IS_ERR(t));
	kthread_bind(t, CONSUMER);
	go_to(PRODUCER);
	r->consumer_is_here = false;
	wake_up_process(t);
	while (!READ_ONCE(r->consumer_is_here))
		cpu_relax();
	start = bench_clock();
	produce(r, NR_OBJECTS);
	while (smp_load_acquire(&r->out.nr) != r->in.nr)
		cpu_relax();
	end = bench_clock();
	task_join(t);
	return end - start;
}

static void compare_time(struct bench *b, struct ring *r)
{
	u64 one = ~0ull, two = ~0ull;

	for (int i = 0; i < NR_TRIES; i++) {
		struct cost cost = in_turns(r, PRODUCER, PRODUCER);

		one = min(one, cost.in + cost.out);
		two = min(two, at_once(r));
	}
	bench_report(b, "slab.remote.ratio", "ratio", one, two);
}

static void take_slabs(const struct slabinfo *info, void *slabs)
{
	if (!strcmp(info->name, "bench-remote"))
		*(unsigned long *)slabs = info->slabs;
}

BENCH_WHEN(slab, remote, BENCH_BOTH | BENCH_SMP, 60)
{
	static struct ring r;
	unsigned long slabs = 0;

	r.cache = kmem_cache_create("bench-remote", 64, 0, SLAB_NO_MERGE, NULL);
	ASSERT(r.cache);
	bench_field(b, "slab", slab_shape_name());

	if (bench_counts_insns())
		compare_instructions(b, &r);
	else
		compare_time(b, &r);

	slab_for_each_cache(take_slabs, &slabs);
	EXPECT_LE(slabs, MAX_SLABS);
	kmem_cache_destroy(r.cache);
	set_cpus_allowed(current, cpu_online_mask);
}
