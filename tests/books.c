/* SPDX-License-Identifier: MIT */
/*
 * books.c - what every test must leave as it found it.
 *
 * Modules whose own tests know better register beside those (TEST_LEAK_COUNTER,
 * TEST_AUDIT, TEST_QUIESCE in <tests/test.h>).
 */
#include <kernel/core/rcu.h>
#include <kernel/task/task.h>
#include <tests/test.h>

TEST_QUIESCE(rcu)
{
	rcu_barrier();
}

TEST_LEAK_COUNTER(tasks)
{
	return task_nr_live();
}
