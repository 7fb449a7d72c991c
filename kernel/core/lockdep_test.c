/* SPDX-License-Identifier: MIT */
/*
 * lockdep_test.c - each kind of mistake is caught, exactly once, and what is
 * right is not.
 *
 * Each case is done twice: the second time adds no fact, so no report.
 */
#include <arch/cpumask.h>
#include <arch/irqflags.h>
#include <kernel/core/mutex.h>
#include <kernel/core/printk.h>
#include <kernel/core/rcu.h>
#include <kernel/core/report.h>
#include <kernel/core/spinlock.h>
#include <kernel/core/stop_machine.h>
#include <kernel/task/kthread.h>
#include <lib/format.h>
#include <string.h>
#include <tests/test.h>
#include "lockdep_impl.h"

static DEFINE_SPINLOCK(a);
static DEFINE_SPINLOCK(b);
static DEFINE_SPINLOCK(c);
static DEFINE_SPINLOCK(d);
static DEFINE_MUTEX(m);
static DEFINE_MUTEX(n);

/* One place, one class. */
static spinlock_t x, y;
static struct mutex u, v;

static void forget(void)
{
	lockdep_forget(&a.dep_map);
	lockdep_forget(&b.dep_map);
	lockdep_forget(&c.dep_map);
	lockdep_forget(&d.dep_map);
	lockdep_forget(&m.dep_map);
	lockdep_forget(&n.dep_map);
	lockdep_forget(&x.dep_map);
	lockdep_forget(&u.dep_map);
}

static unsigned long reports(void (*mistake)(void))
{
	forget();
	report_expect(REPORT_LOCKDEP);
	mistake();
	mistake();
	forget();
	return report_expected(REPORT_LOCKDEP);
}

