/* SPDX-License-Identifier: MIT */
/*
 * test.h - write a test.
 *
 *	TEST(page_counter, failed_charge_leaves_no_trace)
 *	{
 *		EXPECT(!page_counter_try_charge(&child, 3, &blocker));
 *		EXPECT_EQ(blocker, &root);
 *	}
 *
 * A test registers itself and runs in a task of its own, interrupts and
 * preemption on.  It passes if every expectation held in every task and
 * interrupt that ran meanwhile, it stayed within its time, and what it took
 * was given back (TEST_LEAK_COUNTER) and the books balance (TEST_AUDIT).
 *
 * EXPECT* note a failure and go on; they are safe in any context but NMI.
 * Their value says whether the expectation held.  ASSERT* end the test, or,
 * in a task that the test started, that task: not with a lock held, and not
 * in interrupts.
 *
 * A test that is random draws from test_random() or seeds its own generator
 * from test_seed(): SEED= then repeats the run.
 */
#pragma once
#include <lib/types.h>

/* Seconds a test may take unless it says otherwise. */
#define TEST_SECONDS 10

#define TEST(suite, name) TEST_T(suite, name, TEST_SECONDS)

/*
 * A test with its own time limit.  `make quick-test` leaves out those that ask
 * for more than TEST_SECONDS.
 */
