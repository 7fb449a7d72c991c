/* SPDX-License-Identifier: MIT */
/*
 * page.h - one struct page for each page frame, 64 bytes, a cache line.
 *
 * Problem.    Everything that owns memory wants a few words at the page, and
 *             the walks that balance the books must tell, for any page, who
 *             has it and how far it reaches.
 * Idea.       A frame is always either the head of a naturally aligned block
 *             of 2^order frames or a tail within one.  The head says what the
 *             block is (enum page_type) and its order; tails say PAGE_TAIL.
 *             So memory can be walked block by block, from any frame the head
 *             is found by at most ten looks (page_block_head()), and freeing
 *             with a wrong order, twice, or what was never allocated shows in
 *             one 16-bit comparison.
 * Rejected.   Linux's page_type in the map count and its order in the first
 *             tail: smaller by nothing, and tails of plain high-order blocks
 *             stay anonymous there.
 *
 * struct pages of absent memory are not mapped: pfn_valid() first
 * when a frame number does not come from the allocator.
 */
#pragma once
#include <arch/layout.h>
#include <lib/atomic.h>
#include <lib/bitops.h>
#include <lib/compiler.h>
#include <lib/types.h>

#define MAX_PAGE_ORDER	10
#define NR_PAGE_ORDERS	(MAX_PAGE_ORDER + 1)
#define MAX_ORDER_PAGES (1ul << MAX_PAGE_ORDER)

/* The order of a block that holds @size bytes, which are not 0. */
static __always_inline unsigned int get_order(unsigned long size)
{
	size = (size - 1) >> PAGE_SHIFT;
	return size ? 64 - __builtin_clzl(size) : 0;
}

struct address_space;
struct kmem_cache;
struct obj_cgroup;

/* What a block is.  The first four belong to the page allocator; an owner may
 * set one of the others, and sets PAGE_USED again before it frees. */
enum page_type {
	PAGE_TAIL,     /* within a block; never a head */
	PAGE_RESERVED, /* firmware's, the image's, or a hole; order 0 */
	PAGE_FREE,     /* on a buddy list */
	PAGE_PCP,      /* free, on a per-CPU list */
	PAGE_USED,     /* allocated, and nobody says more */
	PAGE_SLAB,
	PAGE_PERCPU,
	PAGE_VMALLOC,
	PAGE_STACK,
	PAGE_TABLE, /* of the MMU */
	PAGE_ANON,
	PAGE_FILE,
	NR_PAGE_TYPES
};

struct page {
	/* PG_* bits, atomically; the zone in the top byte, fixed at boot. */
	unsigned long flags;

	/* The owner's five words, by its own rules: undefined at first, and
	 * not looked at when the page is freed.  The first one stays even: see
	 * compound_head. */
	union {
		/* Page cache, anonymous, and anything else on an LRU list. */
		struct {
			struct list_head lru;
			struct address_space *mapping;
			unsigned long index;
			unsigned long private;
		};
		/* PAGE_FREE: zone lock. */
		struct list_head buddy_list;
		/* PAGE_PCP: the lock of the list it is on. */
		struct page *pcp_next;
		/* PAGE_VMALLOC, PAGE_STACK: the area's next block. */
		struct page *vm_next;
		/* PAGE_SLAB.  The pair at 16 is changed by one cmpxchg16b. */
		struct {
			struct kmem_cache *slab_cache;
			void *freelist;
			union {
				unsigned long counters;
				struct {
					u32 inuse : 16;
					u32 objects : 15;
					u32 frozen : 1;
				};
			};
			union {
				struct list_head slab_list;
				struct {
					struct page *slab_next;
					unsigned int slabs;
				};
			};
		};
		/* Tails of a __GFP_COMP block: the head's address, plus 1. */
		unsigned long compound_head;
		/* Any block waiting for a grace period: a struct rcu_head. */
		void *rcu[2];
		unsigned long owner_words[5];
	};

	/* One word, so that freeing can check all of it and take the last
	 * reference in a single compare-exchange. */
	union {
		struct {
			u8 type; /* enum page_type; the allocator's or owner's */
			u8 order;     /* of the block; the allocator's */
			u16 mapcount; /* mappings of it; its arena's lock */

			/* Any CPU, atomically.  0 while free, and in tails. */
			atomic_t refcount;
		};
		u64 state;
	};

	/* Who is charged: the owner of the page, or of a slab's objects. */
	union {
		unsigned long memcg_data;
		struct obj_cgroup *objcg;
	};
};

_Static_assert(sizeof(struct page) == 64, "struct page is a cache line");
_Static_assert(offsetof(struct page, freelist) == 16, "for cmpxchg16b");

/* A value of page->state. */
#define PAGE_STATE(type, order, refs)                                          \
	((u64)(type) | (u64)(order) << 8 | (u64)(refs) << 32)

/* --- Where ---------------------------------------------------------------- */

#define vmemmap ((struct page *)VMEMMAP_BASE)

#define PFN_UP(pa)    (((pa) + PAGE_SIZE - 1) >> PAGE_SHIFT)
#define PFN_DOWN(pa)  ((pa) >> PAGE_SHIFT)
#define PFN_PHYS(pfn) ((phys_addr_t)(pfn) << PAGE_SHIFT)

static __always_inline unsigned long page_to_pfn(const struct page *page)
{
	return page - vmemmap;
}

static __always_inline struct page *pfn_to_page(unsigned long pfn)
{
	return vmemmap + pfn;
}

static __always_inline phys_addr_t page_to_phys(const struct page *page)
{
	return PFN_PHYS(page_to_pfn(page));
}

static __always_inline struct page *phys_to_page(phys_addr_t pa)
{
	return pfn_to_page(PFN_DOWN(pa));
}

