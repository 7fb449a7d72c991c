/* SPDX-License-Identifier: MIT */
/* owner_test.c - each object has a place for its owner, and no more than that. */
#include <arch/cpu.h>
#include <kernel/core/fault_inject.h>
#include <kernel/core/sched.h>
#include <kernel/task/kthread.h>
#include <kernel/task/task.h>
#include <lib/math.h>
#include <mm/slab/owner.h>
#include <string.h>
#include <tests/test.h>
#include "owner_impl.h"

#define DEBUG                                                                  \
	(SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE | SLAB_POISON |               \
	 SLAB_STORE_USER)

#define MAX_OBJECTS 600

static void *objects[MAX_OBJECTS];

static struct kmem_cache *cache_of(unsigned int size, slab_flags_t flags)
{
	return kmem_cache_create("test-owner", size, 0, flags | SLAB_NO_MERGE,
				 NULL);
}

static u16 *entry_of(struct kmem_cache *s, void *object)
{
	return slab_owner_entry(s->owner_shift, slab_of(object)->owners,
				object);
}

/* Enough objects for a whole slab among them, each owned by its number. */
static unsigned int fill(struct kmem_cache *s)
{
	unsigned int nr = min(2 * s->objects, (u32)MAX_OBJECTS);

	for (unsigned int i = 0; i < nr; i++) {
		objects[i] = kmem_cache_alloc(s, GFP_KERNEL);
		ASSERT(objects[i]);
		ASSERT(slab_of(objects[i])->owners ||
		       slab_owner_make(s, slab_of(objects[i]), GFP_KERNEL));
		EXPECT_EQ(*entry_of(s, objects[i]), 0);
		*entry_of(s, objects[i]) = i + 1;
		memset(objects[i], 0xff, s->object_size);
	}
	return nr;
}

/* As a free would, while there is nobody to give anything back to. */
static void drain(struct kmem_cache *s, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		*entry_of(s, objects[i]) = 0;
		kmem_cache_free(s, objects[i]);
	}
}

static const unsigned int sizes[] = {8,	   16,	 24,   32,  64,	 96,
				     100,  128,	 192,  256, 700, 1000,
				     1024, 2048, 4096, 8192};

static void check_places(slab_flags_t flags)
{
	for (int k = 0; k < ARRAY_SIZE(sizes); k++) {
		struct kmem_cache *s = cache_of(sizes[k], flags);
		unsigned int nr;

		ASSERT(s);
		nr = fill(s);
		for (unsigned int i = 0; i < nr; i++) {
			/* What the users wrote has not reached the owners. */
			EXPECT_EQ(*entry_of(s, objects[i]), i + 1);
			if (!(s->account & SLAB_GFP_FAR))
				EXPECT_EQ(slab_owner_entry_near(s->owner_shift,
								objects[i]),
					  entry_of(s, objects[i]));
			/* Nor the owners what the users wrote. */
			for (unsigned int j = 0; j < s->object_size; j++)
				if (((u8 *)objects[i])[j] != 0xff)
					FAIL("object of %u overwritten at %u",
					     sizes[k], j);
		}
		drain(s, nr);
		EXPECT_EQ(kmem_cache_validate(s), 0);
		kmem_cache_destroy(s);
	}
}

TEST(slab_owner, each_object_has_a_place_of_its_own)
{
	check_places(0);
	check_places(SLAB_ACCOUNT);
	check_places(DEBUG);
	check_places(DEBUG | SLAB_ACCOUNT);
}

TEST(slab_owner, a_vector_lies_inside_where_it_displaces_little)
{
	for (int k = 0; k < ARRAY_SIZE(sizes); k++) {
		struct kmem_cache *plain = cache_of(sizes[k], 0);
		struct kmem_cache *s = cache_of(sizes[k], SLAB_ACCOUNT);
		unsigned long vector = slab_owner_bytes(s, s->order);
		unsigned long lost;

		ASSERT(plain && s);
		EXPECT(!(plain->flags & SLAB_OWNERS_INSIDE));
		EXPECT_EQ(s->size, plain->size);
		lost = (plain->objects - s->objects) * s->size;
		EXPECT_LE(lost, 2 * vector);
		if (sizes[k] <= 128 || sizes[k] == 192)
			EXPECT(s->flags & SLAB_OWNERS_INSIDE);
		/* One object more would be in its way, or there is none. */
		if (s->flags & SLAB_OWNERS_INSIDE) {
			EXPECT_LE(s->objects * s->size + vector,
				  PAGE_SIZE << s->order);
			EXPECT_GT((s->objects + 1) * s->size + vector,
				  PAGE_SIZE << s->order);
		} else {
			EXPECT_EQ(lost, 0);
		}
		/* Two to four bytes for each. */
		EXPECT_LE(vector, 4 * plain->objects);
		kmem_cache_destroy(s);
		kmem_cache_destroy(plain);
	}
}

