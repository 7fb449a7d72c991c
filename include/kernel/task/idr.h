/* SPDX-License-Identifier: MIT */
/*
 * idr.h - small numbers for things: the lowest that is free.
 *
 * An ida hands out numbers; an idr remembers a pointer for each.
 *
 *	id = ida_alloc(&ids, GFP_KERNEL);	ida_free(&ids, id);
 *
 *	id = idr_alloc(&map, obj, 1, 0, GFP_KERNEL);
 *	rcu_read_lock();
 *	obj = idr_find(&map, id);		idr_remove(&map, id);
 *
 * Finding a free number takes a step for each factor of 64 in the highest one,
 * and so does looking a pointer up.  Memory grows with the numbers in use and is
 * given back with them.
 *
 * Context: allocating with a flag that may sleep, tasks; otherwise, and for all
 * else, any but NMI.  idr_find() runs beside everything, under rcu_read_lock();
 * whoever removes a pointer frees what it points to after a grace period.
 */
#pragma once
#include <kernel/core/spinlock.h>
#include <lib/compiler.h>
#include <lib/types.h>
#include <mm/page/gfp.h>

struct id_node;

struct idr {
	spinlock_t lock;

	/* Fixed at init: an ida's leaves have no pointers. */
	bool holds_pointers;

	/* Under lock; followed under RCU. */
	struct id_node *root;
};

struct ida {
	struct idr ids;
};

#define IDR_INIT(name, pointers)                                               \
	{                                                                      \
		.lock = __SPIN_LOCK_UNLOCKED((name).lock),                     \
		.holds_pointers = (pointers)                                   \
	}
#define DEFINE_IDR(name) struct idr name = IDR_INIT(name, true)
#define DEFINE_IDA(name) struct ida name = {.ids = IDR_INIT((name).ids, false)}

#define __idr_init(idr, pointers)                                              \
	do {                                                                   \
		spin_lock_init(&(idr)->lock);                                  \
		(idr)->holds_pointers = (pointers);                            \
		(idr)->root = NULL;                                            \
	} while (0)
#define idr_init(idr) __idr_init(idr, true)
#define ida_init(ida) __idr_init(&(ida)->ids, false)

/*
 * The lowest free number from @start to below @end (0: no bound) now stands for
 * @ptr, which may be NULL.  -EINVAL for a range that is none, -ENOSPC when all of
 * it is taken, -ENOMEM; nothing has changed then.
 */
int idr_alloc(struct idr *idr, void *ptr, int start, int end, gfp_t gfp);

/* What @id stands for, or NULL. */
void *idr_find(const struct idr *idr, int id);

/* @id, which must be in use, stands for @ptr; returns what it stood for, or
 * ERR_PTR(-ENOENT). */
void *idr_replace(struct idr *idr, void *ptr, int id);

/* Returns what it stood for; NULL for what is not in use. */
void *idr_remove(struct idr *idr, int id);

/* The lowest number in use at or above *@id and what it stands for; -ENOENT at
 * the end.  0 sets both.  For walks: *@id + 1 next. */
int idr_next(struct idr *idr, int *id, void **ptr);

/* The walk: @entry and its @id, in order. */
#define idr_for_each_entry(idr, entry, id)                                     \
	for ((id) = 0; ({                                                      \
		     void *ptr_ = NULL;                                        \
		     bool more_ = !idr_next(idr, &(id), &ptr_);                \
		     (entry) = ptr_;                                           \
		     more_;                                                    \
	     });                                                               \
	     (id)++)

bool idr_is_empty(const struct idr *idr);

/* Forgets all; frees nothing that the pointers point to. */
void idr_destroy(struct idr *idr);

/* @min to @max, both included. */
int ida_alloc_range(struct ida *ida, unsigned int min, unsigned int max,
		    gfp_t gfp);
static inline int ida_alloc(struct ida *ida, gfp_t gfp)
{
	return ida_alloc_range(ida, 0, S32_MAX, gfp);
}
static inline int ida_alloc_min(struct ida *ida, unsigned int min, gfp_t gfp)
{
	return ida_alloc_range(ida, min, S32_MAX, gfp);
}
static inline int ida_alloc_max(struct ida *ida, unsigned int max, gfp_t gfp)
{
	return ida_alloc_range(ida, 0, max, gfp);
}

/* @id must be in use: anything else is reported and ignored. */
void ida_free(struct ida *ida, unsigned int id);
bool ida_is_empty(const struct ida *ida);
void ida_destroy(struct ida *ida);

/* By name from kernel_main(), after the slab allocator. */
void ids_init(void);

/* Checks the whole tree; returns how many numbers are in use, or -EINVAL. */
long idr_validate(struct idr *idr);
long ida_validate(struct ida *ida);
