/* SPDX-License-Identifier: MIT */
/* things_test.c - one of everything that can be charged, for tests. */
#include <lib/math.h>
#include <mm/page/page_alloc.h>
#include <mm/percpu/percpu.h>
#include <mm/slab/slab.h>
#include <mm/virt/vmalloc.h>
#include <tests/test.h>
#include "things_test.h"

static struct kmem_cache *plain, *reclaimable;

void things_begin(void)
{
	plain = kmem_cache_create("things", 200, 0, SLAB_ACCOUNT, NULL);
	reclaimable = kmem_cache_create("reclaimable things", 72, 0,
					SLAB_ACCOUNT | SLAB_RECLAIM_ACCOUNT,
					NULL);
	ASSERT(plain && reclaimable);
}

void things_end(void)
{
	kmem_cache_destroy(plain);
	kmem_cache_destroy(reclaimable);
}

enum memcg_kind thing_kind(const struct thing *t)
{
	switch (t->type) {
	case THING_RECLAIMABLE:
		return MEMCG_SLAB_RECLAIMABLE;
	case THING_BLOCK:
	case THING_EXACT:
		return MEMCG_PAGES;
	case THING_ANON:
		return MEMCG_ANON;
	case THING_FILE:
		return MEMCG_FILE;
	case THING_SOCK:
		return MEMCG_SOCK;
	case THING_PERCPU:
		return MEMCG_PERCPU;
	case THING_VMALLOC:
		return MEMCG_VMALLOC;
	case THING_STACK:
		return MEMCG_KERNEL_STACK;
	default:
		return MEMCG_SLAB_UNRECLAIMABLE;
	}
}

/* A page that its user charges itself. */
static struct page *make_page_as(struct thing *t, gfp_t gfp)
{
	struct page *page = alloc_pages(gfp, 0);

	if (page && !accounting_charge_page_as(page, gfp, 0, thing_kind(t))) {
		__free_pages(page, 0);
		return NULL;
	}
	return page;
}

/* All kinds of pointers share their place: NULL is NULL. */
static bool make(struct thing *t, struct prng *rng, gfp_t gfp)
{
	gfp_t account = gfp | __GFP_ACCOUNT;

	switch (t->type) {
	case THING_OBJECT:
		t->va = kmalloc(1 + prng_below(rng, 2048), account);
		break;
	case THING_BULK:
		t->nr = 1 + prng_below(rng, THING_BULK_MAX);
		return kmem_cache_alloc_bulk(plain, gfp, t->nr, t->objects);
	case THING_RECLAIMABLE:
		t->va = kmem_cache_alloc(reclaimable, gfp);
		break;
	case THING_BLOCK:
		t->order = prng_below(rng, 4);
		t->page = alloc_pages(account, t->order);
		break;
	case THING_EXACT:
		t->size = (1 + prng_below(rng, 7)) * PAGE_SIZE;
		t->va = alloc_pages_exact(t->size, account);
		break;
	case THING_ANON:
	case THING_FILE:
	case THING_SOCK:
		t->page = make_page_as(t, gfp);
		break;
	case THING_PERCPU:
		t->area = __alloc_percpu_gfp(8ul << prng_below(rng, 11), 8,
					     account);
		break;
	case THING_VMALLOC:
		t->size = (1 + prng_below(rng, 5)) * PAGE_SIZE;
		t->va = __vmalloc(t->size, account);
		break;
	case THING_STACK:
		t->va = __vmalloc_node(2 * PAGE_SIZE, PAGE_SIZE, account,
				       NUMA_NO_NODE, VM_STACK);
		break;
	default:
		return false;
	}
	return t->va;
}

/* An area takes page tables and records that only who may wait can get. */
static bool must_wait(enum thing_type type)
{
	return type == THING_VMALLOC || type == THING_STACK;
}

bool thing_make(struct thing *t, enum thing_type type, struct prng *rng,
		gfp_t gfp)
{
	*t = (struct thing){.type = type};
	if (!gfpflags_allow_blocking(gfp) && must_wait(type))
		t->type = THING_OBJECT;
	if (make(t, rng, gfp))
		return true;
	t->type = THING_NONE;
	return false;
}

void thing_drop(struct thing *t)
{
	switch (t->type) {
	case THING_NONE:
		return;
	case THING_OBJECT:
		kfree(t->va);
		break;
	case THING_BULK:
		kmem_cache_free_bulk(plain, t->nr, t->objects);
		break;
	case THING_RECLAIMABLE:
		kmem_cache_free(reclaimable, t->va);
		break;
	case THING_EXACT:
		free_pages_exact(t->va, t->size);
		break;
	case THING_PERCPU:
		free_percpu(t->area);
		break;
	case THING_VMALLOC:
	case THING_STACK:
		vfree(t->va);
		break;
	default:
		__free_pages(t->page, t->order);
		break;
	}
	*t = (struct thing){};
}
