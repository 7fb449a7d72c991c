/* SPDX-License-Identifier: MIT */
/* files_test.c - memory.* reads and writes as cgroup v2 says. */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>
#include <kernel/core/clock.h>
#include <kernel/core/completion.h>
#include <kernel/core/fault_inject.h>
#include <kernel/task/task.h>
#include <lib/err.h>
#include <lib/format.h>
#include <lib/math.h>
#include <mm/reclaim/shrinker.h>
#include <mm/slab/slab.h>
#include <string.h>
#include "group_test.h"

static const char *const limit_files[] = {
	"memory.min",
	"memory.low",
	"memory.high",
	"memory.max",
};

#define for_each_limit_file(file)                                              \
	for (const char *const *at_ = limit_files, *file;                      \
	     at_ < limit_files + ARRAY_SIZE(limit_files) && (file = *at_);     \
	     at_++)

/* -- Which there are ----------------------------------------------------------- */

TEST(memcg_files, a_group_has_them_all_and_the_root_those_of_the_system)
{
	static const char *const both[] = {"memory.stat", "memory.numa_stat",
					   "memory.reclaim"};
	static const char *const not_on_root[] = {
		"memory.current", "memory.peak",      "memory.min",
		"memory.low",	  "memory.high",      "memory.max",
		"memory.events",  "memory.oom.group", "memory.events.local",
	};
	struct mem_cgroup *memcg = test_group(NULL, "a");
	struct cgroup_file *file;

	for (int i = 0; i < ARRAY_SIZE(both); i++) {
		file = cgroup_file_open(memcg->css.cgroup, both[i]);
		if (EXPECT(!IS_ERR(file)))
			cgroup_file_close(file);
		file = cgroup_file_open(&cgroup_root, both[i]);
		if (EXPECT(!IS_ERR(file)))
			cgroup_file_close(file);
	}
	for (int i = 0; i < ARRAY_SIZE(not_on_root); i++) {
		file = cgroup_file_open(memcg->css.cgroup, not_on_root[i]);
		if (EXPECT(!IS_ERR(file)))
			cgroup_file_close(file);
		file = cgroup_file_open(&cgroup_root, not_on_root[i]);
		EXPECT_EQ(file, ERR_PTR(-ENOENT));
	}
	test_group_remove(memcg);
}

TEST(memcg_files, a_new_group_uses_nothing_and_is_not_limited)
{
	struct mem_cgroup *memcg = test_group(NULL, "a");

	group_expect(memcg, "memory.current", "0\n");
	group_expect(memcg, "memory.peak", "0\n");
	group_expect(memcg, "memory.min", "0\n");
	group_expect(memcg, "memory.low", "0\n");
	group_expect(memcg, "memory.high", "max\n");
	group_expect(memcg, "memory.max", "max\n");
	group_expect(memcg, "memory.oom.group", "0\n");
	group_expect(memcg, "memory.events",
		     "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\n"
		     "oom_group_kill 0\n");
	group_expect(memcg, "memory.events.local",
		     "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\n"
		     "oom_group_kill 0\n");
	group_expect(memcg, "memory.stat",
		     "anon 0\nfile 0\nkernel 0\nkernel_stack 0\npercpu 0\n"
		     "sock 0\nvmalloc 0\nslab_reclaimable 0\n"
		     "slab_unreclaimable 0\nslab 0\npgfault 0\npgmajfault 0\n");
	test_group_remove(memcg);
}

/* -- Sizes --------------------------------------------------------------------- */

TEST(memcg_files, a_size_is_read_back_rounded_down_to_pages)
{
	static const struct {
		const char *written, *read;
	} sizes[] = {
		{"0", "0\n"},
		{"4096", "4096\n"},
		{"4095", "0\n"},
		{"8191\n", "4096\n"},
		{"64K", "65536\n"},
		{"64M", "67108864\n"},
		{" 1G ", "1073741824\n"},
		{"1g", "1073741824\n"},
		{"2T", "2199023255552\n"},
		{"0x10000", "65536\n"},
		{"max", "max\n"},
		{"max\n", "max\n"},
		{"18446744073709551615", "max\n"},
	};
	struct mem_cgroup *memcg = test_group(NULL, "a");

	for_each_limit_file(file)
	{
		for (int i = 0; i < ARRAY_SIZE(sizes); i++) {
			EXPECT_EQ(group_write(memcg, file, sizes[i].written),
				  0);
			group_expect(memcg, file, sizes[i].read);
		}
	}
	test_group_remove(memcg);
}

