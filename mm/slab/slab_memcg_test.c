/* SPDX-License-Identifier: MIT */
/*
 * slab_memcg_test.c - whoever took an object pays for it, until it is free.
 *
 * Each promise is tried on caches whose owners lie inside slabs and outside, near
 * and far, charged by their flag and by the request's, plain and debugged.
 */
#include <arch/cpumask.h>
#include <arch/irqflags.h>
#include <kernel/core/clock.h>
#include <kernel/core/completion.h>
#include <kernel/core/fault_inject.h>
#include <kernel/core/report.h>
#include <kernel/core/sched.h>
#include <kernel/core/timer.h>
#include <kernel/task/kthread.h>
#include <kernel/task/task.h>
#include <lib/math.h>
#include <lib/random.h>
#include <mm/memcg/memcg_test.h>
#include <mm/slab/owner.h>
#include <string.h>
#include <tests/test.h>
#include "owner_impl.h"

#define DEBUG                                                                  \
	(SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE | SLAB_POISON |               \
	 SLAB_STORE_USER)

/* Who asks and is refused does not wait. */
#define GFP_REFUSED (GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN)

static const struct kind {
	const char *name;
	unsigned int size;
	slab_flags_t flags;
	gfp_t gfp;
} kinds[] = {
	{"near", 64, SLAB_ACCOUNT, 0},
	{"smallest", 8, SLAB_ACCOUNT, 0},
	{"outside", 512, SLAB_ACCOUNT, 0},
	{"several pages", 2048, SLAB_ACCOUNT, 0},
	{"asked for", 64, 0, __GFP_ACCOUNT},
	{"reclaimable", 192, SLAB_ACCOUNT | SLAB_RECLAIM_ACCOUNT, 0},
	{"type-safe", 64, SLAB_ACCOUNT | SLAB_TYPESAFE_BY_RCU, 0},
	{"debugged", 64, SLAB_ACCOUNT | DEBUG, 0},
	{"debugged, asked for", 64, DEBUG, __GFP_ACCOUNT},
};

#define for_each_kind(k)                                                       \
	for ((k) = kinds; (k) < kinds + ARRAY_SIZE(kinds); (k)++)

static struct kmem_cache *make_cache(const struct kind *k)
{
	struct kmem_cache *s = kmem_cache_create(
		"test-memcg", k->size, 0, k->flags | SLAB_NO_MERGE, NULL);

	ASSERT(s);
	return s;
}

static void *alloc_as(struct mem_cgroup *memcg, struct kmem_cache *s, gfp_t gfp)
{
	struct mem_cgroup *old = set_active_memcg(memcg);
	void *object = kmem_cache_alloc(s, gfp);

	set_active_memcg(old);
	return object;
}

static unsigned int bulk_as(struct mem_cgroup *memcg, struct kmem_cache *s,
			    gfp_t gfp, unsigned int nr, void **objects)
{
	struct mem_cgroup *old = set_active_memcg(memcg);

	nr = kmem_cache_alloc_bulk(s, gfp, nr, objects);
	set_active_memcg(old);
	return nr;
}

/* --- the books --------------------------------------------------------------- */

struct owned {
	u32 owner;
	unsigned long bytes, objects;
};

static void add_owned(const struct slab_owned *what, void *arg)
{
	struct owned *owned = arg;

	if (what->owner != owned->owner)
		return;
	owned->bytes += what->bytes;
	owned->objects++;
}

/* Nobody makes or frees slabs meanwhile, in the tests that look. */
static struct owned owned_by(struct mem_cgroup *memcg)
{
	struct owned owned = {.owner = memcg->objcg->id};

	slab_walk_owners(add_owned, &owned);
	return owned;
}

/* What the counter says, less what nobody uses. */
static unsigned long charged_bytes(struct mem_cgroup *memcg)
{
	return settled_usage(memcg) * PAGE_SIZE -
	       atomic_long_read(&memcg->objcg->leftover);
}

static bool books_balance(struct mem_cgroup *memcg, struct kmem_cache *s,
			  unsigned long objects)
{
	struct owned owned = owned_by(memcg);

	return EXPECT_EQ(owned.objects, objects) &&
	       EXPECT_EQ(owned.bytes, objects * s->size) &&
	       EXPECT_EQ(charged_bytes(memcg), owned.bytes);
}

