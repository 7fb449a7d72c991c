/* SPDX-License-Identifier: MIT */
/*
 * accounting.h - where mechanism calls policy.
 *
 * The second upward door: floor 3 asks floor 5 who pays for memory and how to
 * get some back.  Each question is a static-key check inline, a NOP while
 * there is no group, and then either a few instructions on this CPU's prepaid
 * bytes (the stock) or a direct call.
 *
 * Owners.     Whoever pays is an obj_cgroup, known here by its id: 1 to 65535, 0
 *             for nobody.  Write the id beside what was charged, and give it
 *             back with the bytes.
 * Books.      From taking a charge out of one place until it is written into
 *             the next, preemption is off.  So when the world is stopped, every
 *             charged byte is at an object, a page or an area with an owner, in
 *             a CPU's stock, or left over with an obj_cgroup.
 *
 * To charge (accounting_kernel on):	To uncharge (accounting_enabled on):
 *
 *	cpu_store_enter();			cpu_store_enter();
 *	owner = accounting_owner();		owner = place's; place's = 0;
 *	if (owner && !stock_consume()) {	if (!stock_refill()) {
 *		cpu_store_leave();			accounting_uncharge_leave();
 *		owner = __accounting_charge();		return;
 *		refused: undo, fail		}
 *	}					cpu_store_leave();
 *	place's = owner;
 *	cpu_store_leave();
 */
#pragma once
#include <kernel/core/preempt.h>
#include <kernel/core/sched.h>
#include <kernel/core/static_key.h>
#include <lib/compiler.h>
#include <mm/page/gfp.h>
#include <mm/page/page.h>

/* On while something may be charged: who frees looks for an owner. */
DECLARE_STATIC_KEY_FALSE(accounting_enabled);

/* On while kernel memory is charged: the same, but not with memcg.kmem=off.
 * Who allocates looks for a payer. */
DECLARE_STATIC_KEY_FALSE(accounting_kernel);

/* What a charge is for: a line of memory.stat, and a page's low bits. */
enum memcg_kind {
	MEMCG_SLAB_UNRECLAIMABLE,
	MEMCG_SLAB_RECLAIMABLE,
	MEMCG_ANON,
	MEMCG_FILE,
	MEMCG_KERNEL_STACK, /* the last for which nodes matter */
	MEMCG_SOCK,
	MEMCG_PAGES, /* taken with __GFP_ACCOUNT, and nobody said more */
	MEMCG_PERCPU,
	MEMCG_VMALLOC,
	MEMCG_NR_KINDS
};

/* -- The stock --------------------------------------------------------------- */

/* As many as a byte can tell: finding one is an instruction less. */
#define STOCK_SLOTS 256u

/* What a slot keeps at most, in bytes: two batches. */
#define STOCK_MAX (2u * 64 * 4096)

/*
 * Bytes that this CPU has charged in advance for one owner.
 *
 * The fast paths change `bytes` alone.  base - bytes is then what they handed
 * out net, all of it slab_unreclaimable memory of this CPU's node; other kinds
 * move base along and are counted in the group's statistics one by one.
 */
struct stock_slot {
	/* Own CPU, entered; read by anyone. */
	u32 owner; /* 0: nobody's */
	u32 hits;  /* found in its second place */
	union {
		u64 level;
		struct {
			u32 bytes; /* charged and not in use; <= STOCK_MAX */
			u32 base;
		};
	};
	struct obj_cgroup *objcg; /* whose id owner is */
	u64 spare;
};
_Static_assert(sizeof(struct stock_slot) == 32, "a shift finds the slot");

/* An owner's first place is slot owner % STOCK_SLOTS. */
DECLARE_PER_CPU(struct stock_slot[STOCK_SLOTS], stock);

/* Who pays for what an interrupt or softirq allocates: whom it chose with
 * set_active_memcg(), or nobody. */
u32 __accounting_owner_interrupt(void);

/*
 * Who pays for what this context allocates now; 0: nobody.  Valid while
 * preemption stays off.
 */
static __always_inline u32 accounting_owner(void)
{
	if (unlikely(preempt_count_test(NMI_MASK | HARDIRQ_MASK |
					SOFTIRQ_OFFSET)))
		return __accounting_owner_interrupt();
	return READ_ONCE(current->owner);
}

