/* SPDX-License-Identifier: MIT */
/* tlb_impl.h - between the TLB's owner and the traps. */
#pragma once

/* Catch up with every flush that was asked for so far.  Any context. */
void tlb_interrupt(void);