TEST(memcg_files, what_is_no_size_is_refused_and_changes_nothing)
{
	static const char *const wrong[] = {
		"",
		" ",
		"-1",
		"-4096",
		"+-1",
		"64MM",
		"64 M",
		"M",
		"1.5G",
		"maxx",
		"MAX",
		"max max",
		"4096x",
		"4096 4096",
		"0x",
		"16E",
		"99999999999999999999",
		"18446744073709551616",
		"\x80",
		"none",
	};
	struct mem_cgroup *memcg = test_group(NULL, "a");

	for_each_limit_file(file)
	{
		EXPECT_EQ(group_write(memcg, file, "64M"), 0);
		for (int i = 0; i < ARRAY_SIZE(wrong); i++) {
			EXPECT_EQ(group_write(memcg, file, wrong[i]), -EINVAL);
			group_expect(memcg, file, "67108864\n");
		}
	}
	for (int i = 0; i < ARRAY_SIZE(wrong); i++)
		EXPECT_EQ(group_write(memcg, "memory.reclaim", wrong[i]),
			  -EINVAL);
	EXPECT_EQ(group_write(memcg, "memory.reclaim", "max"), -EINVAL);
	test_group_remove(memcg);
}

TEST(memcg_files, oom_group_is_0_or_1)
{
	static const char *const wrong[] = {"", "2", "-1", "yes", "1 1", "max"};
	struct mem_cgroup *memcg = test_group(NULL, "a");

	EXPECT_EQ(group_write(memcg, "memory.oom.group", "1"), 0);
	group_expect(memcg, "memory.oom.group", "1\n");
	for (int i = 0; i < ARRAY_SIZE(wrong); i++) {
		EXPECT_EQ(group_write(memcg, "memory.oom.group", wrong[i]),
			  -EINVAL);
		group_expect(memcg, "memory.oom.group", "1\n");
	}
	EXPECT_EQ(group_write(memcg, "memory.oom.group", "0"), 0);
	group_expect(memcg, "memory.oom.group", "0\n");
	test_group_remove(memcg);
}

TEST(memcg_files, what_only_tells_cannot_be_written)
{
	static const char *const files[] = {"memory.current", "memory.events",
					    "memory.events.local",
					    "memory.stat", "memory.numa_stat"};
	struct mem_cgroup *memcg = test_group(NULL, "a");
	struct seq_text out = SEQ_TEXT_INIT;

	for (int i = 0; i < ARRAY_SIZE(files); i++)
		EXPECT_EQ(group_write(memcg, files[i], "0"), -EINVAL);
	EXPECT_EQ(cgroup_read(memcg->css.cgroup, "memory.reclaim", &out),
		  -EINVAL);
	seq_text_free(&out);
	test_group_remove(memcg);
}

TEST(memcg_files, reading_and_writing_without_memory_fails_and_leaves_nothing)
{
	struct mem_cgroup *memcg = test_group(NULL, "a");
	unsigned long n;
	long err;

	FAULT_SWEEP(&failslab, n) {
		struct cgroup_file *file =
			cgroup_file_open(memcg->css.cgroup, "memory.peak");

		err = PTR_ERR(file);
		if (!IS_ERR(file)) {
			err = cgroup_file_read(file);
			if (!err)
				err = cgroup_file_write(file, "0", 1);
			cgroup_file_close(file);
		}
		EXPECT_EQ(err, fault_fired(&failslab) ? -ENOMEM : 0);
	}
	EXPECT_GT(n, 3ul);
	EXPECT(list_empty(&memcg->memory.watches));
	FAULT_SWEEP(&failslab, n) {
		struct seq_text out = SEQ_TEXT_INIT;

		err = cgroup_read(memcg->css.cgroup, "memory.stat", &out);
		EXPECT_EQ(err, fault_fired(&failslab) ? -ENOMEM : 0);
		seq_text_free(&out);
	}
	test_group_remove(memcg);
}