#define CAUGHT_ONCE(name)                                                      \
	static void do_##name(void);                                           \
	TEST(lockdep, name##_is_caught_once)                                   \
	{                                                                      \
		EXPECT_EQ(reports(do_##name), 1);                              \
	}                                                                      \
	static void do_##name(void)

#define ALLOWED(name)                                                          \
	static void do_##name(void);                                           \
	TEST(lockdep, name##_is_allowed)                                       \
	{                                                                      \
		EXPECT_EQ(reports(do_##name), 0);                              \
	}                                                                      \
	static void do_##name(void)

/* Take two in order. */
static void in_order(spinlock_t *first, spinlock_t *second)
{
	spin_lock(first);
	spin_lock(second);
	spin_unlock(second);
	spin_unlock(first);
}

/* As if an interrupt had come. */
static noinline void in_hardirq_take(spinlock_t *lock)
{
	local_irq_disable();
	preempt_count_add(HARDIRQ_OFFSET);
	spin_lock(lock);
	spin_unlock(lock);
	preempt_count_sub(HARDIRQ_OFFSET);
	local_irq_enable();
}

static noinline void in_softirq_take(spinlock_t *lock)
{
	preempt_count_add(SOFTIRQ_OFFSET);
	spin_lock(lock);
	spin_unlock(lock);
	preempt_count_sub(SOFTIRQ_OFFSET);
}

static void with_irqs_on_take(spinlock_t *lock)
{
	spin_lock(lock);
	spin_unlock(lock);
}

static void with_irqs_off_in_order(spinlock_t *first, spinlock_t *second)
{
	local_irq_disable();
	in_order(first, second);
	local_irq_enable();
}

/* -- Recursion ------------------------------------------------------------- */

CAUGHT_ONCE(taking_a_held_spinlock)
{
	spin_lock(&a);
	spin_lock(&a); /* reported, and not taken */
	preempt_enable();
	spin_unlock(&a);
}

static void init_sibling(spinlock_t *lock)
{
	spin_lock_init(lock);
}

CAUGHT_ONCE(taking_two_of_one_class)
{
	init_sibling(&x);
	init_sibling(&y);
	in_order(&x, &y);
}

ALLOWED(taking_two_of_one_class_with_subclasses)
{
	init_sibling(&x);
	init_sibling(&y);
	spin_lock(&x);
	spin_lock_nested(&y, SINGLE_DEPTH_NESTING);
	spin_unlock(&y);
	spin_unlock(&x);
}

/* -- Order ----------------------------------------------------------------- */

CAUGHT_ONCE(order_ab_then_ba)
{
	in_order(&a, &b);
	in_order(&b, &a);
}

CAUGHT_ONCE(circle_of_three)
{
	in_order(&a, &b);
	in_order(&b, &c);
	in_order(&c, &a);
}

CAUGHT_ONCE(circle_of_four)
{
	in_order(&a, &b);
	in_order(&b, &c);
	in_order(&c, &d);
	in_order(&d, &a);
}

/* B is taken with A and C held: the edge from A is there too. */
CAUGHT_ONCE(circle_through_the_middle_of_a_chain)
{
	spin_lock(&a);
	in_order(&b, &c);
	spin_unlock(&a);
	in_order(&c, &a);
}

CAUGHT_ONCE(mutexes_in_both_orders)
{
	mutex_lock(&m);
	mutex_lock(&n);
	mutex_unlock(&n);
	mutex_unlock(&m);
	mutex_lock(&n);
	mutex_lock(&m);
	mutex_unlock(&m);
	mutex_unlock(&n);
}

ALLOWED(same_order_again)
{
	in_order(&a, &b);
	in_order(&b, &c);
	in_order(&a, &c);
}

ALLOWED(release_out_of_order)
{
	spin_lock(&a);
	spin_lock(&b);
	spin_unlock(&a);
	spin_lock(&c);
	spin_unlock(&b);
	spin_unlock(&c);
}

/* Who only tries does not wait, so nothing waits for it in turn. */
ALLOWED(trylock_against_the_order)
{
	in_order(&a, &b);
	spin_lock(&b);
	if (spin_trylock(&a))
		spin_unlock(&a);
	spin_unlock(&b);
}

/* But once held, it is held. */
CAUGHT_ONCE(waiting_under_a_trylock_against_the_order)
{
	in_order(&a, &b);
	if (spin_trylock(&b)) {
		spin_lock(&a);
		spin_unlock(&a);
		spin_unlock(&b);
	}
}

/* B's trylock left no edge from A, so A has its own to C. */
CAUGHT_ONCE(circle_past_a_trylock)
{
	spin_lock(&a);
	if (spin_trylock(&b)) {
		spin_lock(&c);
		spin_unlock(&c);
		spin_unlock(&b);
	}
	spin_unlock(&a);
	in_order(&c, &a);
}

/* -- Interrupts ------------------------------------------------------------ */

CAUGHT_ONCE(hardirq_takes_what_is_held_with_irqs_on)
{
	with_irqs_on_take(&a);
	in_hardirq_take(&a);
}

CAUGHT_ONCE(irqs_on_after_a_hardirq_took_it)
{
	in_hardirq_take(&a);
	with_irqs_on_take(&a);
}

CAUGHT_ONCE(irqs_enabled_while_holding_a_hardirqs_lock)
{
	in_hardirq_take(&a);
	spin_lock_irq(&a);
	local_irq_enable();
	spin_unlock(&a);
}

ALLOWED(hardirq_lock_held_with_irqs_off)
{
	in_hardirq_take(&a);
	spin_lock_irq(&a);
	spin_unlock_irq(&a);
}

CAUGHT_ONCE(softirq_takes_what_is_held_with_softirqs_on)
{
	with_irqs_on_take(&a);
	in_softirq_take(&a);
}

CAUGHT_ONCE(softirqs_on_after_a_softirq_took_it)
{
	in_softirq_take(&a);
	with_irqs_on_take(&a);
}

/* A softirq keeps other softirqs away, but no hard interrupts. */
CAUGHT_ONCE(softirq_holds_what_a_hardirq_takes)
{
	in_softirq_take(&a);
	in_hardirq_take(&a);
}

CAUGHT_ONCE(mutex_under_a_trylocked_one_against_the_order)
{
	mutex_lock(&m);
	mutex_lock(&n);
	mutex_unlock(&n);
	mutex_unlock(&m);
	if (mutex_trylock(&n)) {
		mutex_lock(&m);
		mutex_unlock(&m);
		mutex_unlock(&n);
	}
}

/* Through both kinds: a spinlock never comes first, so that is the way. */
CAUGHT_ONCE(circle_of_mutexes_past_a_spinlock)
{
	mutex_lock(&m);
	spin_lock(&a);
	if (mutex_trylock(&n))
		mutex_unlock(&n);
	spin_unlock(&a);
	mutex_lock(&n);
	mutex_unlock(&n);
	mutex_unlock(&m);
	mutex_lock(&n);
	mutex_lock(&m);
	mutex_unlock(&m);
	mutex_unlock(&n);
}

static void init_mutex(struct mutex *lock)
{
	mutex_init(lock);
}

CAUGHT_ONCE(taking_two_mutexes_of_one_class)
{
	init_mutex(&u);
	init_mutex(&v);
	mutex_lock(&u);
	mutex_lock(&v);
	mutex_unlock(&v);
	mutex_unlock(&u);
}

ALLOWED(taking_two_mutexes_of_one_class_with_subclasses)
{
	init_mutex(&u);
	init_mutex(&v);
	mutex_lock(&u);
	mutex_lock_nested(&v, SINGLE_DEPTH_NESTING);
	mutex_unlock(&v);
	mutex_unlock(&u);
}

ALLOWED(softirq_lock_held_with_bh_off)
{
	in_softirq_take(&a);
	spin_lock_bh(&a);
	spin_unlock_bh(&a);
}

/* A hardirq's lock (a) is held while waiting for one (b) that is held with
 * interrupts on: one CPU each, and the interrupt, make the deadlock. */
CAUGHT_ONCE(inversion_found_by_the_edge)
{
	in_hardirq_take(&a);
	with_irqs_on_take(&b);
	with_irqs_off_in_order(&a, &b);
}

CAUGHT_ONCE(inversion_found_by_the_interrupt)
{
	with_irqs_on_take(&b);
	with_irqs_off_in_order(&a, &b);
	in_hardirq_take(&a);
}

CAUGHT_ONCE(inversion_found_by_the_open_lock)
{
	in_hardirq_take(&a);
	with_irqs_off_in_order(&a, &b);
	with_irqs_on_take(&b);
}

CAUGHT_ONCE(inversion_over_a_chain)
{
	in_hardirq_take(&a);
	with_irqs_on_take(&d);
	with_irqs_off_in_order(&a, &b);
	with_irqs_off_in_order(&c, &d);
	with_irqs_off_in_order(&b, &c);
}

CAUGHT_ONCE(softirq_inversion)
{
	in_softirq_take(&a);
	with_irqs_on_take(&b);
	local_bh_disable();
	in_order(&a, &b);
	local_bh_enable();
}

ALLOWED(open_lock_outside_a_hardirqs_lock)
{
	in_hardirq_take(&a);
	spin_lock(&b);
	spin_lock_irq(&a);
	spin_unlock_irq(&a);
	spin_unlock(&b);
}

/* -- Classes --------------------------------------------------------------- */

static noinline u16 class_of_local(void)
{
	DEFINE_SPINLOCK(local);
	u16 class;

	spin_lock(&local);
	class = local.dep_map.classes[0];
	spin_unlock(&local);
	return class;
}

static noinline u16 class_of_deeper_local(void)
{
	volatile u16 class[256]; /* puts the lock elsewhere */

	class[0] = class_of_local();
	return class[0];
}

/* Or a lock on a stack would use up a class each time. */
TEST(lockdep, lock_on_a_stack_is_one_class_wherever_it_lies)
{
	EXPECT_NE(class_of_local(), 0);
	EXPECT_EQ(class_of_local(), class_of_deeper_local());
}

static DEFINE_PER_CPU(spinlock_t,
		      per_cpu_lock) = __SPIN_LOCK_UNLOCKED(per_cpu_lock);

TEST(lockdep, per_cpu_locks_are_one_class)
{
	unsigned int cpu;
	u16 class = 0;

	for_each_online_cpu(cpu) {
		spinlock_t *lock = per_cpu_ptr(&per_cpu_lock, cpu);

		spin_lock(lock);
		if (class)
			EXPECT_EQ(lock->dep_map.classes[0], class);
		class = lock->dep_map.classes[0];
		spin_unlock(lock);
	}
	EXPECT_NE(class, 0);
}

/* -- Misuse ---------------------------------------------------------------- */

static unsigned long reports_once(void (*mistake)(void))
{
	forget();
	report_expect(REPORT_LOCKDEP);
	mistake();
	forget();
	return report_expected(REPORT_LOCKDEP);
}

static void release_unheld(void)
{
	lock_release(&a.dep_map, lockdep_here());
}

static void free_held(void)
{
	spin_lock(&a);
	lockdep_check_freed(&a, sizeof(a));
	spin_unlock(&a);
}

static void assert_unheld(void)
{
	assert_held(&a);
}

static void assert_really_held(void)
{
	spin_lock(&a);
	assert_held(&a);
	lockdep_check_freed(&b, sizeof(b));
	spin_unlock(&a);
}

TEST(lockdep, misuse_is_reported)
{
	EXPECT_EQ(reports_once(release_unheld), 1);
	EXPECT_EQ(reports_once(free_held), 1);
	EXPECT_EQ(reports_once(assert_unheld), 1);
	EXPECT_EQ(reports_once(assert_really_held), 0);
}

TEST(lockdep, sleeping_is_reported_where_it_is_not_allowed)
{
	unsigned long flags;

	report_expect(REPORT_ATOMIC);
	assert_can_sleep(); /* here it is */
	EXPECT_EQ(report_expected(REPORT_ATOMIC), 0);

	report_expect(REPORT_ATOMIC);
	spin_lock(&a);
	assert_can_sleep();
	spin_unlock(&a);
	EXPECT_EQ(report_expected(REPORT_ATOMIC), 1);

	report_expect(REPORT_ATOMIC);
	local_irq_save(flags);
	assert_can_sleep();
	local_irq_restore(flags);
	EXPECT_EQ(report_expected(REPORT_ATOMIC), 1);

	report_expect(REPORT_ATOMIC);
	assert_irqs_off();
	assert_preempt_off();
	EXPECT_EQ(report_expected(REPORT_ATOMIC), 2);
}

/* A published pointer is followed inside a reader, or under the lock that
 * changes it. */
TEST(lockdep, rcu_pointer_outside_a_reader_is_reported)
{
	static int value, *shared = &value;

	report_expect(REPORT_LOCKDEP);
	rcu_read_lock();
	EXPECT_EQ(rcu_dereference(shared), &value);
	rcu_read_unlock();
	spin_lock(&a);
	EXPECT_EQ(rcu_dereference_check(shared, spin_is_held(&a)), &value);
	spin_unlock(&a);
	EXPECT_EQ(rcu_access_pointer(shared), &value);
	EXPECT_EQ(report_expected(REPORT_LOCKDEP), 0);

	report_expect(REPORT_LOCKDEP);
	EXPECT_EQ(rcu_dereference(shared), &value);
	EXPECT_EQ(report_expected(REPORT_LOCKDEP), 1);
}

/* -- Held where nothing may be --------------------------------------------- */

static DEFINE_MUTEX(kept);

static int exit_with_a_lock(void *unused)
{
	mutex_lock(&kept);
	return 0;
}

TEST(lockdep, task_that_exits_with_a_lock_is_reported)
{
	struct task *t;

	report_expect(REPORT_LOCKDEP);
	t = kthread_run(exit_with_a_lock, NULL, "keeper");
	ASSERT(!IS_ERR(t));
	task_join(t);
	EXPECT_EQ(report_expected(REPORT_LOCKDEP), 1);
	atomic_long_set(&kept.owner, 0); /* who had it is no more */
}

static void leave_kernel(void)
{
	unsigned int depth = current->kernel_depth;

	/* As a program's task that has called the kernel once. */
	current->kernel_depth = 1;
	task_leave_kernel();
	current->kernel_depth = depth;
}

TEST(lockdep, return_to_a_program_with_a_lock_is_reported)
{
	report_expect(REPORT_LOCKDEP);
	leave_kernel();
	EXPECT_EQ(report_expected(REPORT_LOCKDEP), 0);

	report_expect(REPORT_LOCKDEP);
	mutex_lock(&m);
	leave_kernel();
	mutex_unlock(&m);
	EXPECT_EQ(report_expected(REPORT_LOCKDEP), 1);
}

/* -- Full tables ----------------------------------------------------------- */

/* While all other CPUs stand, so that they do not miss a thing. */
static int run_out_of_classes(void *unused)
{
	static DEFINE_SPINLOCK(one_too_many);
	unsigned int nr = lockdep_nr_classes;
	bool was_on;

	lockdep_nr_classes = LOCKDEP_MAX_CLASSES;
	spin_lock(&one_too_many);
	spin_unlock(&one_too_many);
	was_on = lockdep_on;
	lockdep_nr_classes = nr;
	lockdep_on = true;
	return was_on;
}

static int run_out_of_edges(void *unused)
{
	unsigned int nr = lockdep_nr_edges, depth = current->lockdep.depth;
	u16 free = lockdep_free_edges;
	bool was_on;

	lockdep_nr_edges = LOCKDEP_MAX_EDGES;
	lockdep_free_edges = 0;
	in_order(&a, &b);
	was_on = lockdep_on;
	lockdep_nr_edges = nr;
	lockdep_free_edges = free;
	/* It went off in the middle. */
	current->lockdep.depth = depth;
	lockdep_on = true;
	return was_on;
}

static int hold_too_many(void *unused)
{
	static struct lockdep_map maps[LOCKDEP_MAX_HELD + 1];
	unsigned int depth = current->lockdep.depth;
	bool was_on;

	for (int i = 0; i < ARRAY_SIZE(maps); i++) {
		maps[i] = (struct lockdep_map){.name = "many"};
		lock_acquire(&maps[i], 0, LOCKDEP_READ, lockdep_here());
	}
	was_on = lockdep_on;
	current->lockdep.depth = depth;
	lockdep_on = true;
	return was_on;
}

/* Silence would look like innocence: a table that is full fails the test. */
TEST(lockdep, full_table_is_reported_and_ends_the_watch)
{
	static int (*const fill[])(void *) = {
		run_out_of_classes,
		run_out_of_edges,
		hold_too_many,
	};

	for (int i = 0; i < ARRAY_SIZE(fill); i++) {
		forget();
		report_expect(REPORT_LOCKDEP);
		EXPECT_EQ(stop_machine(fill[i], NULL), 0);
		EXPECT_EQ(report_expected(REPORT_LOCKDEP), 1);
		forget();
	}
	EXPECT_EQ(reports(do_order_ab_then_ba), 1);
}

/* -- What reports say ------------------------------------------------------ */

static char said[8192];

/* All that the log has got since record @seq. */
static void collect(u64 seq)
{
	static struct printk_record rec;
	size_t len = 0;

	while (printk_read(&seq, &rec))
		len += scnprintf(said + len, sizeof(said) - len, "%s\n",
				 rec.text);
}

static u64 end_of_log(void)
{
	static struct printk_record rec;
	u64 seq = 0;

	while (printk_read(&seq, &rec))
		;
	return seq;
}

/* The report, in the log but on no console. */
static const char *report_of(void (*mistake)(void))
{
	unsigned long level = console_loglevel;
	u64 seq = end_of_log();

	forget();
	console_loglevel = 0;
	report_expect_printed(REPORT_LOCKDEP);
	mistake();
	EXPECT_EQ(report_expected(REPORT_LOCKDEP), 1);
	console_loglevel = level;
	collect(seq);
	forget();
	return said;
}

/* Are all of @words there, in this order? */
static bool says(const char *text, const char *const *words)
{
	for (; *words; words++) {
		text = strstr(text, *words);
		if (!text) {
			test_log("does not say `%s' there", *words);
			return false;
		}
	}
	return true;
}

#define EXPECT_SAYS(mistake, ...)                                              \
	do {                                                                   \
		static const char *const words_[] = {__VA_ARGS__, NULL};       \
		EXPECT(says(report_of(mistake), words_));                      \
	} while (0)

#define PLACE(name, lock)                                                      \
	static noinline void name(void)                                        \
	{                                                                      \
		spin_lock(&lock);                                              \
		asm volatile("# " #name); /* or twins become one */            \
	}
PLACE(take_a_first, a)
PLACE(take_a_second, a)
PLACE(take_b_first, b)
PLACE(take_b_second, b)
PLACE(take_c_second, c)
PLACE(take_c_first, c)

static void circle_with_places(void)
{
	take_a_first();
	take_b_second();
	spin_unlock(&b);
	spin_unlock(&a);
	take_b_first();
	take_c_second();
	spin_unlock(&c);
	spin_unlock(&b);
	take_c_first();
	take_a_second();
	spin_unlock(&a);
	spin_unlock(&c);
}

TEST(lockdep, report_of_a_circle_names_both_chains)
{
	EXPECT_SAYS(circle_with_places, "locks are taken in a circle",
		    "holds c", "take_c_first", "takes a", "take_a_second",
		    "other way round", "a  taken at take_a_first", ", then",
		    "b  taken at take_b_second", "b  taken at take_b_first",
		    ", then", "c  taken at take_c_second",
		    "It holds:", "circle_with_places");
}

static void recursion_with_places(void)
{
	take_a_first();
	take_a_second();
	preempt_enable();
	spin_unlock(&a);
}

TEST(lockdep, report_of_a_recursion_names_both_places)
{
	EXPECT_SAYS(recursion_with_places, "a lock is taken that is held",
		    "holds a", "take_a_first", "takes a", "take_a_second");
}

static void usage_with_places(void)
{
	in_hardirq_take(&a);
	take_a_first();
	spin_unlock(&a);
}

TEST(lockdep, report_of_usage_names_interrupt_and_holder)
{
	EXPECT_SAYS(usage_with_places, "an interrupt takes a lock it may",
		    "a  taken in hard interrupt at", "in_hardirq_take",
		    "a  held open to hard interrupt at", "take_a_first");
}

static void inversion_with_places(void)
{
	in_softirq_take(&a);
	take_c_first();
	spin_unlock(&c);
	local_bh_disable();
	take_b_first();
	take_c_second();
	spin_unlock(&c);
	spin_unlock(&b);
	take_a_first();
	take_b_second();
	spin_unlock(&b);
	spin_unlock(&a);
	local_bh_enable();
}

TEST(lockdep, report_of_an_inversion_names_the_whole_way)
{
	EXPECT_SAYS(inversion_with_places,
		    "an interrupt's lock waits for one it may",
		    "a  taken in softirq at", "in_softirq_take",
		    "c  held open to softirq at", "take_c_first", "holds a",
		    "take_a_first", "takes b", "take_b_second",
		    "b  taken at take_b_first", ", then",
		    "c  taken at take_c_second");
}

/* -- Owners ---------------------------------------------------------------- */

/* The owner is known, and where it took the lock. */
TEST(lockdep, spinlock_knows_its_owner)
{
	spin_lock(&a);
	EXPECT_EQ(spin_owner(&a), smp_processor_id());
	EXPECT(spin_is_held(&a));
	EXPECT_NE(spin_acquired_at(&a), 0);
	spin_unlock(&a);
	EXPECT_EQ(spin_owner(&a), -1);
	EXPECT(!spin_is_held(&a));
}
