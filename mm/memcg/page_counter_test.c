/* SPDX-License-Identifier: MIT */
/* page_counter_test.c - every level is charged, or none. */
#include <errno.h>
#include <kernel/core/report.h>
#include <kernel/core/sched.h>
#include <kernel/core/wait.h>
#include <kernel/task/task.h>
#include <lib/math.h>
#include <lib/random.h>
#include <tests/test.h>
#include "page_counter_impl.h"

#define DEPTH 16

struct chain {
	struct page_counter c[DEPTH]; /* c[0] is the root */
};

static struct page_counter *chain_init(struct chain *chain)
{
	for (unsigned int i = 0; i < DEPTH; i++)
		page_counter_init(&chain->c[i], i ? &chain->c[i - 1] : NULL);
	return &chain->c[DEPTH - 1];
}

static unsigned long usage(struct page_counter *c)
{
	return page_counter_read(c);
}

/* --- charging ------------------------------------------------------------------------ */

TEST(page_counter, a_charge_counts_at_every_level)
{
	struct page_counter *blocker = NULL, *leaf;
	struct chain chain;

	leaf = chain_init(&chain);
	EXPECT(page_counter_try_charge(leaf, 5, &blocker));
	page_counter_charge(&chain.c[3], 2);
	for (unsigned int i = 0; i < DEPTH; i++)
		EXPECT_EQ(usage(&chain.c[i]), i <= 3 ? 7ul : 5ul);
	page_counter_uncharge(leaf, 5);
	page_counter_uncharge(&chain.c[3], 2);
	for (unsigned int i = 0; i < DEPTH; i++)
		EXPECT_EQ(usage(&chain.c[i]), 0ul);
	EXPECT(!blocker);
}

/* Whichever level refuses: it is named, it alone counts a failure, and no usage
 * and no peak remembers the attempt. */
TEST(page_counter, a_refused_charge_leaves_no_trace_at_any_depth)
{
	for (unsigned int limited = 0; limited < DEPTH; limited++) {
		struct page_counter *blocker = NULL, *leaf;
		struct chain chain;

		leaf = chain_init(&chain);
		page_counter_force_max(&chain.c[limited], 10);
		EXPECT(page_counter_try_charge(leaf, 8, &blocker));
		EXPECT(!page_counter_try_charge(leaf, 3, &blocker));
		EXPECT_EQ(blocker, &chain.c[limited]);
		for (unsigned int i = 0; i < DEPTH; i++) {
			EXPECT_EQ(usage(&chain.c[i]), 8ul);
			EXPECT_EQ(page_counter_peak(&chain.c[i]), 8ul);
			EXPECT_EQ(atomic_long_read(&chain.c[i].failcnt),
				  i == limited ? 1l : 0l);
		}
		EXPECT(page_counter_try_charge(leaf, 2, &blocker));
		EXPECT_EQ(page_counter_margin(&chain.c[limited]), 0ul);
	}
}

TEST(page_counter, a_forced_charge_goes_beyond_the_limit)
{
	struct page_counter c, *blocker = NULL;

	page_counter_init(&c, NULL);
	page_counter_force_max(&c, 4);
	page_counter_charge(&c, 6);
	EXPECT_EQ(usage(&c), 6ul);
	EXPECT_EQ(page_counter_margin(&c), 0ul);
	EXPECT(!page_counter_try_charge(&c, 1, &blocker));
	page_counter_uncharge(&c, 3);
	EXPECT(page_counter_try_charge(&c, 1, &blocker));
}

TEST(page_counter, a_squeezed_counter_lets_nobody_charge_ahead)
{
	struct page_counter *blocker = NULL, *leaf;
	struct chain chain;

	leaf = chain_init(&chain);
	EXPECT(page_counter_try_charge_ahead(leaf, 64));
	page_counter_squeeze(&chain.c[1]);
	page_counter_squeeze(&chain.c[1]);
	EXPECT(!page_counter_try_charge_ahead(leaf, 64));
	page_counter_relax(&chain.c[1]);
	EXPECT(!page_counter_try_charge_ahead(leaf, 64));
	for (unsigned int i = 0; i < DEPTH; i++)
		EXPECT_EQ(usage(&chain.c[i]), 64ul);
	EXPECT(page_counter_try_charge(leaf, 1, &blocker));
	page_counter_relax(&chain.c[1]);
	EXPECT(page_counter_try_charge_ahead(leaf, 64));
	for (unsigned int i = 0; i < DEPTH; i++)
		EXPECT_EQ(atomic_long_read(&chain.c[i].failcnt), 0l);
}