/* --- one by one ---------------------------------------------------------------- */

#define NR_MANY 300

static void *many[NR_MANY];

TEST(slab_memcg, an_object_is_paid_for_while_it_is_in_use)
{
	struct mem_cgroup *memcg = group_make("/t");
	const struct kind *k;

	ASSERT(memcg);
	for_each_kind(k)
	{
		struct kmem_cache *s = make_cache(k);

		for (int i = 0; i < NR_MANY; i++) {
			many[i] = alloc_as(memcg, s, GFP_KERNEL | k->gfp);
			ASSERT(many[i]);
			EXPECT_EQ(slab_object_owner(many[i]), memcg->objcg->id);
		}
		if (!books_balance(memcg, s, NR_MANY))
			FAIL("kind %s", k->name);
		for (int i = 0; i < NR_MANY; i += 2)
			kmem_cache_free(s, many[i]);
		if (!books_balance(memcg, s, NR_MANY / 2))
			FAIL("kind %s", k->name);
		for (int i = 1; i < NR_MANY; i += 2)
			kfree(many[i]);
		if (!books_balance(memcg, s, 0))
			FAIL("kind %s", k->name);
		kmem_cache_destroy(s);
	}
	group_remove("/t");
}

TEST(slab_memcg, nobody_pays_for_the_roots_nor_for_what_is_not_charged)
{
	struct mem_cgroup *memcg = group_make("/t");
	struct kmem_cache *s = make_cache(&kinds[0]);
	struct kmem_cache *plain =
		kmem_cache_create("test-plain", 64, 0, SLAB_NO_MERGE, NULL);
	void *of_root, *uncharged;

	ASSERT(memcg && plain);
	of_root = kmem_cache_alloc(s, GFP_KERNEL);
	uncharged = alloc_as(memcg, plain, GFP_KERNEL);
	ASSERT(of_root && uncharged);
	EXPECT_EQ(slab_object_owner(of_root), 0);
	EXPECT_EQ(slab_object_owner(uncharged), 0);
	EXPECT_EQ(slab_of(uncharged)->owners, 0);
	books_balance(memcg, s, 0);
	kmem_cache_free(s, of_root);
	kmem_cache_free(plain, uncharged);
	kmem_cache_destroy(plain);
	kmem_cache_destroy(s);
	group_remove("/t");
}

TEST(slab_memcg, a_zeroed_object_is_zeroed_and_charged)
{
	struct mem_cgroup *memcg = group_make("/t");
	const struct kind *k;

	ASSERT(memcg);
	for_each_kind(k)
	{
		struct kmem_cache *s = make_cache(k);

		for (int i = 0; i < NR_MANY; i++) {
			u8 *p = alloc_as(memcg, s,
					 GFP_KERNEL | __GFP_ZERO | k->gfp);

			ASSERT(p);
			EXPECT_EQ(slab_object_owner(p), memcg->objcg->id);
			for (unsigned int j = 0; j < k->size; j++)
				if (p[j])
					FAIL("kind %s: byte %u", k->name, j);
			memset(p, 0xff, k->size);
			many[i] = p;
		}
		for (int i = 0; i < NR_MANY; i++)
			kmem_cache_free(s, many[i]);
		books_balance(memcg, s, 0);
		kmem_cache_destroy(s);
	}
	group_remove("/t");
}

/* --- refused --------------------------------------------------------------------- */

static unsigned long nr_in_use(struct kmem_cache *s)
{
	struct kmem_cache_node *n;
	struct slab *slab;
	unsigned long nr = 0;
	int nid;

	slab_flush(s);
	rcu_barrier();
	for_each_cache_node(s, nid, n) {
		nr += atomic_long_read(&n->total_objects);
		list_for_each_entry(slab, &n->partial, list)
			nr -= slab->state.objects - slab->state.inuse;
	}
	return nr;
}