TEST(memcg_files, a_group_that_was_removed_answers_no_more)
{
	struct mem_cgroup *memcg = test_group(NULL, "a");
	struct cgroup_file *max, *low;
	char text[] = "1M";

	max = cgroup_file_open(memcg->css.cgroup, "memory.max");
	low = cgroup_file_open(memcg->css.cgroup, "memory.low");
	ASSERT(!IS_ERR(max) && !IS_ERR(low));
	EXPECT_EQ(cgroup_file_write(low, "1M", 2), 0);
	test_group_remove(memcg);
	EXPECT_EQ(cgroup_file_write(max, "1M", 2), -ENODEV);
	EXPECT_EQ(cgroup_file_write(low, "1M", 2), -ENODEV);
	EXPECT_EQ(cgroup_file_read(max), -ENODEV);
	/* Also to who had begun to write. */
	EXPECT_EQ(low->type->write(low->css, text, low), -ENODEV);
	cgroup_file_close(max);
	cgroup_file_close(low);
}

/* -- memory.current and memory.peak ---------------------------------------------- */

TEST(memcg_files, current_is_what_is_charged_here_and_below)
{
	struct mem_cgroup *a = test_group(NULL, "a"), *b = test_group(a, "b");
	struct test_charge ca, cb;

	EXPECT(charge_take(&ca, a, 3 * PAGE_SIZE, MEMCG_PERCPU, 0, GFP_KERNEL));
	EXPECT(charge_take(&cb, b, 5 * PAGE_SIZE, MEMCG_PERCPU, 0, GFP_KERNEL));
	mem_cgroup_drain_stocks(NULL);
	EXPECT_EQ(group_read(a, "memory.current", NULL), 8l * (long)PAGE_SIZE);
	EXPECT_EQ(group_read(b, "memory.current", NULL), 5l * (long)PAGE_SIZE);
	charge_give(&cb);
	mem_cgroup_drain_stocks(NULL);
	EXPECT_EQ(group_read(a, "memory.current", NULL), 3l * (long)PAGE_SIZE);
	EXPECT_EQ(group_read(b, "memory.current", NULL), 0l);
	charge_give(&ca);
	test_group_remove(b);
	test_group_remove(a);
}

static long read_peak(struct cgroup_file *file)
{
	unsigned long peak = 0;

	EXPECT_EQ(cgroup_file_read(file), 0);
	for (const char *s = file->text.text; *s != '\n'; s++)
		peak = peak * 10 + *s - '0';
	return peak / PAGE_SIZE;
}

static void use_pages(struct mem_cgroup *memcg, unsigned long nr)
{
	page_counter_charge(&memcg->memory, nr);
	page_counter_uncharge(&memcg->memory, nr);
}

TEST(memcg_files, writing_peak_resets_it_for_that_opening_only)
{
	struct mem_cgroup *memcg = test_group(NULL, "a");
	struct cgroup_file *f[3];

	for (int i = 0; i < 3; i++) {
		f[i] = cgroup_file_open(memcg->css.cgroup, "memory.peak");
		ASSERT(!IS_ERR(f[i]));
	}
	use_pages(memcg, 100);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(read_peak(f[i]), 100);

	EXPECT_EQ(cgroup_file_write(f[0], "reset", 5), 0);
	EXPECT_EQ(read_peak(f[0]), 0);
	EXPECT_EQ(read_peak(f[1]), 100);
	use_pages(memcg, 50);
	EXPECT_EQ(cgroup_file_write(f[1], "0", 1), 0);
	use_pages(memcg, 20);
	EXPECT_EQ(read_peak(f[0]), 50);
	EXPECT_EQ(read_peak(f[1]), 20);
	EXPECT_EQ(read_peak(f[2]), 100);
	EXPECT_EQ(cgroup_file_write(f[0], "again", 5), 0);
	use_pages(memcg, 10);
	EXPECT_EQ(read_peak(f[0]), 10);
	EXPECT_EQ(read_peak(f[1]), 20);

	EXPECT_EQ(cgroup_file_write(f[2], "", 0), -EINVAL);
	EXPECT_EQ(read_peak(f[2]), 100);
	cgroup_file_close(f[0]);
	use_pages(memcg, 200);
	EXPECT_EQ(read_peak(f[1]), 200);
	EXPECT_EQ(read_peak(f[2]), 200);
	group_expect(memcg, "memory.peak", "819200\n");
	cgroup_file_close(f[1]);
	cgroup_file_close(f[2]);
	test_group_remove(memcg);
}