/* The page's address in the direct map. */
static __always_inline void *page_address(const struct page *page)
{
	return (void *)(DIRECT_MAP_BASE + page_to_pfn(page) * PAGE_SIZE);
}

#define page_to_virt(page) page_address(page)

/* @va is a direct-map or image address. */
static __always_inline struct page *virt_to_page(const volatile void *va)
{
	return phys_to_page(virt_to_phys(va));
}

/* Is there a struct page for this frame? */
bool pfn_valid(unsigned long pfn);

/* --- Flags ---------------------------------------------------------------- */

enum page_flag {
	PG_locked,
	PG_writeback,
	PG_referenced,
	PG_uptodate,
	PG_dirty,
	PG_lru,
	PG_active,
	PG_workingset,
	PG_reclaim,
	PG_swapbacked,
	PG_swapcache,
	PG_unevictable,
	PG_isolated,
	PG_private,
	PG_head, /* of a __GFP_COMP block; the allocator's */
	NR_PAGE_FLAGS
};

/* The zone's number, node * 2 + zone type. */
#define PAGE_ZONE_SHIFT 56

/* A page that still has one of these is in use: freeing it is refused. */
#define PAGE_FLAGS_BUSY                                                        \
	(BIT(PG_locked) | BIT(PG_writeback) | BIT(PG_lru) |                    \
	 BIT(PG_unevictable) | BIT(PG_isolated))

/* What freeing must look at before the page may go. */
#define PAGE_FLAGS_CHECK_AT_FREE (PAGE_FLAGS_BUSY | BIT(PG_head))

#define PAGE_FLAG(Name, name)                                                  \
	static __always_inline bool Page##Name(const struct page *page)        \
	{                                                                      \
		return test_bit(PG_##name, &page->flags);                      \
	}                                                                      \
	static __always_inline void SetPage##Name(struct page *page)           \
	{                                                                      \
		set_bit(PG_##name, &page->flags);                              \
	}                                                                      \
	static __always_inline void ClearPage##Name(struct page *page)         \
	{                                                                      \
		clear_bit(PG_##name, &page->flags);                            \
	}                                                                      \
	static __always_inline bool TestSetPage##Name(struct page *page)       \
	{                                                                      \
		return test_and_set_bit(PG_##name, &page->flags);              \
	}                                                                      \
	static __always_inline bool TestClearPage##Name(struct page *page)     \
	{                                                                      \
		return test_and_clear_bit(PG_##name, &page->flags);            \
	}

/* clang-format off */
PAGE_FLAG(Locked, locked)
PAGE_FLAG(Writeback, writeback)
PAGE_FLAG(Referenced, referenced)
PAGE_FLAG(Uptodate, uptodate)
PAGE_FLAG(Dirty, dirty)
PAGE_FLAG(LRU, lru)
PAGE_FLAG(Active, active)
PAGE_FLAG(Workingset, workingset)
PAGE_FLAG(Reclaim, reclaim)
PAGE_FLAG(SwapBacked, swapbacked)
PAGE_FLAG(SwapCache, swapcache)
PAGE_FLAG(Unevictable, unevictable)
PAGE_FLAG(Isolated, isolated)
PAGE_FLAG(Private, private)
PAGE_FLAG(Head, head)
/* clang-format on */

/* --- What and whose ------------------------------------------------------- */

static __always_inline enum page_type page_type(const struct page *page)
{
	return READ_ONCE(page->type);
}

/* For the owner of an allocated block, on its head. */
static __always_inline void page_set_type(struct page *page,
					  enum page_type type)
{
	WRITE_ONCE(page->type, type);
}

static __always_inline bool PageSlab(const struct page *page)
{
	return page_type(page) == PAGE_SLAB;
}

static __always_inline unsigned long page_private(const struct page *page)
{
	return page->private;
}

static __always_inline void set_page_private(struct page *page,
					     unsigned long private)
{
	page->private = private;
}

static __always_inline int page_zone_id(const struct page *page)
{
	return page->flags >> PAGE_ZONE_SHIFT;
}

static __always_inline int page_to_nid(const struct page *page)
{
	return page_zone_id(page) >> 1;
}

/* The head of a __GFP_COMP block, from any of its pages; else @page. */
static __always_inline struct page *compound_head(const struct page *page)
{
	unsigned long head = READ_ONCE(page->compound_head);

	if (page->type == PAGE_TAIL && (head & 1))
		return (struct page *)(head - 1);
	return (struct page *)page;
}

static __always_inline bool PageTail(const struct page *page)
{
	return compound_head(page) != page;
}

static __always_inline bool PageCompound(const struct page *page)
{
	return PageHead(page) || PageTail(page);
}

#define virt_to_head_page(va) compound_head(virt_to_page(va))

/* The order of the block that @head leads, compound or not. */
static __always_inline unsigned int compound_order(const struct page *head)
{
	return head->order;
}

/* The head of whatever block @page is in: any type, compound or not.  NULL
 * only if the structure of memory is damaged.  Stale without the owner's
 * consent or the zone's lock. */
struct page *page_block_head(struct page *page);

const char *page_type_name(enum page_type type);

/* --- References ----------------------------------------------------------- */

static __always_inline int page_count(const struct page *page)
{
	return atomic_read(&page->refcount);
}

/* The caller holds a reference already. */
static __always_inline void get_page(struct page *page)
{
	atomic_inc(&compound_head(page)->refcount);
}

/* For who found the page without owning it: false if it is being freed. */
static __always_inline bool get_page_unless_zero(struct page *page)
{
	return atomic_inc_not_zero(&page->refcount);
}

static __always_inline bool put_page_testzero(struct page *page)
{
	return atomic_dec_and_test(&page->refcount);
}

/* Drop a reference; the last one frees the whole block.  Any context. */
void put_page(struct page *page);