TEST(page_counter, uncharging_too_much_is_reported)
{
	struct page_counter c;

	page_counter_init(&c, NULL);
	page_counter_charge(&c, 1);
	report_expect(REPORT_WARN);
	page_counter_uncharge(&c, 2);
	EXPECT_EQ(report_expected(REPORT_WARN), 1ul);
}

/* --- limits ------------------------------------------------------------------------------ */

TEST(page_counter, set_max_below_the_usage_is_refused_and_changes_nothing)
{
	struct page_counter c, *blocker;

	page_counter_init(&c, NULL);
	page_counter_charge(&c, 10);
	EXPECT_EQ(page_counter_set_max(&c, 20), 0);
	EXPECT_EQ(page_counter_set_max(&c, 9), -EBUSY);
	EXPECT_EQ(c.max, 20ul);
	EXPECT_EQ(page_counter_set_max(&c, 10), 0);
	EXPECT(!page_counter_try_charge(&c, 1, &blocker));
}

struct race {
	struct page_counter root, child;
	bool stop, pause;
	atomic_t nr_paused;
	u64 seed;
	atomic_t seeds;
	atomic_long_t held;
};

static DECLARE_WAIT_QUEUE_HEAD(race_wait);

/* Charge and uncharge pages one way or another until told to stop. */
static int racing_charger(void *arg)
{
	struct race *race = arg;
	struct prng rng;
	unsigned long held = 0;

	prng_init(&rng, race->seed + atomic_inc_return(&race->seeds));
	while (!READ_ONCE(race->stop)) {
		unsigned long nr = 1 + prng_below(&rng, 8);
		struct page_counter *blocker;

		if (held >= nr && prng_one_in(&rng, 2)) {
			page_counter_uncharge(&race->child, nr);
			held -= nr;
		} else if (page_counter_try_charge(&race->child, nr,
						   &blocker)) {
			held += nr;
		} else if (held) {
			page_counter_uncharge(&race->child, held);
			held = 0;
		}
		if (READ_ONCE(race->pause)) {
			atomic_inc(&race->nr_paused);
			wake_up_all(&race_wait);
			wait_event(race_wait, !READ_ONCE(race->pause));
			atomic_dec(&race->nr_paused);
			wake_up_all(&race_wait);
		}
		/* Where one host CPU plays all of ours, it lets the next play. */
		if (prng_one_in(&rng, 16))
			cpu_relax();
		if (prng_one_in(&rng, 64))
			yield();
	}
	atomic_long_add(held, &race->held);
	return 0;
}

#define CHARGERS 4

static void race_begin(struct race *race, struct task **chargers)
{
	*race = (struct race){.seed = test_seed()};
	page_counter_init(&race->root, NULL);
	page_counter_init(&race->child, &race->root);
	page_counter_force_max(&race->root, 128);
	for (unsigned int i = 0; i < CHARGERS; i++) {
		chargers[i] = task_run(racing_charger, race, "charger");
		ASSERT(chargers[i]);
	}
}

static void race_end(struct race *race, struct task **chargers)
{
	WRITE_ONCE(race->stop, true);
	for (unsigned int i = 0; i < CHARGERS; i++)
		task_join(chargers[i]);
	EXPECT_EQ((long)usage(&race->child), atomic_long_read(&race->held));
	EXPECT_EQ((long)usage(&race->root), atomic_long_read(&race->held));
}

/* Once set_max() has said yes, whatever was under way meanwhile. */
TEST(page_counter, a_limit_set_while_others_charge_holds)
{
	struct task *chargers[CHARGERS];
	struct race race;
	unsigned int accepted = 0;

	race_begin(&race, chargers);
	for (unsigned int i = 0; i < 60; i++) {
		unsigned long max = 1 + test_random_below(160);

		if (page_counter_set_max(&race.root, max)) {
			yield();
			continue;
		}
		accepted++;
		WRITE_ONCE(race.pause, true);
		wait_event(race_wait, atomic_read(&race.nr_paused) == CHARGERS);
		EXPECT_LE(usage(&race.root), max);
		page_counter_force_max(&race.root, 128);
		WRITE_ONCE(race.pause, false);
		wake_up_all(&race_wait);
		wait_event(race_wait, !atomic_read(&race.nr_paused));
	}
	race_end(&race, chargers);
	EXPECT_GT(accepted, 0u);
}

