/* SPDX-License-Identifier: MIT */
/* shrinker_test.c - pressure is proportional, and owed until it is applied. */
#include <errno.h>
#include <kernel/core/fault_inject.h>
#include <kernel/core/sched.h>
#include <kernel/task/task.h>
#include <mm/reclaim/shrinker.h>
#include <tests/test.h>

/* A cache of @objects that gives up all that is looked at. */
struct cache {
	struct shrinker shrinker;
	atomic_long_t objects;
	atomic_long_t calls;
	atomic_long_t scanned;
	unsigned long most; /* asked for in one call */
	int nid;	    /* of the last call */
	bool declines;
	bool dead;
	struct completion *begun, *gate;
};

static unsigned long count(struct shrinker *s, struct shrink_control *sc)
{
	struct cache *c = container_of(s, struct cache, shrinker);

	EXPECT(!READ_ONCE(c->dead));
	c->nid = sc->nid;
	return atomic_long_read(&c->objects);
}

static unsigned long scan(struct shrinker *s, struct shrink_control *sc)
{
	struct cache *c = container_of(s, struct cache, shrinker);
	long had, take;

	EXPECT(!READ_ONCE(c->dead));
	if (c->begun) {
		complete(c->begun);
		wait_for_completion(c->gate);
	}
	atomic_long_inc(&c->calls);
	if (c->declines)
		return SHRINK_STOP;
	c->most = sc->nr_to_scan > c->most ? sc->nr_to_scan : c->most;
	atomic_long_add(sc->nr_to_scan, &c->scanned);
	had = atomic_long_read(&c->objects);
	do {
		take = (long)sc->nr_to_scan < had ? (long)sc->nr_to_scan : had;
	} while (!atomic_long_try_cmpxchg(&c->objects, &had, had - take));
	return take;
}

static void cache_init(struct cache *c, long objects)
{
	*c = (struct cache){.shrinker = {.count_objects = count,
					 .scan_objects = scan,
					 .seeks = DEFAULT_SEEKS}};
	atomic_long_set(&c->objects, objects);
	ASSERT_EQ(register_shrinker(&c->shrinker, "test"), 0);
}

TEST(shrinker, pressure_is_proportional_to_size_and_priority)
{
	struct cache small, large;

	cache_init(&small, 64 * 1000);
	cache_init(&large, 64 * 10000);
	shrink_slab(GFP_KERNEL, 0, 6);
	/* In whole batches, at twice one part in 64. */
	EXPECT_EQ(atomic_long_read(&small.scanned), 2000l / 128 * 128);
	EXPECT_EQ(atomic_long_read(&large.scanned), 20000l / 128 * 128);
	EXPECT_EQ(small.most, SHRINK_BATCH);
	EXPECT_EQ(atomic_long_read(&small.objects),
		  64 * 1000 - atomic_long_read(&small.scanned));
	unregister_shrinker(&large.shrinker);
	unregister_shrinker(&small.shrinker);
}

TEST(shrinker, dear_objects_are_spared_and_free_ones_halved)
{
	struct cache dear, cheap;

	cache_init(&dear, 64 * 1024);
	dear.shrinker.seeks = 4 * DEFAULT_SEEKS;
	cache_init(&cheap, 64 * 1024);
	cheap.shrinker.seeks = 0;
	shrink_slab(GFP_KERNEL, 0, 6);
	EXPECT_EQ(atomic_long_read(&dear.scanned), 512l);
	EXPECT_EQ(atomic_long_read(&cheap.scanned), 32 * 1024l);
	unregister_shrinker(&dear.shrinker);
	unregister_shrinker(&cheap.shrinker);
}

/* Two objects a round are due: too few for a call, and not forgotten. */
TEST(shrinker, small_shares_are_owed_until_they_make_a_batch)
{
	struct cache c;

	cache_init(&c, 4096);
	c.shrinker.batch = 100;
	for (int i = 0; i < 200; i++)
		shrink_slab(GFP_KERNEL, 0, 12);
	EXPECT_EQ(atomic_long_read(&c.calls), 0l);
	EXPECT_EQ(atomic_long_read(c.shrinker.nr_deferred), 400l);
	/* Half of the debt, and the share of 4096, in batches of 100. */
	shrink_slab(GFP_KERNEL, 0, 1);
	EXPECT_EQ(atomic_long_read(&c.scanned), 4200l);
	EXPECT_EQ(atomic_long_read(c.shrinker.nr_deferred), 296l);
	unregister_shrinker(&c.shrinker);
}

