/* SPDX-License-Identifier: MIT */
/* interim.c - stand-ins until RCU lands. */
#include <kernel/core/rcu.h>

__weak DEFINE_PER_CPU(struct rcu_watch, rcu_watch);

__weak bool rcu_idle_enter(void)
{
	return true;
}

__weak void rcu_idle_exit(void)
{
}

__weak void rcu_irq_enter(void)
{
}

__weak void rcu_irq_exit(void)
{
}

__weak void rcu_tick(void)
{
}

__weak void rcu_cpu_starting(void)
{
}
