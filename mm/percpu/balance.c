/* SPDX-License-Identifier: MIT */
/*
 * balance.c - keep a few blocks ready, and not too many.
 *
 * Who may not sleep is served from ready blocks only.  A thread keeps
 * PCPU_RESERVE of them, gives the pages of those beyond twice that back, and
 * drops empty chunks but one.  Who may sleep leaves the reserve alone.
 */
#include <kernel/core/mutex.h>
#include <kernel/core/wait.h>
#include <mm/percpu/percpu.h>
#include "chunk_impl.h"

static DECLARE_WAIT_QUEUE_HEAD(balance_wait);
static bool balance_wanted;

void pcpu_want_balance(void)
{
	if (!READ_ONCE(balance_wanted)) {
		WRITE_ONCE(balance_wanted, true);
		wake_up(&balance_wait);
	}
}

static void balance(unsigned int most, bool keep_one)
{
	unsigned long flags;

	mutex_lock(&pcpu_populate_mutex);
	spin_lock_irqsave(&pcpu_lock, flags);
	pcpu_give_idle();
	spin_unlock_irqrestore(&pcpu_lock, flags);
	while (pcpu_drop_empty_chunk(keep_one))
		;
	pcpu_depopulate(most);
	while (READ_ONCE(pcpu_totals.nr_ready) < PCPU_RESERVE && !pcpu_grow(1))
		;
	mutex_unlock(&pcpu_populate_mutex);
	pcpu_free_owners();
}

void percpu_drain(void)
{
	balance(PCPU_RESERVE, false);
}

int percpu_balancer(void *unused)
{
	for (;;) {
		wait_event(balance_wait, READ_ONCE(balance_wanted));
		WRITE_ONCE(balance_wanted, false);
		balance(2 * PCPU_RESERVE, true);
	}
	return 0;
}
