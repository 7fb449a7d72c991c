/* SPDX-License-Identifier: MIT */
/* stop_machine.h - do something while every other CPU stands still. */
#pragma once
#include <arch/percpu.h>
#include <lib/compiler.h>

/*
 * Call @fn(@arg) on this CPU while all other online CPUs stand in the scheduler,
 * interrupts off; returns what @fn does.  So @fn finds no CPU inside a section
 * that has preemption or interrupts off, nor in an interrupt or softirq: no
 * spinlock is held, no RCU reader is inside.  Mutexes may be held.  Each CPU
 * executes a serialising instruction before it goes on.
 *
 * May sleep; no lock held, interrupts on.
 */
int stop_machine(int (*fn)(void *arg), void *arg);

/* The same on every CPU at once: all enter @fn together, none leaves before
 * the last has returned.  @fn is called with interrupts off; its results are
 * or-ed. */
int stop_machine_all(int (*fn)(void *arg), void *arg);

/* For the scheduler, before it does anything, with preemption and interrupts
 * off: somebody wants this CPU to stand still. */
struct meeting;
DECLARE_PER_CPU(struct meeting *, stop_machine_invitation);
void stop_machine_attend(void);