TEST(slab_memcg, a_refused_charge_leaves_no_trace)
{
	struct mem_cgroup *memcg = group_make("/t");
	const struct kind *k;

	ASSERT(memcg);
	for_each_kind(k)
	{
		struct kmem_cache *s = make_cache(k);
		int nr;

		/* Four pages hold so much, to the byte, and no object more. */
		group_limit(memcg, 4);
		for (nr = 0; nr < NR_MANY; nr++) {
			many[nr] = alloc_as(memcg, s, GFP_REFUSED | k->gfp);
			if (!many[nr])
				break;
		}
		EXPECT_EQ(nr,
			  min(4 * PAGE_SIZE / s->size, (unsigned long)NR_MANY));
		EXPECT_EQ(nr_in_use(s), nr);
		books_balance(memcg, s, nr);
		group_limit(memcg, PAGE_COUNTER_MAX);

		for (int i = 0; i < nr; i++)
			kmem_cache_free(s, many[i]);
		books_balance(memcg, s, 0);
		EXPECT_EQ(kmem_cache_shrink(s), 0);
		kmem_cache_destroy(s);
	}
	group_remove("/t");
}

TEST(slab_memcg, failing_at_any_allocation_leaves_no_trace)
{
	struct mem_cgroup *memcg = group_make("/t");
	const struct kind *k;
	unsigned long n;

	ASSERT(memcg);
	for_each_kind(k)
	{
		struct kmem_cache *s = make_cache(k);
		unsigned long rounds = 0;

		FAULT_SWEEP(&failslab, n) {
			void *p = alloc_as(memcg, s, GFP_KERNEL | k->gfp);

			EXPECT(p || fault_fired(&failslab));
			books_balance(memcg, s, p ? 1 : 0);
			if (p)
				kmem_cache_free(s, p);
			EXPECT_EQ(kmem_cache_shrink(s), 0);
			rounds++;
		}
		/* The object, and its slab's vector where that is outside. */
		EXPECT_EQ(rounds, s->flags & SLAB_OWNERS_INSIDE ? 2 : 3);

		FAULT_SWEEP(&fail_page_alloc, n) {
			void *p = alloc_as(memcg, s,
					   GFP_KERNEL | __GFP_NOWARN | k->gfp);

			EXPECT(p || fault_fired(&fail_page_alloc));
			books_balance(memcg, s, p ? 1 : 0);
			if (p)
				kmem_cache_free(s, p);
			EXPECT_EQ(kmem_cache_shrink(s), 0);
		}
		kmem_cache_destroy(s);
	}
	group_remove("/t");
}

/* --- in bulk ---------------------------------------------------------------------- */

TEST(slab_memcg, bulk_is_charged_all_or_nothing)
{
	struct mem_cgroup *memcg = group_make("/t");
	const struct kind *k;

	ASSERT(memcg);
	for_each_kind(k)
	{
		struct kmem_cache *s = make_cache(k);
		unsigned int fit = min(4 * PAGE_SIZE / s->size,
				       (unsigned long)NR_MANY - 1);

		group_limit(memcg, DIV_ROUND_UP(fit * s->size, PAGE_SIZE));
		if (4 * PAGE_SIZE / s->size == fit)
			EXPECT_EQ(bulk_as(memcg, s, GFP_REFUSED | k->gfp,
					  fit + 1, many),
				  0);
		books_balance(memcg, s, 0);
		EXPECT_EQ(nr_in_use(s), 0);
		EXPECT_EQ(bulk_as(memcg, s, GFP_REFUSED | __GFP_ZERO | k->gfp,
				  fit, many),
			  fit);
		books_balance(memcg, s, fit);
		for (unsigned int i = 0; i < fit; i++) {
			EXPECT_EQ(slab_object_owner(many[i]), memcg->objcg->id);
			EXPECT_EQ(((u8 *)many[i])[k->size - 1], 0);
		}
		kmem_cache_free_bulk(s, fit, many);
		books_balance(memcg, s, 0);
		group_limit(memcg, PAGE_COUNTER_MAX);
		kmem_cache_destroy(s);
	}
	group_remove("/t");
}