/* -- Limits below what is in use -------------------------------------------------- */

TEST(memcg_files, high_below_usage_reclaims_down_to_it)
{
	struct mem_cgroup *memcg = test_group(NULL, "a");

	test_cache_fill(memcg);
	EXPECT_EQ(group_write(memcg, "memory.high", "400K"), 0);
	EXPECT_LE(group_read(memcg, "memory.current", NULL), 400l << 10);
	/* Without need nothing goes. */
	EXPECT_EQ(group_write(memcg, "memory.high", "max"), 0);
	EXPECT_GT(atomic_long_read(&test_cache.nr), 0l);
	test_cache_drop();
	test_group_remove(memcg);
}

TEST(memcg_files, high_below_usage_stands_though_nothing_can_be_reclaimed)
{
	struct mem_cgroup *memcg = test_group(NULL, "a");

	test_cache_fill(memcg);
	test_cache.stuck = true;
	EXPECT_EQ(group_write(memcg, "memory.high", "400K"), 0);
	group_expect(memcg, "memory.high", "409600\n");
	EXPECT_EQ(atomic_long_read(&test_cache.nr), (long)TEST_CACHE_OBJECTS);
	test_cache_drop();
	test_group_remove(memcg);
}

TEST(memcg_files, max_below_usage_reclaims_down_to_it)
{
	struct mem_cgroup *memcg = test_group(NULL, "a");

	test_cache_fill(memcg);
	EXPECT_EQ(group_write(memcg, "memory.max", "200K"), 0);
	EXPECT_LE(group_read(memcg, "memory.current", NULL), 200l << 10);
	EXPECT_EQ(group_read(memcg, "memory.events", "oom_kill"), 0l);
	test_cache_drop();
	test_group_remove(memcg);
}

/* No task is in the group: there is nobody to kill. */
TEST(memcg_files, max_below_usage_stands_though_nothing_is_left_to_kill)
{
	struct mem_cgroup *memcg = test_group(NULL, "a");
	struct test_charge c;

	test_cache_fill(memcg);
	test_cache.stuck = true;
	EXPECT_EQ(group_write(memcg, "memory.max", "200K"), 0);
	group_expect(memcg, "memory.max", "204800\n");
	EXPECT_EQ(atomic_long_read(&test_cache.nr), (long)TEST_CACHE_OBJECTS);
	EXPECT(!charge_take(&c, memcg, PAGE_SIZE, MEMCG_PERCPU, 0,
			    GFP_KERNEL | __GFP_NORETRY));
	EXPECT_GT(group_read(memcg, "memory.events", "max"), 0l);
	test_cache_drop();
	test_group_remove(memcg);
}

/* Pages charged ahead are nobody's: draining them is enough. */
TEST(memcg_files, a_limit_that_only_stocks_exceed_costs_no_reclaim)
{
	struct mem_cgroup *memcg = test_group(NULL, "a");
	struct mem_cgroup *other = test_group(NULL, "b");
	struct test_charge c;

	test_cache_fill(other);
	EXPECT(charge_take(&c, memcg, 100, MEMCG_PERCPU, 0, GFP_KERNEL));
	EXPECT_GT(group_read(memcg, "memory.current", NULL), (long)PAGE_SIZE);
	EXPECT_EQ(group_write(memcg, "memory.max", "4096"), 0);
	EXPECT_EQ(group_read(memcg, "memory.current", NULL), (long)PAGE_SIZE);
	EXPECT_EQ(atomic_long_read(&test_cache.nr), (long)TEST_CACHE_OBJECTS);
	charge_give(&c);
	test_cache_drop();
	test_group_remove(other);
	test_group_remove(memcg);
}

