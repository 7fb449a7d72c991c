/* SPDX-License-Identifier: MIT */
/* static_key_test.c - keys are code: right, cheap, and changed under fire. */
#include <kernel/core/smp.h>
#include <kernel/core/static_key.h>
#include <kernel/task/kthread.h>
#include <string.h>
#include <tests/test.h>

static DEFINE_STATIC_KEY_FALSE(off_key);
static DEFINE_STATIC_KEY_TRUE(on_key);
static DEFINE_STATIC_KEY_FALSE(counted_key);
static DEFINE_STATIC_KEY_FALSE(unused_key);

static noinline int ask_off(void)
{
	int answers = 0;

	if (static_branch_unlikely(&off_key))
		answers |= 1;
	if (static_branch_likely(&off_key))
		answers |= 2;
	return answers;
}

static noinline int ask_on(void)
{
	int answers = 0;

	if (static_branch_unlikely(&on_key))
		answers |= 1;
	if (static_branch_likely(&on_key))
		answers |= 2;
	return answers;
}

TEST(static_key, keys_start_with_their_first_values)
{
	EXPECT_EQ(ask_off(), 0);
	EXPECT_EQ(ask_on(), 3);
}

TEST(static_key, every_use_changes_with_the_key)
{
	static_branch_enable(&off_key);
	static_branch_disable(&on_key);
	EXPECT_EQ(ask_off(), 3);
	EXPECT_EQ(ask_on(), 0);
	EXPECT(static_key_enabled(&off_key));

	static_branch_enable(&off_key); /* twice is once */
	static_branch_disable(&off_key);
	static_branch_enable(&on_key);
	EXPECT_EQ(ask_off(), 0);
	EXPECT_EQ(ask_on(), 3);
}

static noinline bool ask_counted(void)
{
	return static_branch_unlikely(&counted_key);
}

TEST(static_key, counted_key_is_true_while_it_has_users)
{
	static_branch_inc(&counted_key);
	EXPECT(ask_counted());
	static_branch_inc(&counted_key);
	static_branch_dec(&counted_key);
	EXPECT(ask_counted());
	EXPECT_EQ(static_key_count(&counted_key), 1);
	static_branch_dec(&counted_key);
	EXPECT(!ask_counted());
}

TEST(static_key, key_without_uses_can_change)
{
	static_branch_enable(&unused_key);
	EXPECT(static_key_enabled(&unused_key));
	static_branch_disable(&unused_key);
	EXPECT(!static_key_enabled(&unused_key));
}

/* What is not wanted costs one five-byte NOP, and nothing else. */
TEST(static_key, use_in_line_is_one_nop)
{
	static const u8 nop[] = {0x0f, 0x1f, 0x44, 0x00, 0x00};
	const struct jump_entry *entry = counted_key.key.entries;
	const u8 *code;
	int distance;

	ASSERT_EQ(counted_key.key.nr_entries, 1);
	code = (const u8 *)entry->code;
	for (int i = 0; i < JUMP_LABEL_SIZE; i++)
		EXPECT_EQ(code[i], nop[i]);

	static_branch_enable(&counted_key);
	EXPECT_EQ(code[0], 0xe9);
	memcpy(&distance, code + 1, sizeof(distance));
	EXPECT_EQ(distance,
		  (int)(entry->target - (entry->code + JUMP_LABEL_SIZE)));
	static_branch_disable(&counted_key);
	for (int i = 0; i < JUMP_LABEL_SIZE; i++)
		EXPECT_EQ(code[i], nop[i]);
}

/* -- Under fire ------------------------------------------------------------ */

#define CHANGES 6

static DEFINE_STATIC_KEY_FALSE(hot_key);
static bool hot_stop;
static atomic_long_t hot_answers;

/* Straddles nothing in particular; what matters is that it never stops. */
static int ask_for_ever(void *unused)
{
	while (!READ_ONCE(hot_stop)) {
		int yes = 0, no = 0;

		if (static_branch_unlikely(&hot_key))
			yes++;
		else
			no++;
		if (static_branch_likely(&hot_key))
			yes++;
		else
			no++;
		EXPECT_EQ(yes + no, 2);
		atomic_long_inc(&hot_answers);
		cpu_relax();
	}
	return 0;
}

static void expect_hot_key(void *info)
{
	bool on = *(bool *)info;

	EXPECT_EQ(static_branch_unlikely(&hot_key), on);
	EXPECT_EQ(static_branch_likely(&hot_key), on);
}

/* Every CPU executes the code while it changes, never trips over a half-changed
 * instruction, and sees the new value when the change returns. */
TEST(static_key, key_changes_while_all_cpus_ask)
{
	static struct task *tasks[NR_CPUS];
	unsigned int cpu;

	if (num_online_cpus() < 2)
		SKIP("needs two CPUs");
	WRITE_ONCE(hot_stop, false);
	atomic_long_set(&hot_answers, 0);
	for_each_online_cpu(cpu) {
		tasks[cpu] = kthread_create(ask_for_ever, NULL, "asks");
		ASSERT(!IS_ERR(tasks[cpu]));
		kthread_bind(tasks[cpu], cpu);
		wake_up_process(tasks[cpu]);
	}
	while (atomic_long_read(&hot_answers) < CHANGES)
		yield();
	for (int i = 0; i < CHANGES; i++) {
		bool on = i % 2 == 0;

		if (on)
			static_branch_enable(&hot_key);
		else
			static_branch_disable(&hot_key);
		on_each_cpu(expect_hot_key, &on, true);
	}
	WRITE_ONCE(hot_stop, true);
	for_each_online_cpu(cpu)
		task_join(tasks[cpu]);
	EXPECT_GT(atomic_long_read(&hot_answers), CHANGES);
}
