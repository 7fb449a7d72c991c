/* SPDX-License-Identifier: MIT */
/* refcount_test.c - counts stick where they go wrong, and say so once. */
#include <lib/refcount.h>
#include <tests/test.h>

static int nr_reports;
static enum refcount_fault last_fault;

static void note_report(refcount_t *r, enum refcount_fault fault)
{
	(void)r;
	nr_reports++;
	last_fault = fault;
}

/* Runs @statement and expects one report of @fault and a pinned count. */
#define EXPECT_FAULT(r, fault, statement)                                      \
	do {                                                                   \
		void (*before)(refcount_t *, enum refcount_fault) =            \
			refcount_report;                                       \
                                                                               \
		nr_reports = 0;                                                \
		refcount_report = note_report;                                 \
		statement;                                                     \
		refcount_report = before;                                      \
		EXPECT_EQ(nr_reports, 1);                                      \
		EXPECT_EQ(last_fault, fault);                                  \
		EXPECT_EQ((int)refcount_read(r), REFCOUNT_SATURATED);          \
	} while (0)

TEST(refcount, the_last_put_is_told_so)
{
	refcount_t r = REFCOUNT_INIT(1);

	refcount_inc(&r);
	EXPECT(refcount_inc_not_zero(&r));
	EXPECT_EQ(refcount_read(&r), 3);
	EXPECT(!refcount_dec_and_test(&r));
	refcount_dec(&r);
	EXPECT(!refcount_dec_not_one(&r));
	EXPECT(refcount_dec_and_test(&r));
	EXPECT_EQ(refcount_read(&r), 0);
	EXPECT(!refcount_inc_not_zero(&r));
	EXPECT_EQ(refcount_read(&r), 0);

	refcount_set(&r, 5);
	refcount_add(2, &r);
	EXPECT(refcount_dec_not_one(&r));
	EXPECT(refcount_sub_and_test(6, &r));
}

TEST(refcount, use_after_free_saturates)
{
	refcount_t r = REFCOUNT_INIT(0);

	EXPECT_FAULT(&r, REFCOUNT_ADD_FROM_ZERO, refcount_inc(&r));
}

TEST(refcount, overflow_saturates)
{
	refcount_t r = REFCOUNT_INIT(S32_MAX);

	EXPECT_FAULT(&r, REFCOUNT_ADD_OVERFLOW, refcount_inc(&r));
	refcount_set(&r, S32_MAX - 5);
	EXPECT_FAULT(&r, REFCOUNT_ADD_OVERFLOW, refcount_add(6, &r));
	refcount_set(&r, S32_MAX);
	EXPECT_FAULT(&r, REFCOUNT_ADD_OVERFLOW,
		     EXPECT(refcount_inc_not_zero(&r)));
}

TEST(refcount, underflow_saturates_and_never_frees)
{
	refcount_t r = REFCOUNT_INIT(0);

	EXPECT_FAULT(&r, REFCOUNT_SUB_UNDERFLOW,
		     EXPECT(!refcount_dec_and_test(&r)));
	refcount_set(&r, 2);
	EXPECT_FAULT(&r, REFCOUNT_SUB_UNDERFLOW,
		     EXPECT(!refcount_sub_and_test(3, &r)));
	refcount_set(&r, 0);
	EXPECT_FAULT(&r, REFCOUNT_SUB_UNDERFLOW,
		     EXPECT(refcount_dec_not_one(&r)));
	refcount_set(&r, 1);
	EXPECT_FAULT(&r, REFCOUNT_DEC_LEAK, refcount_dec(&r));
}

static int misuse_a_thousand_times(refcount_t *r)
{
	int freed = 0;

	for (int i = 0; i < 1000; i++) {
		refcount_inc(r);
		freed += refcount_dec_and_test(r);
		freed += refcount_sub_and_test(7, r);
		refcount_dec(r);
		freed += !refcount_inc_not_zero(r);
	}
	return freed;
}

/* Whatever follows: not freed, and no second report. */
TEST(refcount, a_saturated_count_stays_put_and_quiet)
{
	refcount_t r = REFCOUNT_INIT(0);
	int freed = 0;

	EXPECT_FAULT(&r, REFCOUNT_ADD_FROM_ZERO, {
		refcount_inc(&r);
		freed = misuse_a_thousand_times(&r);
	});
	EXPECT_EQ(freed, 0);
}
