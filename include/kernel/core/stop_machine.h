/* SPDX-License-Identifier: MIT */
/* stop_machine.h - do something while every other CPU stands still. */
#pragma once

/*
 * Call @fn(@arg) on this CPU while all other online CPUs spin in an interrupt,
 * interrupts off; returns what @fn does.  They stand at arbitrary points where
 * interrupts are on, so @fn sees no half-done section that has them off, and
 * takes no lock that others may hold.  Each CPU executes a serialising
 * instruction before it goes on.
 *
 * May sleep; no lock held, interrupts on.
 */
int stop_machine(int (*fn)(void *arg), void *arg);

/* The same on every CPU at once: all enter @fn together, none leaves before
 * the last has returned.  @fn is called with interrupts off; its results are
 * or-ed. */
int stop_machine_all(int (*fn)(void *arg), void *arg);