/* Taken from the CPU's own store, and nobody pays: there they are again. */
TEST(slab_memcg, a_refused_bulk_goes_back_where_it_was)
{
	struct mem_cgroup *memcg = group_make("/t");
	const struct kind *k;

	ASSERT(memcg);
	for_each_kind(k)
	{
		struct kmem_cache *s = make_cache(k);

		for (int round = 0; round < 3; round++) {
			ASSERT_EQ(
				kmem_cache_alloc_bulk(s, GFP_KERNEL, 20, many),
				20);
			kmem_cache_free_bulk(s, 20, many);
			group_limit(memcg, 0);
			EXPECT_EQ(bulk_as(memcg, s, GFP_REFUSED | k->gfp, 20,
					  many),
				  0);
			group_limit(memcg, PAGE_COUNTER_MAX);
		}
		EXPECT_EQ(nr_in_use(s), 0);
		books_balance(memcg, s, 0);
		kmem_cache_destroy(s);
	}
	group_remove("/t");
}

TEST(slab_memcg, failing_in_the_middle_of_a_bulk_leaves_no_trace)
{
	struct mem_cgroup *memcg = group_make("/t");
	const struct kind *k;
	unsigned long n;

	ASSERT(memcg);
	for_each_kind(k)
	{
		struct kmem_cache *s = make_cache(k);

		FAULT_SWEEP(&failslab, n) {
			unsigned int got = bulk_as(
				memcg, s, GFP_KERNEL | k->gfp, 150, many);

			EXPECT(got == 150 ||
			       (got == 0 && fault_fired(&failslab)));
			books_balance(memcg, s, got);
			kmem_cache_free_bulk(s, got, many);
			EXPECT_EQ(kmem_cache_shrink(s), 0);
		}
		FAULT_SWEEP(&fail_page_alloc, n) {
			unsigned int got = bulk_as(
				memcg, s, GFP_KERNEL | __GFP_NOWARN | k->gfp,
				150, many);

			EXPECT(got == 150 ||
			       (got == 0 && fault_fired(&fail_page_alloc)));
			books_balance(memcg, s, got);
			kmem_cache_free_bulk(s, got, many);
			EXPECT_EQ(kmem_cache_shrink(s), 0);
		}
		kmem_cache_destroy(s);
	}
	group_remove("/t");
}

/* --- one slab, many groups --------------------------------------------------------- */

#define NR_GROUPS 8

static struct mem_cgroup *groups[NR_GROUPS];

static const char *group_name(int i)
{
	static const char *const names[NR_GROUPS] = {
		"/t0", "/t1", "/t2", "/t3", "/t4", "/t5", "/t6", "/t7"};

	return names[i];
}

static void make_groups(void)
{
	for (int i = 0; i < NR_GROUPS; i++)
		ASSERT((groups[i] = group_make(group_name(i))));
}

static void remove_groups(void)
{
	for (int i = 0; i < NR_GROUPS; i++)
		group_remove(group_name(i));
}

static struct {
	struct kmem_cache *s;
	atomic_t next;
} freeing;

static int free_some(void *arg)
{
	int i;

	while ((i = atomic_inc_return(&freeing.next) - 1) < NR_MANY)
		kmem_cache_free(freeing.s, many[i]);
	return 0;
}

/* Objects of one slab belong to many groups, and go in any order on any CPU:
 * each goes back to who paid for it. */
TEST_T(slab_memcg, a_slab_is_shared_by_groups_and_freed_in_any_order, 60)
{
	const struct kind *k;

	make_groups();
	for_each_kind(k)
	{
		struct kmem_cache *s = make_cache(k);
		unsigned int counts[NR_GROUPS] = {};
		struct task *tasks[8];
		unsigned int nr = min(nr_online_cpus, 8u);

		for (int i = 0; i < NR_MANY; i++) {
			int g = test_random_below(NR_GROUPS);

			many[i] = alloc_as(groups[g], s, GFP_KERNEL | k->gfp);
			ASSERT(many[i]);
			EXPECT_EQ(slab_object_owner(many[i]),
				  groups[g]->objcg->id);
			counts[g]++;
		}
		for (int g = 0; g < NR_GROUPS; g++)
			books_balance(groups[g], s, counts[g]);
		for (int i = NR_MANY - 1; i; i--) {
			int j = test_random_below(i + 1);

			swap(many[i], many[j]);
		}

		freeing.s = s;
		atomic_set(&freeing.next, 0);
		for (unsigned int i = 0; i < nr; i++) {
			tasks[i] = task_create(free_some, NULL, "free");
			ASSERT(tasks[i]);
			kthread_bind(tasks[i], i);
			wake_up_process(tasks[i]);
		}
		for (unsigned int i = 0; i < nr; i++)
			task_join(tasks[i]);
		for (int g = 0; g < NR_GROUPS; g++)
			if (!books_balance(groups[g], s, 0))
				FAIL("kind %s", k->name);
		kmem_cache_destroy(s);
	}
	remove_groups();
}