static int eat_and_stay(void *arg)
{
	struct completion *has_eaten = arg;
	char *p = mmap(NULL, 4 << 20, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (size_t at = 0; at < 4 << 20; at += PAGE_SIZE)
		p[at] = 1;
	complete(has_eaten);
	for (;;)
		usleep(1000000);
	return 0;
}

/* What cannot be reclaimed is taken from whoever has it. */
TEST(memcg_files, max_below_usage_kills_until_it_fits)
{
	struct mem_cgroup *memcg = test_group(NULL, "a");
	DECLARE_COMPLETION_ONSTACK(has_eaten);
	struct task *t = task_create(eat_and_stay, &has_eaten, "eats");

	ASSERT(t);
	EXPECT_EQ(cgroup_attach_task(memcg->css.cgroup, t), 0);
	wake_up_process(t);
	wait_for_completion(&has_eaten);
	EXPECT_GE(group_read(memcg, "memory.stat", "anon"), 4l << 20);
	EXPECT_GE(group_read(memcg, "memory.stat", "pgfault"), 1024l);
	EXPECT_EQ(group_write(memcg, "memory.max", "1M"), 0);
	EXPECT_EQ(task_join(t), TASK_KILLED);
	EXPECT_LE(group_read(memcg, "memory.current", NULL), 1l << 20);
	EXPECT_EQ(group_read(memcg, "memory.events", "oom_kill"), 1l);
	EXPECT_EQ(group_read(memcg, "memory.stat", "anon"), 0l);
	kfree_rcu_barrier();
	test_group_remove(memcg);
}

TEST(memcg_files, reclaim_takes_what_is_asked_or_says_that_it_could_not)
{
	struct mem_cgroup *memcg = test_group(NULL, "a");
	long before, after;

	test_cache_fill(memcg);
	mem_cgroup_drain_stocks(memcg);
	before = group_read(memcg, "memory.current", NULL);
	EXPECT_EQ(group_write(memcg, "memory.reclaim", "64K"), 0);
	after = group_read(memcg, "memory.current", NULL);
	EXPECT_LE(after, before - (64l << 10));
	EXPECT_EQ(group_write(memcg, "memory.reclaim", "0"), 0);
	EXPECT_EQ(group_read(memcg, "memory.current", NULL), after);
	EXPECT_EQ(group_write(memcg, "memory.reclaim", "1G"), -EAGAIN);
	EXPECT_EQ(atomic_long_read(&test_cache.nr), 0l);
	EXPECT_EQ(group_write(memcg, "memory.reclaim", "4K"), -EAGAIN);
	test_cache_drop();
	test_group_remove(memcg);
}

/* -- memory.events ------------------------------------------------------------------ */

TEST(memcg_files, events_count_here_and_above_and_local_ones_only_here)
{
	struct mem_cgroup *a = test_group(NULL, "a"), *b = test_group(a, "b");

	memcg_event(b, MEMCG_LOW);
	memcg_event(b, MEMCG_HIGH);
	memcg_event(b, MEMCG_HIGH);
	memcg_event(a, MEMCG_OOM_GROUP_KILL);
	group_expect(b, "memory.events",
		     "low 1\nhigh 2\nmax 0\noom 0\noom_kill 0\n"
		     "oom_group_kill 0\n");
	group_expect(b, "memory.events.local",
		     "low 1\nhigh 2\nmax 0\noom 0\noom_kill 0\n"
		     "oom_group_kill 0\n");
	group_expect(a, "memory.events",
		     "low 1\nhigh 2\nmax 0\noom 0\noom_kill 0\n"
		     "oom_group_kill 1\n");
	group_expect(a, "memory.events.local",
		     "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\n"
		     "oom_group_kill 1\n");
	/* Those of a group that is gone have happened all the same. */
	test_group_remove(b);
	cgroup_wait_teardown();
	EXPECT_EQ(group_read(a, "memory.events", "high"), 2l);
	EXPECT_EQ(group_read(a, "memory.events.local", "high"), 0l);
	test_group_remove(a);
}

TEST(memcg_files, a_charge_that_hits_the_limit_is_an_event)
{
	struct mem_cgroup *a = test_group(NULL, "a"), *b = test_group(a, "b");
	struct test_charge c;

	EXPECT_EQ(group_write(a, "memory.max", "8K"), 0);
	EXPECT(!charge_take(&c, b, 3 * PAGE_SIZE, MEMCG_PERCPU, 0,
			    GFP_KERNEL | __GFP_NORETRY));
	/* It is a's limit. */
	EXPECT_EQ(group_read(a, "memory.events.local", "max"), 1l);
	EXPECT_EQ(group_read(b, "memory.events", "max"), 0l);
	test_group_remove(b);
	test_group_remove(a);
}

static int wait_for_max(void *arg)
{
	return mem_cgroup_wait_event(arg, MEMCG_MAX, 0, 60 * NSEC_PER_SEC);
}

static int wait_for_file(void *arg)
{
	return cgroup_file_wait(arg, 60 * NSEC_PER_SEC);
}

TEST(memcg_files, who_waits_for_an_event_is_woken_by_it)
{
	struct mem_cgroup *a = test_group(NULL, "a"), *b = test_group(a, "b");
	struct cgroup_file *events, *local;
	struct task *t[3];

	events = cgroup_file_open(a->css.cgroup, "memory.events");
	local = cgroup_file_open(a->css.cgroup, "memory.events.local");
	ASSERT(!IS_ERR(events) && !IS_ERR(local));
	EXPECT_EQ(cgroup_file_read(events), 0);
	EXPECT_EQ(cgroup_file_read(local), 0);
	t[0] = task_run(wait_for_max, a, "a");
	t[1] = task_run(wait_for_max, b, "b");
	t[2] = task_run(wait_for_file, events, "events");
	ASSERT(t[0] && t[1] && t[2]);
	/* Not what they wait for. */
	memcg_event(b, MEMCG_LOW);
	msleep(5);
	EXPECT(!task_exited(t[0]));
	EXPECT(!task_exited(t[1]));
	EXPECT_EQ(task_join(t[2]), 0);
	EXPECT(!cgroup_file_has_changed(local));

	memcg_event(b, MEMCG_MAX);
	EXPECT_EQ(task_join(t[0]), 0);
	EXPECT_EQ(task_join(t[1]), 0);
	EXPECT(!cgroup_file_has_changed(local));
	memcg_event(a, MEMCG_MAX);
	EXPECT(cgroup_file_has_changed(local));
	cgroup_file_close(events);
	cgroup_file_close(local);

	EXPECT_EQ(mem_cgroup_wait_event(a, MEMCG_OOM, 0, NSEC_PER_MSEC),
		  -ETIMEDOUT);
	test_group_remove(b);
	test_group_remove(a);
}

TEST(memcg_files, who_waits_for_an_event_of_a_group_that_goes_is_told)
{
	struct mem_cgroup *a = test_group(NULL, "a");
	struct task *t;

	css_get(&a->css);
	t = task_run(wait_for_max, a, "a");
	ASSERT(t);
	msleep(2);
	test_group_remove(a);
	EXPECT_EQ(task_join(t), -ENODEV);
	css_put(&a->css);
}

/* -- All at once --------------------------------------------------------------------- */

#define NR_CHARGERS 4
#define NR_WRITERS  2

static struct mem_cgroup *stressed[3];
static bool stress_over;

static int charge_and_give(void *arg)
{
	static const gfp_t flags[] = {GFP_NOWAIT, GFP_ATOMIC,
				      GFP_NOFS | __GFP_RETRY_MAYFAIL,
				      GFP_NOFS | __GFP_NORETRY};
	struct test_charge c[16] = {{.owner = 0}};
	struct prng rng;

	prng_init(&rng, test_seed() + (long)arg);
	for (int round = 0; round < 3000; round++) {
		struct test_charge *one = &c[prng_below(&rng, ARRAY_SIZE(c))];

		if (one->owner)
			charge_give(one);
		else
			charge_take(one, stressed[prng_below(&rng, 3)],
				    prng_range(&rng, 1, 40000),
				    prng_below(&rng, MEMCG_NR_KINDS),
				    NUMA_NO_NODE,
				    flags[prng_below(&rng, ARRAY_SIZE(flags))]);
	}
	for (int i = 0; i < ARRAY_SIZE(c); i++)
		charge_give(&c[i]);
	/* What is owed for memory.high: this task has done enough. */
	current->over_high = 0;
	return 0;
}

static int write_and_read(void *arg)
{
	static const char *const sizes[] = {"0",   "64K", "256K", "1M",
					    "max", "3",	  "junk", "-1"};
	static const char *const others[] = {"memory.stat", "memory.events",
					     "memory.numa_stat", "memory.peak",
					     "memory.current"};
	struct prng rng;

	prng_init(&rng, test_seed() + 100 + (long)arg);
	for (int round = 0; round < 50 || !READ_ONCE(stress_over); round++) {
		struct mem_cgroup *memcg = stressed[prng_below(&rng, 3)];
		const char *size = sizes[prng_below(&rng, ARRAY_SIZE(sizes))];
		struct seq_text out = SEQ_TEXT_INIT;
		int err, i = prng_below(&rng, ARRAY_SIZE(limit_files) + 1);

		if (i < ARRAY_SIZE(limit_files)) {
			err = group_write(memcg, limit_files[i], size);
			EXPECT_EQ(err, size[0] == 'j' || size[0] == '-'
					       ? -EINVAL
					       : 0);
		} else if (size[0] != 'm') {
			group_write(memcg, "memory.reclaim", size);
		}
		EXPECT_EQ(cgroup_read(
				  memcg->css.cgroup,
				  others[prng_below(&rng, ARRAY_SIZE(others))],
				  &out),
			  0);
		EXPECT_GT(out.len, 0ul);
		seq_text_free(&out);
		cond_resched();
	}
	return 0;
}

TEST(memcg_files, stress_limits_change_under_charges_and_all_comes_back)
{
	struct task *charger[NR_CHARGERS], *writer[NR_WRITERS];

	stressed[0] = test_group(NULL, "a");
	stressed[1] = test_group(stressed[0], "b");
	stressed[2] = test_group(stressed[1], "c");
	stress_over = false;
	for (long i = 0; i < NR_CHARGERS; i++) {
		charger[i] = task_run(charge_and_give, (void *)i, "charges");
		ASSERT(charger[i]);
	}
	for (long i = 0; i < NR_WRITERS; i++) {
		writer[i] = task_run(write_and_read, (void *)i, "writes");
		ASSERT(writer[i]);
	}
	for (int i = 0; i < NR_CHARGERS; i++)
		task_join(charger[i]);
	WRITE_ONCE(stress_over, true);
	for (int i = 0; i < NR_WRITERS; i++)
		task_join(writer[i]);
	for (int i = 2; i >= 0; i--) {
		struct mem_cgroup *memcg = stressed[i];

		mem_cgroup_drain_stocks(memcg);
		EXPECT_EQ(mem_cgroup_usage(memcg), 0ul);
		mem_cgroup_flush_stats(memcg);
		for (enum memcg_kind k = 0; k < MEMCG_NR_KINDS; k++)
			EXPECT_EQ(memcg->sums[k].all, 0l);
		EXPECT_EQ(atomic_long_read(&memcg->memory.min.children_claimed),
			  0l);
		EXPECT_EQ(atomic_long_read(&memcg->memory.low.children_claimed),
			  0l);
		test_group_remove(memcg);
	}
}