/* --- one CPU between two steps of another ---------------------------------------- */

/* What happens to @c when it is probed, once. */
static struct {
	struct page_counter *c;
	void (*fn)(struct page_counter *c);
	long result;
} between;

static void happen(struct page_counter *c)
{
	void (*fn)(struct page_counter * c) = between.fn;

	if (c != between.c || !fn)
		return;
	between.fn = NULL;
	fn(c);
}

static void let_happen(struct page_counter *c,
		       void (*fn)(struct page_counter *c))
{
	between.c = c;
	between.fn = fn;
	page_counter_probe_fn = happen;
	static_branch_enable(&page_counter_probe_key);
}

/* It did. */
static void has_happened(void)
{
	static_branch_disable(&page_counter_probe_key);
	EXPECT(!between.fn);
}

static void lower_limit(struct page_counter *c)
{
	between.result = page_counter_set_max(c, 4);
}

TEST(page_counter, a_charge_sees_a_limit_lowered_beside_it)
{
	struct page_counter root, child, *blocker = NULL;

	page_counter_init(&root, NULL);
	page_counter_init(&child, &root);
	page_counter_charge(&child, 3);
	let_happen(&root, lower_limit);
	EXPECT(!page_counter_try_charge(&child, 2, &blocker));
	has_happened();
	EXPECT_EQ(between.result, 0l);
	EXPECT_EQ(blocker, &root);
	EXPECT_EQ(usage(&root), 3ul);
	EXPECT_EQ(usage(&child), 3ul);
}

static void charge_two(struct page_counter *c)
{
	struct page_counter *blocker;

	between.result = page_counter_try_charge(c, 2, &blocker);
}

TEST(page_counter, set_max_sees_a_charge_that_was_faster)
{
	struct page_counter c;

	page_counter_init(&c, NULL);
	page_counter_charge(&c, 3);
	let_happen(&c, charge_two);
	EXPECT_EQ(page_counter_set_max(&c, 4), -EBUSY);
	has_happened();
	EXPECT(between.result);
	EXPECT_EQ(c.max, PAGE_COUNTER_MAX);
	EXPECT_EQ(usage(&c), 5ul);
}

static void uncharge_two(struct page_counter *c)
{
	/* Without telling, as one that is between its steps. */
	atomic_long_sub(2, &c->usage);
}

TEST(page_counter, a_claim_is_told_again_when_usage_changes_beside_it)
{
	struct page_counter root, child;

	page_counter_init(&root, NULL);
	page_counter_init(&child, &root);
	page_counter_set_min(&child, 10);
	let_happen(&child, uncharge_two);
	page_counter_charge(&child, 5);
	has_happened();
	EXPECT_EQ(atomic_long_read(&root.min.children_claimed), 3l);
}

/* --- protection -------------------------------------------------------------------------- */

/* What a parent's sum says is what its children use of what they want. */
static void expect_claims(struct page_counter *parent, unsigned long min,
			  unsigned long low)
{
	EXPECT_EQ(atomic_long_read(&parent->min.children_claimed), (long)min);
	EXPECT_EQ(atomic_long_read(&parent->low.children_claimed), (long)low);
}

TEST(page_counter, claims_follow_usage_and_settings)
{
	struct page_counter root, a, b;

	page_counter_init(&root, NULL);
	page_counter_init(&a, &root);
	page_counter_init(&b, &root);
	page_counter_charge(&a, 10);
	page_counter_set_min(&a, 6);
	page_counter_set_low(&b, 5);
	expect_claims(&root, 6, 0);
	page_counter_charge(&b, 3);
	expect_claims(&root, 6, 3);
	page_counter_charge(&b, 30);
	page_counter_set_min(&a, 100);
	expect_claims(&root, 10, 5);
	page_counter_uncharge(&a, 9);
	page_counter_set_low(&b, 0);
	expect_claims(&root, 1, 0);
	page_counter_uncharge(&a, 1);
	expect_claims(&root, 0, 0);
}