TEST(shrinker, what_is_declined_is_owed_but_never_more_than_twice_the_cache)
{
	struct cache c;

	cache_init(&c, 1000);
	c.declines = true;
	for (int i = 0; i < 100; i++)
		shrink_slab(GFP_NOFS, 0, 2);
	EXPECT_EQ(atomic_long_read(&c.objects), 1000l);
	EXPECT_EQ(atomic_long_read(c.shrinker.nr_deferred), 2000l);
	c.declines = false;
	EXPECT_GE(shrink_slab(GFP_KERNEL, 0, 1), 1000ul);
	EXPECT_LE(atomic_long_read(&c.scanned), 2000l);
	EXPECT_EQ(atomic_long_read(&c.objects), 0l);
	unregister_shrinker(&c.shrinker);
}

TEST(shrinker, only_numa_aware_ones_are_told_the_node)
{
	struct cache plain;
	struct cache aware = {.shrinker = {.count_objects = count,
					   .scan_objects = scan,
					   .seeks = DEFAULT_SEEKS,
					   .flags = SHRINKER_NUMA_AWARE}};

	cache_init(&plain, 10);
	atomic_long_set(&aware.objects, 10);
	ASSERT_EQ(register_shrinker(&aware.shrinker, "aware"), 0);
	shrink_slab(GFP_KERNEL, 1, 12);
	EXPECT_EQ(plain.nid, 0);
	EXPECT_EQ(aware.nid, 1);
	unregister_shrinker(&plain.shrinker);
	unregister_shrinker(&aware.shrinker);
}

static int shrink_task(void *arg)
{
	shrink_slab(GFP_KERNEL, 0, 1);
	return 0;
}

static int unregister_task(void *arg)
{
	struct cache *c = arg;

	unregister_shrinker(&c->shrinker);
	WRITE_ONCE(c->dead, true);
	return 0;
}

TEST(shrinker, unregistering_waits_for_calls_under_way)
{
	DECLARE_COMPLETION_ONSTACK(begun);
	DECLARE_COMPLETION_ONSTACK(gate);
	struct task *shrinks, *leaves;
	struct cache c, other;

	cache_init(&c, 128);
	cache_init(&other, 1000);
	c.gate = &gate;
	c.begun = &begun;
	shrinks = task_run(shrink_task, NULL, "shrinks");
	ASSERT(shrinks);
	wait_for_completion(&begun);
	leaves = task_run(unregister_task, &c, "leaves");
	ASSERT(leaves);
	msleep(20);
	EXPECT(!task_exited(leaves));
	/* Others are reclaimed from meanwhile. */
	while (!READ_ONCE(c.shrinker.unpinned))
		msleep(1);
	EXPECT_GT(shrink_slab(GFP_KERNEL, 0, 1), 0ul);
	complete_all(&gate);
	task_join(leaves);
	task_join(shrinks);
	unregister_shrinker(&other.shrinker);
}

static struct {
	struct cache cache[4];
	bool stop;
} stress;

static int stress_shrink(void *arg)
{
	while (!READ_ONCE(stress.stop)) {
		shrink_slab(GFP_KERNEL, 0, test_random_below(13));
		cond_resched();
	}
	return 0;
}

TEST(shrinker, stress_shrinkers_come_and_go_beside_reclaim)
{
	struct task *t[3];

	stress.stop = false;
	for (int i = 0; i < 3; i++) {
		t[i] = task_run(stress_shrink, NULL, "shrink");
		ASSERT(t[i]);
	}
	for (int round = 0; round < 200; round++) {
		for (int i = 0; i < 4; i++)
			cache_init(&stress.cache[i], test_random_below(10000));
		for (int i = 0; i < 4; i++)
			unregister_task(&stress.cache[(i + round) % 4]);
	}
	WRITE_ONCE(stress.stop, true);
	for (int i = 0; i < 3; i++)
		task_join(t[i]);
}

/* Some failures only make it slower; all others leave nothing. */
TEST(shrinker, a_failed_registration_leaves_no_trace)
{
	unsigned long n, refused = 0;

	FAULT_SWEEP(&failslab, n) {
		struct cache c = {.shrinker = {.count_objects = count,
					       .scan_objects = scan}};
		int ret = register_shrinker(&c.shrinker, "test");

		EXPECT(!ret || (ret == -ENOMEM && fault_fired(&failslab)));
		if (!ret)
			unregister_shrinker(&c.shrinker);
		else
			refused++;
	}
	EXPECT_GE(refused, 1ul);
}
