/* SPDX-License-Identifier: MIT */
/*
 * poison.h - values that mean "you should not be reading this".
 *
 * Pointer poisons are non-canonical addresses: following one raises a general
 * protection fault at once, and the low bits say whose it was.
 */
#pragma once

#define POISON_POINTER_BASE 0xdead000000000000UL

#define LIST_POISON1 ((void *)(POISON_POINTER_BASE + 0x100))
#define LIST_POISON2 ((void *)(POISON_POINTER_BASE + 0x122))
