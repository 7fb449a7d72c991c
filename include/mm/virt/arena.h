/* SPDX-License-Identifier: MIT */
/*
 * arena.h - tasks' memory: addresses at once, pages when they are touched.
 *
 * An arena is a range of addresses that belongs to a task, with areas in it
 * that the task mapped.  Everybody may touch them, this being one address
 * space; the pages are the owner's, and so is their charge.  What is touched
 * beside an area, or without the right to, is a fault.
 *
 * An untouched page is made where it is touched, which sleeps: with preemption
 * or interrupts off only what is known to be there may be touched.
 *
 * Context: tasks that may sleep, unless said otherwise.
 */
#pragma once
#include <arch/layout.h>
#include <lib/types.h>
#include <mm/page/page.h>

struct anon_arena;
struct task;

/* What may be done with an area's pages; with neither, nothing. */
#define ARENA_READ  0x1u
#define ARENA_WRITE 0x2u /* and read */

/*
 * An arena, with the caller's reference; NULL if there is no memory or there
 * are no addresses.  Until it has an owner, whoever touches a page pays.
 */
struct anon_arena *arena_create(void);

/* From here on @t is whose memory this is; until arena_destroy(), which comes
 * before the end of @t. */
void arena_set_owner(struct anon_arena *arena, struct task *t);

/* All its memory goes, and the caller's reference. */
void arena_destroy(struct anon_arena *arena);

/* Another task's, with a reference, or NULL.  Any context but NMI. */
struct anon_arena *task_get_arena(struct task *t);
void arena_put(struct anon_arena *arena);

/* The current task's, made if it has none; NULL if that is not possible. */
struct anon_arena *task_arena(void);

/*
 * A new area of @size bytes, rounded up to pages, a page at least not mapped
 * on either side.  Its address, or a negative errno (IS_ERR_VALUE).  The first
 * @keep bytes hold what the kernel itself relies on: they are not reaped.
 */
unsigned long arena_map(struct anon_arena *arena, size_t size,
			unsigned int prot, size_t keep);

/* Drop all of [addr, addr + size) that is mapped, in one area or many, whole or
 * in part.  -EINVAL for what is not pages of this arena, or is arena_sbrk()'s;
 * -ENOMEM if an area had to be split and could not. */
int arena_unmap(struct anon_arena *arena, unsigned long addr, size_t size);

/* Change what may be done with [addr, addr + size), all of it mapped.  -EINVAL
 * as above, -ENOMEM as above or if there are holes.  Pages that may no longer
 * be read are dropped. */
int arena_protect(struct anon_arena *arena, unsigned long addr, size_t size,
		  unsigned int prot);

/* Make the pages of [addr, addr + size) now.  -ENOMEM, and some of them may
 * have been made; -EFAULT if they are not all mapped. */
int arena_populate(struct anon_arena *arena, unsigned long addr, size_t size);

/* May all of [addr, addr + size) be touched that way, with pages there or not?
 * As things are now: whoever unmaps it later has lied to the one who asked. */
bool arena_allows(unsigned long addr, size_t size, unsigned int prot);

/* Move the end of the one piece that grows by @increment bytes; where it was,
 * or -ENOMEM. */
unsigned long arena_sbrk(struct anon_arena *arena, long increment);

/* -- Faults ------------------------------------------------------------------ */

static inline bool is_arena_addr(const volatile void *va)
{
	return (unsigned long)va - ARENA_BASE < ARENA_SIZE;
}

enum arena_fault {
	ARENA_FAULT_DONE,   /* touch it again */
	ARENA_FAULT_BAD,    /* nothing is mapped there, or not for this */
	ARENA_FAULT_NOMEM,  /* no memory, or no more for its group */
	ARENA_FAULT_REAPED, /* its owner is dying, and its memory is gone */
};

/*
 * @addr was touched in vain; @error is the FAULT_* bits.  With @must the answer
 * is neither NOMEM nor REAPED: for the kernel's own touch of a task's buffer.
 */
enum arena_fault arena_fault(unsigned long addr, unsigned long error,
			     bool must);

/*
 * Take the pages of a task that will not run any of its own code again, while
 * it may still be stuck in the kernel's; how many.  What it touches later is
 * ARENA_FAULT_REAPED.
 */
unsigned long arena_reap(struct anon_arena *arena);

/* -- Looking ----------------------------------------------------------------- */

/* Pages that are there.  Any context. */
unsigned long arena_nr_pages(const struct anon_arena *arena);

/*
 * Whose page this is and where: for PAGE_ANON.  The arena's lock must be taken
 * and the place looked at again before it is acted on.  NULL if the page is
 * not, or no longer, in one.
 */
struct anon_arena *page_arena(const struct page *page, unsigned long *addr);

struct arena_info {
	unsigned long arenas;  /* that are not destroyed */
	unsigned long windows; /* GiB of addresses they have */
	unsigned long pages;
};
void arena_get_info(struct arena_info *info);

/* Everything about @arena that can be checked; what is wrong, or NULL. */
const char *arena_check(struct anon_arena *arena);

/* By name from kernel_main(), after slab_init(). */
void arena_init(void);
