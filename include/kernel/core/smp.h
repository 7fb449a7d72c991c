/* SPDX-License-Identifier: MIT */
/*
 * smp.h - have a function called on other CPUs.
 *
 * It is called in hard interrupt context there (on this CPU: with interrupts
 * off), so it is short and does not sleep.  Everything written before the call
 * is visible to it; with @wait, everything it wrote is visible afterwards.
 *
 * All but the _async form: interrupts on, not in a hard interrupt.  Two CPUs
 * that waited for each other with interrupts off would wait for ever.
 */
#pragma once
#include <arch/cpumask.h>
#include <lib/llist.h>

typedef void (*smp_call_func_t)(void *info);

/* On @cpu, which may be this one.  -ENXIO if it is not online. */
int smp_call_function_single(unsigned int cpu, smp_call_func_t func, void *info,
			     bool wait);

/* On the online CPUs of @mask, except this one.  Preemption off. */
void smp_call_function_many(const cpumask_t *mask, smp_call_func_t func,
			    void *info, bool wait);

/* On all online CPUs except this one. */
void smp_call_function(smp_call_func_t func, void *info, bool wait);

/* On this one too, at the end. */
void on_each_cpu(smp_call_func_t func, void *info, bool wait);
void on_each_cpu_mask(const cpumask_t *mask, smp_call_func_t func, void *info,
		      bool wait);

/*
 * A call that its maker keeps room for.  Any context but NMI, never waits.
 * Returns -EBUSY if this @csd is still on its way (the call that is under way
 * may have begun already), else 0.
 */
struct call_single_data {
	struct llist_node node;
	smp_call_func_t func; /* fixed */
	void *info;
	u32 busy; /* any CPU, atomically: cleared just before the call */
};

#define CALL_SINGLE_DATA_INIT(func_, info_)                                    \
	{                                                                      \
		.func = (func_), .info = (info_)                               \
	}

int smp_call_function_single_async(unsigned int cpu,
				   struct call_single_data *csd);
