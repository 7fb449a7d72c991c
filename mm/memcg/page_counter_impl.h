/* SPDX-License-Identifier: MIT */
/* page_counter_impl.h - where tests get between two steps of a counter. */
#pragma once
#include <kernel/core/static_key.h>
#include <mm/memcg/page_counter.h>

/* Called after a look at @c and before the change that follows from it. */
DECLARE_STATIC_KEY_FALSE(page_counter_probe_key);
extern void (*page_counter_probe_fn)(struct page_counter *c);

static __always_inline void page_counter_probe(struct page_counter *c)
{
	if (static_branch_unlikely(&page_counter_probe_key))
		page_counter_probe_fn(c);
}