TEST(slab_memcg, bulk_free_gives_each_its_own)
{
	const struct kind *k;

	make_groups();
	for_each_kind(k)
	{
		struct kmem_cache *s = make_cache(k);

		for (int i = 0; i < NR_MANY; i++) {
			/* Runs, single ones, and some of nobody's. */
			int g = i < 100 ? i / 25 : i % (NR_GROUPS + 1);

			many[i] = g == NR_GROUPS
					  ? kmem_cache_alloc(s, GFP_KERNEL)
					  : alloc_as(groups[g], s,
						     GFP_KERNEL | k->gfp);
			ASSERT(many[i]);
		}
		kmem_cache_free_bulk(s, NR_MANY, many);
		for (int g = 0; g < NR_GROUPS; g++)
			if (!books_balance(groups[g], s, 0))
				FAIL("kind %s", k->name);
		kmem_cache_destroy(s);
	}
	remove_groups();
}

/* --- interrupts ---------------------------------------------------------------------- */

/* Run fn(arg) once in the softirq, or the interrupt, of a timer. */
struct in_timer {
	struct timer_list timer;
	void (*fn)(void *arg);
	void *arg;
	struct completion done;
};

static void timer_fired(struct timer_list *t)
{
	struct in_timer *in = container_of(t, struct in_timer, timer);

	EXPECT(in_interrupt());
	in->fn(in->arg);
	complete(&in->done);
}

static void run_in_timer(unsigned int flags, void (*fn)(void *arg), void *arg)
{
	struct in_timer in = {.fn = fn, .arg = arg};

	init_completion(&in.done);
	timer_setup(&in.timer, timer_fired, flags);
	mod_timer(&in.timer, ktime_get_ns());
	wait_for_completion(&in.done);
	del_timer_sync(&in.timer);
}

static int free_object(void *object)
{
	kfree(object);
	return 0;
}

static void free_in_interrupt(void *object)
{
	kfree(object);
}

/* As an interrupt would that came inside our stores. */
static void free_nested(void *object)
{
	unsigned long flags;

	local_irq_save(flags);
	ASSERT(cpu_store_enter());
	kfree(object);
	cpu_store_leave();
	local_irq_restore(flags);
}

TEST(slab_memcg, an_object_may_be_freed_in_any_context)
{
	struct mem_cgroup *memcg = group_make("/t");
	const struct kind *k;

	ASSERT(memcg);
	for_each_kind(k)
	{
		struct kmem_cache *s = make_cache(k);

		for (int how = 0; how < 4; how++) {
			void *object = alloc_as(memcg, s, GFP_KERNEL | k->gfp);

			ASSERT(object);
			if (how == 0)
				run_in_timer(0, free_in_interrupt, object);
			else if (how == 1)
				run_in_timer(TIMER_HARDIRQ, free_in_interrupt,
					     object);
			else if (how == 2)
				run_on(nr_online_cpus - 1, free_object, object);
			else
				free_nested(object);
			if (!books_balance(memcg, s, 0))
				FAIL("kind %s, context %d", k->name, how);
		}
		kmem_cache_destroy(s);
	}
	group_remove("/t");
}

struct request {
	struct kmem_cache *s;
	gfp_t gfp;
	struct mem_cgroup *memcg;
	u32 owner;    /* of the first */
	void *object; /* the second */
};

static void alloc_in_interrupt(void *arg)
{
	struct request *rq = arg;
	struct mem_cgroup *old;

	rq->object = kmem_cache_alloc(rq->s, GFP_ATOMIC | rq->gfp);
	if (!EXPECT(rq->object))
		return;
	rq->owner = slab_object_owner(rq->object);
	kmem_cache_free(rq->s, rq->object);

	old = set_active_memcg(rq->memcg);
	rq->object = kmem_cache_alloc(rq->s, GFP_ATOMIC | rq->gfp);
	set_active_memcg(old);
}

