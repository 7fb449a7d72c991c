/* SPDX-License-Identifier: MIT */
/* Placeholder until floor 0 lands. */
#pragma once
#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif
