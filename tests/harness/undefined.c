/* SPDX-License-Identifier: MIT */
/* undefined.c - what C leaves undefined, with the checks of SANITIZE=. */
#include <tests/test.h>

static volatile int far = 40;

TEST(culprit, shifts_too_far)
{
	EXPECT_NE(1 << far, far);
}