/* The task that it interrupts has nothing to do with it. */
TEST(slab_memcg, an_interrupts_objects_are_nobodys_unless_it_says_so)
{
	struct mem_cgroup *memcg = group_make("/t"), *old;
	struct mem_cgroup *other = group_make("/u");
	const struct kind *k;

	ASSERT(memcg && other);
	for_each_kind(k)
	{
		struct kmem_cache *s = make_cache(k);
		struct request rq = {.s = s, .gfp = k->gfp, .memcg = memcg};

		for (int hard = 0; hard < 2; hard++) {
			old = set_active_memcg(other);
			run_in_timer(hard ? TIMER_HARDIRQ : 0,
				     alloc_in_interrupt, &rq);
			set_active_memcg(old);
			ASSERT(rq.object);
			EXPECT_EQ(rq.owner, 0);
			EXPECT_EQ(slab_object_owner(rq.object),
				  memcg->objcg->id);
			books_balance(memcg, s, 1);
			books_balance(other, s, 0);
			kmem_cache_free(s, rq.object);
			books_balance(memcg, s, 0);
		}
		kmem_cache_destroy(s);
	}
	group_remove("/u");
	group_remove("/t");
}

/* --- RCU ------------------------------------------------------------------------------ */

struct waiting {
	struct rcu_head rcu;
	u64 pad[4];
};

TEST(slab_memcg, what_waits_for_readers_is_paid_for_until_they_are_gone)
{
	struct mem_cgroup *memcg = group_make("/t"), *old;
	struct waiting *w;

	ASSERT(memcg);
	for (int i = 0; i < 200; i++) {
		old = set_active_memcg(memcg);
		w = kmalloc(sizeof(*w), GFP_KERNEL_ACCOUNT);
		set_active_memcg(old);
		ASSERT(w);
		rcu_read_lock();
		kfree_rcu(w, rcu);
		EXPECT_EQ(slab_object_owner(w), memcg->objcg->id);
		rcu_read_unlock();
	}
	kfree_rcu_barrier();
	EXPECT_EQ(owned_by(memcg).objects, 0);
	EXPECT_EQ(charged_bytes(memcg), 0);
	group_remove("/t");
}

TEST(slab_memcg, a_type_safe_object_is_nobodys_from_its_free_on)
{
	struct mem_cgroup *memcg = group_make("/t");
	struct kmem_cache *s = kmem_cache_create(
		"test-safe", 64, 0, SLAB_ACCOUNT | SLAB_TYPESAFE_BY_RCU, NULL);
	void *object;

	ASSERT(memcg && s);
	object = alloc_as(memcg, s, GFP_KERNEL);
	ASSERT(object);
	rcu_read_lock();
	kmem_cache_free(s, object);
	EXPECT_EQ(slab_object_owner(object), 0);
	rcu_read_unlock();
	books_balance(memcg, s, 0);
	kmem_cache_destroy(s);
	group_remove("/t");
}

/* --- kmalloc ----------------------------------------------------------------------------- */

/* What an object is charged as: what it takes, watched or not. */
static size_t charge_of(const void *object)
{
	struct slab *slab = slab_of(object);

	return slab ? slab->cache->size : ksize(object);
}

TEST(slab_memcg, kmalloc_charges_who_asks_for_it_at_any_size)
{
	struct mem_cgroup *memcg = group_make("/t"), *old;

	ASSERT(memcg);
	for (size_t size = 1; size < 40000; size += 1 + size / 4) {
		void *charged, *plain;

		old = set_active_memcg(memcg);
		charged = kmalloc(size, GFP_KERNEL_ACCOUNT);
		plain = kmalloc(size, GFP_KERNEL);
		set_active_memcg(old);
		ASSERT(charged && plain);
		EXPECT_EQ(ksize(charged), ksize(plain));
		EXPECT_EQ(charged_bytes(memcg), charge_of(charged));
		if (size <= KMALLOC_MAX_CACHE_SIZE) {
			EXPECT_EQ(slab_object_owner(charged), memcg->objcg->id);
			EXPECT_EQ(slab_object_owner(plain), 0);
		}
		memset(charged, 0xff, size);
		kfree(plain);
		kfree(charged);
		EXPECT_EQ(charged_bytes(memcg), 0);
	}
	group_remove("/t");
}