static unsigned long nr_vectors(struct kmem_cache *s)
{
	struct kmem_cache_node *n;
	unsigned long nr = 0;
	int nid;

	for_each_cache_node(s, nid, n)
		nr += atomic_long_read(&n->nr_vectors);
	return nr;
}

static void no_plain_owners(struct slab *slab, void *arg)
{
	EXPECT(!(slab->cache->flags & SLAB_PLAIN) || !slab->owners);
}

/* Old bug: an object vector taken from its own slab keeps it from emptying. */
TEST(slab_owner, a_vector_never_comes_from_its_own_slab)
{
	/* As large as its vectors, and others as large as theirs. */
	for (unsigned int size = 8; size <= 4096; size *= 2) {
		struct kmem_cache *s = cache_of(size, 0);
		unsigned int nr;

		ASSERT(s);
		nr = fill(s);
		EXPECT_GT(nr_vectors(s), 0);
		slab_for_each(no_plain_owners, NULL);
		drain(s, nr);
		EXPECT_EQ(kmem_cache_shrink(s), 0);
		EXPECT_EQ(nr_vectors(s), 0);
		kmem_cache_destroy(s);
	}
}

/* Old bug: the loser of the race had no memory itself, and said there is no
 * vector. */
TEST(slab_owner, the_loser_takes_the_winners_vector)
{
	struct kmem_cache *s = cache_of(64, 0);
	unsigned long owners;
	struct slab *slab;
	void *object;

	ASSERT(s);
	object = kmem_cache_alloc(s, GFP_KERNEL);
	ASSERT(object);
	slab = slab_of(object);

	fault_fail_nth(&failslab, 1);
	EXPECT_EQ(slab_owner_make(s, slab, GFP_KERNEL), 0);
	fault_off(&failslab);
	EXPECT_EQ(nr_vectors(s), 0);

	owners = slab_owner_make(s, slab, GFP_KERNEL);
	ASSERT(owners);
	EXPECT_EQ(slab->owners, owners);
	EXPECT_EQ(slab_owner_make(s, slab, GFP_KERNEL), owners);

	fault_fail_nth(&failslab, 1);
	EXPECT_EQ(slab_owner_make(s, slab, GFP_KERNEL), owners);
	EXPECT_EQ(fault_off(&failslab), 1);

	EXPECT_EQ(nr_vectors(s), 1);
	kmem_cache_free(s, object);
	kmem_cache_destroy(s);
}

#define MAX_RACERS 8
#define NR_RACES   50

static struct {
	struct kmem_cache *s;
	void *objects[NR_RACES];
	atomic_t ready[NR_RACES];
	unsigned long found[MAX_RACERS][NR_RACES];
	unsigned int nr;
} race;

static int racer(void *arg)
{
	unsigned long *found = arg;

	for (int i = 0; i < NR_RACES; i++) {
		atomic_inc(&race.ready[i]);
		while (atomic_read(&race.ready[i]) < race.nr)
			cpu_relax();
		found[i] = slab_owner_make(race.s, slab_of(race.objects[i]),
					   GFP_KERNEL);
	}
	return 0;
}

