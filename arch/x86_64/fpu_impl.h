/* SPDX-License-Identifier: MIT */
/* fpu_impl.h - floating-point state, to this folder. */
#pragma once

void fpu_init_cpu(void);
void fpu_save(void *area);
void fpu_restore(const void *area);