TEST(slab_memcg, constant_sizes_are_charged_like_others)
{
	struct mem_cgroup *memcg = group_make("/t"), *old;
	size_t sum = 0;
	void *p[5];

	ASSERT(memcg);
	old = set_active_memcg(memcg);
	p[0] = kmalloc(8, GFP_KERNEL_ACCOUNT);
	p[1] = kzalloc(96, GFP_KERNEL_ACCOUNT);
	p[2] = kmalloc(1000, GFP_KERNEL_ACCOUNT);
	p[3] = kzalloc(8192, GFP_KERNEL_ACCOUNT);
	p[4] = kmalloc(100000, GFP_KERNEL_ACCOUNT);
	set_active_memcg(old);
	for (int i = 0; i < 5; i++) {
		ASSERT(p[i]);
		sum += charge_of(p[i]);
	}
	EXPECT_EQ(charged_bytes(memcg), sum);
	for (int i = 0; i < 5; i++)
		kfree(p[i]);
	EXPECT_EQ(charged_bytes(memcg), 0);
	group_remove("/t");
}

TEST(slab_memcg, krealloc_and_kvmalloc_keep_the_books)
{
	struct mem_cgroup *memcg = group_make("/t"), *old;
	void *p = NULL, *q;

	ASSERT(memcg);
	old = set_active_memcg(memcg);
	for (size_t size = 1; size < 70000; size = size * 2 + 1) {
		q = krealloc(p, size, GFP_KERNEL_ACCOUNT);
		ASSERT(q);
		p = q;
		EXPECT_EQ(charged_bytes(memcg), charge_of(p));
	}
	group_limit(memcg, 0);
	EXPECT(!krealloc(p, 200000, GFP_REFUSED | __GFP_ACCOUNT));
	EXPECT_EQ(charged_bytes(memcg), charge_of(p));
	group_limit(memcg, PAGE_COUNTER_MAX);
	kfree(p);

	p = kvmalloc(1000, GFP_KERNEL_ACCOUNT);
	ASSERT(p);
	EXPECT_EQ(charged_bytes(memcg), charge_of(p));
	kvfree(p);
	set_active_memcg(old);
	EXPECT_EQ(charged_bytes(memcg), 0);
	group_remove("/t");
}

/* --- groups and caches that go ---------------------------------------------------------- */

TEST(slab_memcg, a_removed_groups_objects_are_its_parents)
{
	struct mem_cgroup *parent = group_make("/t");
	const struct kind *k;

	ASSERT(parent);
	for_each_kind(k)
	{
		struct kmem_cache *s = make_cache(k);
		struct mem_cgroup *child = group_make("/t/c");
		u32 id;

		ASSERT(child);
		id = child->objcg->id;
		for (int i = 0; i < 100; i++) {
			many[i] = alloc_as(child, s, GFP_KERNEL | k->gfp);
			ASSERT(many[i]);
		}
		group_remove("/t/c");
		EXPECT_EQ(slab_object_owner(many[0]), id);
		EXPECT_GE(settled_usage(parent) * PAGE_SIZE, 100 * s->size);
		for (int i = 0; i < 100; i++)
			kmem_cache_free(s, many[i]);
		EXPECT_EQ(settled_usage(parent), 0);
		kmem_cache_destroy(s);
	}
	group_remove("/t");
}

TEST(slab_memcg, a_cache_with_owned_objects_outlives_its_destruction)
{
	struct mem_cgroup *memcg = group_make("/t");
	const struct kind *k;

	ASSERT(memcg);
	for_each_kind(k)
	{
		struct kmem_cache *s = make_cache(k);
		void *object = alloc_as(memcg, s, GFP_KERNEL | k->gfp);

		ASSERT(object);
		report_expect(REPORT_SLAB);
		kmem_cache_destroy(s);
		EXPECT_EQ(report_expected(REPORT_SLAB), 1);
		books_balance(memcg, s, 1);
		kmem_cache_free(s, object);
		books_balance(memcg, s, 0);
		kmem_cache_destroy(s);
	}
	group_remove("/t");
}