TEST(slab_owner, all_cpus_find_the_same_vector)
{
	struct task *tasks[MAX_RACERS];

	/* One object in each slab. */
	race.s = cache_of(4096, 0);
	ASSERT(race.s);
	race.nr = min(nr_online_cpus, (unsigned int)MAX_RACERS);
	for (int i = 0; i < NR_RACES; i++) {
		race.objects[i] = kmem_cache_alloc(race.s, GFP_KERNEL);
		ASSERT(race.objects[i]);
		atomic_set(&race.ready[i], 0);
	}
	for (unsigned int i = 0; i < race.nr; i++) {
		tasks[i] = task_create(racer, race.found[i], "racer");
		ASSERT(tasks[i]);
		kthread_bind(tasks[i], i);
		wake_up_process(tasks[i]);
	}
	for (unsigned int i = 0; i < race.nr; i++)
		task_join(tasks[i]);
	for (int i = 0; i < NR_RACES; i++)
		for (unsigned int j = 0; j < race.nr; j++) {
			EXPECT_NE(race.found[j][i], 0);
			EXPECT_EQ(race.found[j][i],
				  slab_of(race.objects[i])->owners);
		}
	for (int i = 0; i < NR_RACES; i++)
		kmem_cache_free(race.s, race.objects[i]);
	EXPECT_EQ(kmem_cache_shrink(race.s), 0);
	EXPECT_EQ(nr_vectors(race.s), 0);
	kmem_cache_destroy(race.s);
}

struct count {
	struct kmem_cache *s;
	unsigned int nr;
	unsigned long sum;
};

static void count_owned(const struct slab_owned *what, void *arg)
{
	struct count *count = arg;

	if (what->cache != count->s)
		return;
	count->nr++;
	count->sum += what->owner;
	EXPECT_EQ(what->bytes, count->s->size);
	EXPECT_EQ(what->kind, MEMCG_SLAB_RECLAIMABLE);
	EXPECT_EQ(slab_object_owner(what->object), what->owner);
}

static void check_walk(unsigned int size, slab_flags_t flags)
{
	struct kmem_cache *s = cache_of(size, flags | SLAB_RECLAIM_ACCOUNT);
	struct count count = {.s = s};
	unsigned int nr;

	ASSERT(s);
	nr = fill(s);
	slab_walk_owners(count_owned, &count);
	EXPECT_EQ(count.nr, nr);
	EXPECT_EQ(count.sum, (unsigned long)nr * (nr + 1) / 2);

	/* From any byte of it; another's owner stays. */
	EXPECT_EQ(slab_object_owner(objects[3]), 4);
	EXPECT_EQ(slab_object_owner(objects[3] + size - 1), 4);
	EXPECT(!slab_relabel_owner(objects[3], 5, 77));
	EXPECT(slab_relabel_owner(objects[3], 4, 65535));
	EXPECT_EQ(slab_object_owner(objects[3]), 65535);
	EXPECT_EQ(slab_object_owner(objects[4]), 5);
	drain(s, nr);
	kmem_cache_destroy(s);
}

TEST(slab_owner, a_walk_finds_every_owner)
{
	check_walk(64, 0);
	check_walk(64, SLAB_ACCOUNT);
	check_walk(1000, SLAB_ACCOUNT);
	check_walk(1000, DEBUG);
	objects[0] = kmalloc(3 * PAGE_SIZE, GFP_KERNEL);
	ASSERT(objects[0]);
	EXPECT_EQ(slab_object_owner(objects[0]), 0);
	kfree(objects[0]);
}

/* Charged and plain objects under one roof would all need vectors. */
TEST(slab_owner, caches_that_charge_are_never_shared_with_others)
{
	for (int k = 0; k < ARRAY_SIZE(sizes); k++) {
		struct kmem_cache *plain =
			kmem_cache_create("test-plain", sizes[k], 0, 0, NULL);
		struct kmem_cache *s = kmem_cache_create(
			"test-charged", sizes[k], 0, SLAB_ACCOUNT, NULL);
		struct kmem_cache *t = kmem_cache_create(
			"test-charged", sizes[k], 0, SLAB_ACCOUNT, NULL);

		ASSERT(plain && s && t);
		EXPECT_NE(plain, s);
		EXPECT(!(plain->flags & SLAB_ACCOUNT));
		EXPECT(s->flags & SLAB_ACCOUNT);
		EXPECT_EQ(s == t, slab_merging() && !cache_debug(s));
		kmem_cache_destroy(t);
		kmem_cache_destroy(s);
		kmem_cache_destroy(plain);
	}
}
