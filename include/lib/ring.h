/* SPDX-License-Identifier: MIT */
/*
 * ring.h - a byte queue of fixed size between one producer and one consumer.
 *
 * The two may run at the same time, in any contexts, without a lock; several
 * on one side share a lock of their own.  The counters run freely and wrap;
 * their difference is the fill, so that all @size bytes are usable.
 */
#pragma once

#include <lib/barrier.h>
#include <lib/compiler.h>

struct ring {
	/* Fixed at init. */
	u8 *data;
	u32 size; /* bytes, a power of two */

	/* Written by the producer only. */
	u32 head;

	/* Written by the consumer only. */
	u32 tail;
};

#define RING_INIT(buffer)                                                      \
	{                                                                      \
		.data = (u8 *)(buffer),                                        \
		.size = sizeof(buffer) +                                       \
			(u32)BUILD_BUG_ON_ZERO(sizeof(buffer) &                \
					       (sizeof(buffer) - 1)),          \
	}

/* A ring with its storage, at file scope. */
#define DEFINE_RING(name, bytes)                                               \
	static u8 name##_bytes[bytes];                                         \
	static struct ring name = RING_INIT(name##_bytes)

/* @size is a power of two; the buffer stays the caller's. */
static inline void ring_init(struct ring *r, void *buffer, u32 size)
{
	r->data = buffer;
	r->size = size;
	r->head = 0;
	r->tail = 0;
}

/* Bytes to be read.  Exact for either side in the only way it matters: the
 * consumer finds at least as many, the producer at most. */
static inline u32 ring_used(const struct ring *r)
{
	return READ_ONCE(r->head) - READ_ONCE(r->tail);
}

static inline u32 ring_space(const struct ring *r)
{
	return r->size - ring_used(r);
}

static inline bool ring_empty(const struct ring *r)
{
	return ring_used(r) == 0;
}

static inline bool ring_full(const struct ring *r)
{
	return ring_used(r) == r->size;
}

/* Consumer: forgets what is there. */
static inline void ring_clear(struct ring *r)
{
	smp_store_release(&r->tail, smp_load_acquire(&r->head));
}

/* Producer: false when full. */
static inline bool ring_put(struct ring *r, u8 byte)
{
	u32 head = r->head;

	/* Pairs with the release in ring_get(): the slot was read. */
	if (head - smp_load_acquire(&r->tail) == r->size)
		return false;
	r->data[head & (r->size - 1)] = byte;
	/* Pairs with the acquire in ring_get(): the byte is there. */
	smp_store_release(&r->head, head + 1);
	return true;
}

/* Consumer: false when empty. */
static inline bool ring_get(struct ring *r, u8 *byte)
{
	u32 tail = r->tail;

	/* Pairs with the release in ring_put(). */
	if (tail == smp_load_acquire(&r->head))
		return false;
	*byte = r->data[tail & (r->size - 1)];
	/* Pairs with the acquire in ring_put(). */
	smp_store_release(&r->tail, tail + 1);
	return true;
}

/* As many of @size bytes as fit, or as there are; returns how many. */
u32 ring_write(struct ring *r, const void *from, u32 size);
u32 ring_read(struct ring *r, void *to, u32 size);
/* Like ring_read(), but leaves them there. */
u32 ring_peek(const struct ring *r, void *to, u32 size);
