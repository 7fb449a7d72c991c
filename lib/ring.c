/* SPDX-License-Identifier: MIT */
/*
 * ring.c - many bytes through a ring at once.
 *
 * The same handshake as for single bytes (see ring.h): the other side's
 * counter is loaded with acquire, our own stored with release after the bytes
 * have moved.  A run that wraps is moved in two pieces.
 */
#include <string.h>

#include <lib/math.h>
#include <lib/ring.h>

/* Bytes from position @at to the end of the buffer. */
static u32 until_wrap(const struct ring *r, u32 at)
{
	return r->size - (at & (r->size - 1));
}

u32 ring_write(struct ring *r, const void *from, u32 size)
{
	u32 head = r->head, offset = head & (r->size - 1), first;

	/* Pairs with the release in ring_read(). */
	size = min(size, r->size - (head - smp_load_acquire(&r->tail)));
	first = min(size, until_wrap(r, head));

	memcpy(r->data + offset, from, first);
	memcpy(r->data, (const u8 *)from + first, size - first);
	/* Pairs with the acquire in ring_peek(). */
	smp_store_release(&r->head, head + size);
	return size;
}

u32 ring_peek(const struct ring *r, void *to, u32 size)
{
	u32 tail = r->tail, offset = tail & (r->size - 1), first;

	/* Pairs with the release in ring_write(). */
	size = min(size, smp_load_acquire(&r->head) - tail);
	first = min(size, until_wrap(r, tail));

	memcpy(to, r->data + offset, first);
	memcpy((u8 *)to + first, r->data, size - first);
	return size;
}

u32 ring_read(struct ring *r, void *to, u32 size)
{
	size = ring_peek(r, to, size);
	/* Pairs with the acquire in ring_write(). */
	smp_store_release(&r->tail, r->tail + size);
	return size;
}
