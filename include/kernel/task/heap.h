/* SPDX-License-Identifier: MIT */
/*
 * heap.h - memory for one task's malloc, given back as a whole.
 *
 * Task context only: everything here may sleep.  Any task may free or resize
 * any block; the heap that a block came from is found in front of it.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct anon_arena;
struct heap;

/* What blocks are aligned to unless more is asked for. */
#define HEAP_ALIGN 16

/* NULL when there is no memory.  @name must outlive the heap. */
struct heap *heap_create(const char *name);

/* The same, with all its memory in @arena: a page is not taken, and not paid
 * for, before it is touched. */
struct heap *heap_create_in(struct anon_arena *arena, const char *name);

/* Gives back all its memory, what is still allocated as well. */
void heap_destroy(struct heap *heap);

/* Instead, when the arena that it is in goes as a whole. */
void heap_abandon(struct heap *heap);

/* @align is a power of two.  NULL when there is no memory. */
void *heap_alloc(struct heap *heap, size_t align, size_t size);

/*
 * Returns false, and changes nothing, when @p is no block that is allocated:
 * freed before, or overwritten in front.  A NULL is freed well.
 */
bool heap_free(void *p);

/*
 * Makes the block hold @size bytes, in place or by moving it into @heap.  On
 * failure returns NULL and leaves the block as it was.
 */
void *heap_realloc(struct heap *heap, void *p, size_t size);

/* How many bytes may be used behind @p, at least what was asked for. */
size_t heap_usable_size(const void *p);

/* Gives back what is held in reserve.  Returns whether there was something. */
bool heap_trim(struct heap *heap);

struct heap_stats {
	size_t held;   /* bytes taken from the system */
	size_t used;   /* bytes in blocks, with their headers */
	size_t peak;   /* the most that was ever held */
	size_t blocks; /* blocks allocated */
};
void heap_get_stats(struct heap *heap, struct heap_stats *stats);

/* Walks everything; returns what is wrong, or NULL. */
const char *heap_check(struct heap *heap);