#define TEST_T(suite_, name_, seconds_)                                        \
	static void test_fn_##suite_##__##name_(void);                         \
	static const struct test test_##suite_##__##name_ = {                  \
		.suite = #suite_,                                              \
		.name = #name_,                                                \
		.file = __FILE__,                                              \
		.line = __LINE__,                                              \
		.seconds = (seconds_),                                         \
		.fn = test_fn_##suite_##__##name_,                             \
	};                                                                     \
	TEST_REGISTER("tests", test, test_##suite_##__##name_);                \
	static void test_fn_##suite_##__##name_(void)

/* Expectations.  The compared values are printed when they do not hold. */
#define EXPECT(cond)	   TEST_TRUE_(cond, #cond)
#define EXPECT_EQ(a, b)	   TEST_CMP_(TEST_EQ, a, b, #a, #b)
#define EXPECT_NE(a, b)	   TEST_CMP_(TEST_NE, a, b, #a, #b)
#define EXPECT_LT(a, b)	   TEST_CMP_(TEST_LT, a, b, #a, #b)
#define EXPECT_LE(a, b)	   TEST_CMP_(TEST_LE, a, b, #a, #b)
#define EXPECT_GT(a, b)	   TEST_CMP_(TEST_GT, a, b, #a, #b)
#define EXPECT_GE(a, b)	   TEST_CMP_(TEST_GE, a, b, #a, #b)
#define EXPECT_STREQ(a, b) TEST_STR_(a, b, #a, #b)

#define ASSERT(cond)	   TEST_OR_END_(TEST_TRUE_(cond, #cond))
#define ASSERT_EQ(a, b)	   TEST_OR_END_(TEST_CMP_(TEST_EQ, a, b, #a, #b))
#define ASSERT_NE(a, b)	   TEST_OR_END_(TEST_CMP_(TEST_NE, a, b, #a, #b))
#define ASSERT_LT(a, b)	   TEST_OR_END_(TEST_CMP_(TEST_LT, a, b, #a, #b))
#define ASSERT_LE(a, b)	   TEST_OR_END_(TEST_CMP_(TEST_LE, a, b, #a, #b))
#define ASSERT_GT(a, b)	   TEST_OR_END_(TEST_CMP_(TEST_GT, a, b, #a, #b))
#define ASSERT_GE(a, b)	   TEST_OR_END_(TEST_CMP_(TEST_GE, a, b, #a, #b))
#define ASSERT_STREQ(a, b) TEST_OR_END_(TEST_STR_(a, b, #a, #b))

/* Fail here, whatever the reason. */
#define FAIL(...) test_fail(__FILE__, __LINE__, __VA_ARGS__)

/* End the test as not applicable on this machine. */
#define SKIP(why) test_skip(why)

/*
 * This test's seed: the run's seed, the test's name and the round mixed, so
 * that T= does not change what a test draws.
 */
u64 test_seed(void);

/* The next 64 bits of this test's stream.  Any context, any CPU. */
u64 test_random(void);

/* A number below @bound, which is not 0. */
u64 test_random_below(u64 bound);

/*
 * This test's expectations hold whichever allocations fail.  Others may be unmet
 * when some were failed on purpose (make test FAULT=); they are then counted as
 * skipped, if nothing else is wrong.
 */
void test_tolerates_faults(void);

/* A line for people, on the console under the test's name. */
void test_log(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * A long as how much of something is in use; equal before and after each test,
 * once everything deferred has settled.  The body returns the count:
 *
 *	TEST_LEAK_COUNTER(pages) { return page_nr_in_use(); }
 */
#define TEST_LEAK_COUNTER(name_)                                               \
	static long test_count_##name_(void);                                  \
	static const struct test_counter test_counter_##name_ = {              \
		.name = #name_,                                                \
		.count = test_count_##name_,                                   \
	};                                                                     \
	TEST_REGISTER("test_counters", test_counter, test_counter_##name_);    \
	static long test_count_##name_(void)

/*
 * Run after each test; a failed expectation inside it fails the test.
 *
 *	TEST_AUDIT(buddy) { EXPECT_EQ(page_validate_all(), 0); }
 */
#define TEST_AUDIT(name_) TEST_HOOK_("test_audits", audit, name_)

/*
 * Bring forward what was put off (drain lists, wait for RCU callbacks), so
 * that the counters speak of the test.  Run in a task, before the counters
 * are read and again while one of them is off.
 */
#define TEST_QUIESCE(name_) TEST_HOOK_("test_quiesces", quiesce, name_)

/* What the macros are made of. */

struct test {
	const char *suite;
	const char *name;
	const char *file;
	int line;
	unsigned int seconds;
	void (*fn)(void);
};

struct test_counter {
	const char *name;
	long (*count)(void);
};

struct test_hook {
	const char *name;
	void (*fn)(void);
};

enum test_op { TEST_EQ, TEST_NE, TEST_LT, TEST_LE, TEST_GT, TEST_GE };

/* An integer or pointer as a number: @is_signed says how to read @bits. */
struct test_value {
	u64 bits;
	bool is_signed;
	bool is_pointer;
};

struct test_site {
	const char *file;
	int line;
	enum test_op op;
	const char *a;
	const char *b;
};

bool test_true(const struct test_site *site, bool held);
bool test_compare(const struct test_site *site, struct test_value a,
		  struct test_value b);
bool test_streq(const struct test_site *site, const char *a, const char *b);
void test_fail(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void test_end(void) __attribute__((noreturn));
void test_skip(const char *why) __attribute__((noreturn));

/*
 * A section of pointers, so that the linker's padding between objects never
 * falls inside an array of structures.
 */
#define TEST_REGISTER(registry_, type_, object_)                               \
	static const struct type_ *const object_##_ptr                         \
		__attribute__((used, section(".registry." registry_))) =       \
			&(object_)

#define TEST_HOOK_(registry_, kind_, name_)                                    \
	static void test_##kind_##_fn_##name_(void);                           \
	static const struct test_hook test_##kind_##_##name_ = {               \
		.name = #name_,                                                \
		.fn = test_##kind_##_fn_##name_,                               \
	};                                                                     \
	TEST_REGISTER(registry_, test_hook, test_##kind_##_##name_);           \
	static void test_##kind_##_fn_##name_(void)

#define TEST_SITE_(op_, a_, b_)                                                \
	static const struct test_site test_site_ = {                           \
		.file = __FILE__,                                              \
		.line = __LINE__,                                              \
		.op = (op_),                                                   \
		.a = (a_),                                                     \
		.b = (b_),                                                     \
	}

/* The conditional operator turns bit-fields and arrays into plain values. */
#define TEST_VALUE_(x)                                                         \
	({                                                                     \
		__typeof__(1 ? (x) : (x)) test_value_ = (x);                   \
		(struct test_value){                                           \
			.bits = (u64)test_value_,                              \
			.is_signed = _Generic(test_value_, char                \
					      : (char)-1 < 0, signed char : 1, \
						short : 1, int : 1, long : 1,  \
						long long : 1, default : 0),   \
			.is_pointer = _Generic(                                \
				test_value_, _Bool : 0, char : 0,              \
				signed char : 0, unsigned char : 0, short : 0, \
				unsigned short : 0, int : 0, unsigned int : 0, \
				long : 0, unsigned long : 0, long long : 0,    \
				unsigned long long : 0, default : 1),          \
		};                                                             \
	})

#define TEST_TRUE_(cond_, text_)                                               \
	({                                                                     \
		TEST_SITE_(TEST_EQ, text_, NULL);                              \
		test_true(&test_site_, !!(cond_));                             \
	})

#define TEST_CMP_(op_, a_, b_, a_text_, b_text_)                               \
	({                                                                     \
		TEST_SITE_(op_, a_text_, b_text_);                             \
		struct test_value test_a_ = TEST_VALUE_(a_);                   \
		struct test_value test_b_ = TEST_VALUE_(b_);                   \
		test_compare(&test_site_, test_a_, test_b_);                   \
	})

#define TEST_STR_(a_, b_, a_text_, b_text_)                                    \
	({                                                                     \
		TEST_SITE_(TEST_EQ, a_text_, b_text_);                         \
		test_streq(&test_site_, (a_), (b_));                           \
	})

#define TEST_OR_END_(expectation_)                                             \
	do {                                                                   \
		if (!(expectation_))                                           \
			test_end();                                            \
	} while (0)