TEST(page_counter, a_parents_protection_is_shared_in_proportion_to_claims)
{
	struct page_counter root, parent, a, b;

	page_counter_init(&root, NULL);
	page_counter_init(&parent, &root);
	page_counter_init(&a, &parent);
	page_counter_init(&b, &parent);
	page_counter_set_min(&parent, 30);
	page_counter_set_min(&a, 40);
	page_counter_set_min(&b, 20);
	page_counter_charge(&a, 100);
	page_counter_charge(&b, 100);
	page_counter_calculate_protection(&root, &root);
	page_counter_calculate_protection(&root, &parent);
	page_counter_calculate_protection(&root, &a);
	page_counter_calculate_protection(&root, &b);
	EXPECT_EQ(parent.min.effective, 30ul);
	EXPECT_EQ(a.min.effective, 20ul); /* 30 * 40 / 60 */
	EXPECT_EQ(b.min.effective, 10ul);
	EXPECT_EQ(a.low.effective, 0ul);
}

/* What no child claims protects them in proportion to what they use beyond. */
TEST(page_counter, unclaimed_protection_reaches_down_by_usage)
{
	struct page_counter root, parent, a, b;

	page_counter_init(&root, NULL);
	page_counter_init(&parent, &root);
	page_counter_init(&a, &parent);
	page_counter_init(&b, &parent);
	page_counter_set_low(&parent, 50);
	page_counter_set_low(&a, 10);
	page_counter_charge(&a, 40);
	page_counter_charge(&b, 60);
	page_counter_calculate_protection(&root, &parent);
	page_counter_calculate_protection(&root, &a);
	page_counter_calculate_protection(&root, &b);
	/* 40 are unclaimed; beyond the claims a uses 30, and b 60 of 90. */
	EXPECT_EQ(a.low.effective, 10ul + 40 * 30 / 90);
	EXPECT_EQ(b.low.effective, 40ul * 60 / 90);
}

TEST(page_counter, the_root_of_a_reclaim_is_not_protected_itself)
{
	struct page_counter root, parent, a;

	page_counter_init(&root, NULL);
	page_counter_init(&parent, &root);
	page_counter_init(&a, &parent);
	page_counter_set_min(&parent, 5);
	page_counter_set_min(&a, 20);
	page_counter_charge(&a, 50);
	page_counter_calculate_protection(&parent, &parent);
	page_counter_calculate_protection(&parent, &a);
	EXPECT_EQ(parent.min.effective, 0ul);
	EXPECT_EQ(a.min.effective, 20ul);
}

/* Whatever order charges and settings come in: the sum is that of the parts. */
TEST(page_counter, claims_add_up_after_concurrent_changes)
{
	struct task *chargers[CHARGERS];
	struct race race;

	race_begin(&race, chargers);
	for (unsigned int i = 0; i < 200; i++) {
		page_counter_set_min(&race.child, test_random_below(40));
		page_counter_set_low(&race.child, test_random_below(40));
		yield();
	}
	race_end(&race, chargers);
	expect_claims(&race.root,
		      min(usage(&race.child), race.child.min.wanted),
		      min(usage(&race.child), race.child.low.wanted));
}

/* --- peaks --------------------------------------------------------------------------------- */

TEST(page_counter, each_watch_has_a_peak_of_its_own)
{
	struct page_counter_watch first, second;
	struct page_counter c;

	page_counter_init(&c, NULL);
	page_counter_charge(&c, 100);
	page_counter_uncharge(&c, 90);
	page_counter_watch_begin(&c, &first);
	EXPECT_EQ(page_counter_watch_read(&c, &first), 10ul);
	page_counter_charge(&c, 40);
	page_counter_uncharge(&c, 45);
	page_counter_watch_begin(&c, &second);
	EXPECT_EQ(page_counter_watch_read(&c, &first), 50ul);
	EXPECT_EQ(page_counter_watch_read(&c, &second), 5ul);
	page_counter_charge(&c, 15);
	EXPECT_EQ(page_counter_watch_read(&c, &first), 50ul);
	EXPECT_EQ(page_counter_watch_read(&c, &second), 20ul);
	page_counter_watch_reset(&c, &first);
	page_counter_charge(&c, 1);
	EXPECT_EQ(page_counter_watch_read(&c, &first), 21ul);
	EXPECT_EQ(page_counter_watch_read(&c, &second), 21ul);
	page_counter_watch_end(&first);
	page_counter_uncharge(&c, 21);
	page_counter_watch_reset(&c, &second);
	EXPECT_EQ(page_counter_watch_read(&c, &second), 0ul);
	EXPECT_EQ(page_counter_peak(&c), 100ul);
	page_counter_watch_end(&second);
}