static __always_inline unsigned long stock_offset(u32 owner)
{
	return owner % STOCK_SLOTS * sizeof(struct stock_slot);
}

/*
 * Take @bytes of slab_unreclaimable memory of this CPU's node out of the stock.
 * Entered.  False: not enough, nothing has changed.
 */
static __always_inline bool stock_consume(u32 owner, u32 bytes)
{
	/* In one piece, or the compiler keeps the slot's address as well. */
	asm goto("cmpl %[owner], %%gs:%c[owners](%[at])\n\t"
		 "jne %l[refused]\n\t"
		 "cmpl %[bytes], %%gs:%c[levels](%[at])\n\t"
		 "jb %l[refused]\n\t"
		 "subl %[bytes], %%gs:%c[levels](%[at])"
		 :
		 : [owner] "r"(owner), [bytes] "re"(bytes),
		   [at] "r"(stock_offset(owner)), [owners] "i"(&stock[0].owner),
		   [levels] "i"(&stock[0].bytes)
		 : "cc", "memory"
		 : refused);
	return true;
refused:
	return false;
}

/*
 * Put them back.  Entered.  False: no room for them, nothing has changed.  @below
 * is stock_below(@bytes), or 0 to be refused.
 */
static __always_inline bool stock_refill_below(u32 owner, u32 bytes, u32 below)
{
	asm goto("cmpl %[owner], %%gs:%c[owners](%[at])\n\t"
		 "jne %l[refused]\n\t"
		 "cmpl %[below], %%gs:%c[levels](%[at])\n\t"
		 "jae %l[refused]\n\t"
		 "addl %[bytes], %%gs:%c[levels](%[at])"
		 :
		 : [owner] "r"(owner), [bytes] "re"(bytes), [below] "re"(below),
		   [at] "r"(stock_offset(owner)), [owners] "i"(&stock[0].owner),
		   [levels] "i"(&stock[0].bytes)
		 : "cc", "memory"
		 : refused);
	return true;
refused:
	return false;
}

/* There is room for @bytes in a slot that holds less than this. */
static __always_inline u32 stock_below(u32 bytes)
{
	return bytes <= STOCK_MAX ? STOCK_MAX - bytes + 1 : 0;
}

static __always_inline bool stock_refill(u32 owner, u32 bytes)
{
	return stock_refill_below(owner, bytes, stock_below(bytes));
}

/* The same two for any kind and node (NUMA_NO_NODE: this CPU's), counting it. */
bool __stock_consume_as(u32 owner, u32 bytes, enum memcg_kind kind, int nid);
bool __stock_refill_as(u32 owner, u32 bytes, enum memcg_kind kind, int nid);

/* -- Charging by the byte ---------------------------------------------------- */

/*
 * Charge @bytes, of any number, to whoever pays in this context, by all means:
 * counters, reclaim, waiting as @gfp allows.  Not entered.
 *
 * Returns the owner to be written down, which may be a parent of the one that
 * accounting_owner() named, or 0 if nobody pays.  The CPU's store is then
 * entered: write it, and cpu_store_leave().  -ENOMEM: refused, nothing is
 * charged, not entered.
 */
int __accounting_charge(size_t bytes, enum memcg_kind kind, int nid, gfp_t gfp);

/*
 * Take a charge back.  Any context but NMI, never waits.  The first is for who
 * is not inside (or may be in an interrupt of one who is); preemption off since
 * the owner was erased.  The second is for who has entered, and leaves.
 */
void __accounting_uncharge(u32 owner, size_t bytes, enum memcg_kind kind,
			   int nid);
void accounting_uncharge_leave(u32 owner, size_t bytes, enum memcg_kind kind,
			       int nid);

/* -- Charging pages ---------------------------------------------------------- */

/* page->memcg_data of a charged page: its obj_cgroup, and the kind. */
#define PAGE_MEMCG_KIND 15ul

static __always_inline struct obj_cgroup *page_objcg(const struct page *page)
{
	return (void *)(READ_ONCE(page->memcg_data) & ~PAGE_MEMCG_KIND);
}

static __always_inline enum memcg_kind page_memcg_kind(const struct page *page)
{
	return READ_ONCE(page->memcg_data) & PAGE_MEMCG_KIND;
}

/*
 * Charge a block just allocated with __GFP_ACCOUNT; sets page->memcg_data.
 * False: refused, and nothing is charged.  The context is the allocation's.
 */