/* A wrong free is reported, and takes nobody's charge away. */
TEST(slab_memcg, a_wrong_free_uncharges_nobody)
{
	struct mem_cgroup *memcg = group_make("/t");
	struct kmem_cache *s = make_cache(&kinds[7]);
	void *object;

	ASSERT(memcg && s->flags & SLAB_RED_ZONE);
	object = alloc_as(memcg, s, GFP_KERNEL);
	ASSERT(object);
	report_expect(REPORT_SLAB);
	kmem_cache_free(s, object + 8);
	EXPECT_EQ(report_expected(REPORT_SLAB), 1);
	EXPECT_EQ(slab_object_owner(object), memcg->objcg->id);
	kmem_cache_free(s, object);
	report_expect(REPORT_SLAB);
	kmem_cache_free(s, object);
	EXPECT_EQ(report_expected(REPORT_SLAB), 1);
	books_balance(memcg, s, 0);
	kmem_cache_destroy(s);
	group_remove("/t");
}

/* --- statistics ----------------------------------------------------------------------------- */

static u64 stat_of(struct mem_cgroup *memcg, enum memcg_kind kind)
{
	mem_cgroup_flush_stats(memcg);
	return mem_cgroup_state(memcg, kind);
}

TEST(slab_memcg, statistics_tell_reclaimable_from_other_objects)
{
	struct mem_cgroup *memcg = group_make("/t");
	const struct kind *k;

	ASSERT(memcg);
	for_each_kind(k)
	{
		struct kmem_cache *s = make_cache(k);
		bool reclaimable = k->flags & SLAB_RECLAIM_ACCOUNT;
		u64 bytes = 100 * s->size;

		for (int i = 0; i < 50; i++) {
			many[i] = alloc_as(memcg, s, GFP_KERNEL | k->gfp);
			ASSERT(many[i]);
		}
		ASSERT(bulk_as(memcg, s, GFP_KERNEL | k->gfp, 50, many + 50));
		EXPECT_EQ(stat_of(memcg, MEMCG_SLAB_RECLAIMABLE),
			  reclaimable ? bytes : 0);
		EXPECT_EQ(stat_of(memcg, MEMCG_SLAB_UNRECLAIMABLE),
			  reclaimable ? 0 : bytes);
		kmem_cache_free_bulk(s, 50, many);
		for (int i = 50; i < 100; i++)
			kmem_cache_free(s, many[i]);
		EXPECT_EQ(stat_of(memcg, MEMCG_SLAB_RECLAIMABLE), 0);
		EXPECT_EQ(stat_of(memcg, MEMCG_SLAB_UNRECLAIMABLE), 0);
		kmem_cache_destroy(s);
	}
	group_remove("/t");
}

/* Taken here or there, freed here or there. */
TEST(slab_memcg, statistics_tell_the_objects_node)
{
	struct mem_cgroup *memcg, *old;
	const struct kind *k;

	if (slab_nr_nodes < 2)
		SKIP("one node");
	memcg = group_make("/t");
	ASSERT(memcg);
	for_each_kind(k)
	{
		struct kmem_cache *s = make_cache(k);
		enum memcg_kind kind = slab_memcg_kind(s);
		u64 on[MAX_NUMNODES] = {};

		for (int i = 0; i < NR_MANY; i++) {
			old = set_active_memcg(memcg);
			many[i] = kmem_cache_alloc_node(s, GFP_KERNEL | k->gfp,
							i % slab_nr_nodes);
			set_active_memcg(old);
			ASSERT(many[i]);
			on[slab_nid(slab_of(many[i]))] += s->size;
		}
		mem_cgroup_flush_stats(memcg);
		for (int nid = 0; nid < slab_nr_nodes; nid++)
			EXPECT_EQ(mem_cgroup_node_state(memcg, kind, nid),
				  on[nid]);
		for (int i = 0; i < NR_MANY; i++)
			run_on(i % nr_online_cpus, free_object, many[i]);
		mem_cgroup_flush_stats(memcg);
		for (int nid = 0; nid < slab_nr_nodes; nid++)
			EXPECT_EQ(mem_cgroup_node_state(memcg, kind, nid), 0);
		kmem_cache_destroy(s);
	}
	group_remove("/t");
}