bool __accounting_charge_page(struct page *page, gfp_t gfp, unsigned int order);

/* The same: returns @page, or frees it and returns NULL. */
struct page *__accounting_admit_page(struct page *page, gfp_t gfp,
				     unsigned int order);

/* Charge it as memory of @kind, asked for or not; for MEMCG_ANON, _FILE and
 * _SOCK also with memcg.kmem=off. */
bool __accounting_charge_page_as(struct page *page, gfp_t gfp,
				 unsigned int order, enum memcg_kind kind);

/* Undo it: the block is about to be freed, page->memcg_data is not 0.  Leaves
 * it 0.  Any context. */
void __accounting_uncharge_page(struct page *page, unsigned int order);

/* The charge of a block becomes the charges of its 2^order pages. */
void __accounting_split_page(struct page *page, unsigned int order);

static __always_inline bool accounting_charge_page(struct page *page, gfp_t gfp,
						   unsigned int order)
{
	if (static_branch_unlikely(&accounting_kernel) && (gfp & __GFP_ACCOUNT))
		return __accounting_charge_page(page, gfp, order);
	return true;
}

static __always_inline bool accounting_charge_page_as(struct page *page,
						      gfp_t gfp,
						      unsigned int order,
						      enum memcg_kind kind)
{
	if (static_branch_unlikely(&accounting_enabled))
		return __accounting_charge_page_as(page, gfp, order, kind);
	return true;
}

/* A page of @t's memory, whoever allocates it.  May sleep. */
bool __accounting_charge_page_for(const struct task *t, struct page *page,
				  gfp_t gfp, enum memcg_kind kind);

static __always_inline bool accounting_charge_page_for(const struct task *t,
						       struct page *page,
						       gfp_t gfp,
						       enum memcg_kind kind)
{
	if (static_branch_unlikely(&accounting_enabled))
		return __accounting_charge_page_for(t, page, gfp, kind);
	return true;
}

static __always_inline void accounting_uncharge_page(struct page *page,
						     unsigned int order)
{
	if (static_branch_unlikely(&accounting_enabled) && page->memcg_data)
		__accounting_uncharge_page(page, order);
}

static __always_inline void accounting_split_page(struct page *page,
						  unsigned int order)
{
	if (static_branch_unlikely(&accounting_enabled) && page->memcg_data)
		__accounting_split_page(page, order);
}

/* -- Page faults ------------------------------------------------------------- */

/* A page was missing and has been brought in; @major: from a disk.  Any task. */
void __accounting_count_fault(bool major);

static __always_inline void accounting_count_fault(bool major)
{
	if (static_branch_unlikely(&accounting_enabled))
		__accounting_count_fault(major);
}

/* -- memory.high -------------------------------------------------------------- */

/* A program comes back from the kernel, no lock is held: what it owes for charges
 * above memory.high is paid now, in waiting. */
void __accounting_settle(void);

static __always_inline void accounting_settle(void)
{
	if (unlikely(current->over_high))
		__accounting_settle();
}

/* -- Reclaim ----------------------------------------------------------------- */

/* On once there is anything to reclaim. */
DECLARE_STATIC_KEY_FALSE(reclaim_enabled);

/*
 * A node runs low.  reclaim: try to free pages for this request, return how
 * many; may sleep.  wake: ask the background to; any context, but only once
 * memory has been handed out again.
 */
unsigned long __accounting_reclaim_pages(int nid, gfp_t gfp,
					 unsigned int order);
void __accounting_wake_reclaim(int nid, gfp_t gfp, unsigned int order);

/*
 * There is nothing left to reclaim, and who asks cannot do without: end a task
 * of any group.  Whether it makes sense to try again.  May sleep.
 */
bool __accounting_out_of_memory(gfp_t gfp, unsigned int order);

static __always_inline unsigned long
accounting_reclaim_pages(int nid, gfp_t gfp, unsigned int order)
{
	if (static_branch_unlikely(&reclaim_enabled))
		return __accounting_reclaim_pages(nid, gfp, order);
	return 0;
}

static __always_inline void accounting_wake_reclaim(int nid, gfp_t gfp,
						    unsigned int order)
{
	if (static_branch_unlikely(&reclaim_enabled))
		__accounting_wake_reclaim(nid, gfp, order);
}
