/* SPDX-License-Identifier: MIT */
/*
 * threads_test.c - what is called atomic is, with real threads on real CPUs.
 *
 * A lost update shows as a wrong sum in the end; more threads than CPUs, so
 * that some are interrupted in the middle of things.
 */
#include <pthread.h>

#include <lib/atomic.h>
#include <lib/bitops.h>
#include <lib/llist.h>
#include <lib/refcount.h>
#include <lib/ring.h>
#include <tests/test.h>

#define NR_THREADS 4
#define NR_ROUNDS  20000

/* Runs @fn(0) to @fn(NR_THREADS - 1) at the same time. */
static void in_threads(void *(*fn)(void *))
{
	pthread_t threads[NR_THREADS];

	for (long i = 0; i < NR_THREADS; i++)
		ASSERT_EQ(pthread_create(&threads[i], NULL, fn, (void *)i), 0);
	for (int i = 0; i < NR_THREADS; i++)
		EXPECT_EQ(pthread_join(threads[i], NULL), 0);
}

static atomic_t counter;
static atomic_long_t by_cmpxchg;
static u64 plain_words[2];

static void *add_in_every_way(void *arg)
{
	for (int i = 0; i < NR_ROUNDS; i++) {
		long old = atomic_long_read(&by_cmpxchg);
		u64 seen = READ_ONCE(plain_words[0]);

		atomic_inc(&counter);
		(void)atomic_fetch_add_relaxed(2, &counter);
		(void)atomic_dec_return(&counter);
		while (!atomic_long_try_cmpxchg(&by_cmpxchg, &old, old + 3))
			;
		while (!try_cmpxchg(&plain_words[0], &seen, seen + 1))
			;
	}
	return arg;
}

TEST(threads, no_increment_is_lost)
{
	atomic_set(&counter, 0);
	atomic_long_set(&by_cmpxchg, 0);
	plain_words[0] = plain_words[1] = 0;
	in_threads(add_in_every_way);
	EXPECT_EQ(atomic_read(&counter), 2 * NR_THREADS * NR_ROUNDS);
	EXPECT_EQ(atomic_long_read(&by_cmpxchg), 3 * NR_THREADS * NR_ROUNDS);
	EXPECT_EQ(plain_words[0], NR_THREADS * NR_ROUNDS);
	EXPECT_EQ(plain_words[1], 0);
}

static u64 pair[2] __aligned(16);

/* The high word is always three times the low one, or someone saw half. */
static void *step_pair(void *arg)
{
	for (int i = 0; i < NR_ROUNDS; i++) {
		u64 lo, hi;

		do {
			lo = READ_ONCE(pair[0]);
			hi = READ_ONCE(pair[1]);
		} while (!cmpxchg_double(pair, lo, hi, lo + 1, hi + 3));
		ASSERT_EQ(hi, 3 * lo);
	}
	return arg;
}

TEST(threads, both_words_of_a_pair_change_together)
{
	pair[0] = pair[1] = 0;
	in_threads(step_pair);
	EXPECT_EQ(pair[0], NR_THREADS * NR_ROUNDS);
	EXPECT_EQ(pair[1], 3 * NR_THREADS * NR_ROUNDS);
}

static unsigned long bits[2];

/* Each thread owns every fourth bit of words that all share. */
static void *flip_own_bits(void *arg)
{
	for (int i = 0; i < NR_ROUNDS; i++) {
		unsigned long bit = (long)arg + i % 32 * NR_THREADS;

		EXPECT(!test_and_set_bit(bit, bits));
		EXPECT(test_bit(bit, bits));
		EXPECT(test_and_clear_bit(bit, bits));
	}
	return arg;
}

TEST(threads, neighbouring_bits_do_not_disturb_each_other)
{
	bits[0] = bits[1] = 0;
	in_threads(flip_own_bits);
	EXPECT_EQ(bits[0], 0);
	EXPECT_EQ(bits[1], 0);
}

static refcount_t refs;
static atomic_t nr_freed;

static void *get_and_put(void *arg)
{
	for (int i = 0; i < NR_ROUNDS; i++) {
		refcount_inc(&refs);
		if (refcount_dec_and_test(&refs))
			atomic_inc(&nr_freed);
	}
	if (refcount_dec_and_test(&refs))
		atomic_inc(&nr_freed);
	return arg;
}

TEST(threads, the_last_put_happens_once)
{
	refcount_set(&refs, NR_THREADS);
	atomic_set(&nr_freed, 0);
	in_threads(get_and_put);
	EXPECT_EQ(refcount_read(&refs), 0);
	EXPECT_EQ(atomic_read(&nr_freed), 1);
}

struct parcel {
	int from;
	struct llist_node link;
};

static struct parcel parcels[NR_THREADS][NR_ROUNDS];
static struct llist_head inbox;

/* Thread 0 collects what the others push. */
static void *push_or_collect(void *arg)
{
	long self = (long)arg;
	int received[NR_THREADS] = {0}, nr = 0;

	for (int i = 0; self && i < NR_ROUNDS; i++) {
		parcels[self][i].from = (int)self;
		llist_add(&parcels[self][i].link, &inbox);
	}
	while (!self && nr < (NR_THREADS - 1) * NR_ROUNDS) {
		struct llist_node *chain = llist_del_all(&inbox);
		struct parcel *p, *n;

		chain = llist_reverse_order(chain);
		llist_for_each_entry_safe (p, n, chain, link) {
			/* In each sender's own order. */
			ASSERT_EQ(p, &parcels[p->from][received[p->from]]);
			received[p->from]++;
			nr++;
		}
	}
	return arg;
}

TEST(threads, every_push_arrives_once_and_in_order)
{
	init_llist_head(&inbox);
	in_threads(push_or_collect);
	EXPECT(llist_empty(&inbox));
}

#define NR_BYTES 200000

static u8 pipe_bytes[64];
static struct ring pipe_ring = RING_INIT(pipe_bytes);

static void *produce(void *arg)
{
	u8 chunk[24];

	for (u32 sent = 0; sent < NR_BYTES;) {
		u32 n = NR_BYTES - sent < 24 ? NR_BYTES - sent : 24;

		for (u32 i = 0; i < n; i++)
			chunk[i] = (u8)((sent + i) * 7);
		if (sent % 5)
			sent += ring_write(&pipe_ring, chunk, n);
		else
			sent += ring_put(&pipe_ring, chunk[0]);
	}
	return arg;
}

TEST(threads, ring_needs_no_lock_between_its_two_ends)
{
	pthread_t producer;
	u8 chunk[40];

	ASSERT_EQ(pthread_create(&producer, NULL, produce, NULL), 0);
	for (u32 got = 0; got < NR_BYTES;) {
		u32 n = ring_read(&pipe_ring, chunk, sizeof(chunk));

		for (u32 i = 0; i < n; i++)
			EXPECT_EQ(chunk[i], (u8)((got + i) * 7));
		got += n;
	}
	EXPECT_EQ(pthread_join(producer, NULL), 0);
	EXPECT(ring_empty(&pipe_ring));
}

static int mailbox, mail_flag;

/* Store buffering: without a full barrier both threads may read 0. */
static int sb_x, sb_y, sb_seen_x[NR_ROUNDS], sb_seen_y[NR_ROUNDS];
static atomic_t sb_gate;

static void sb_meet(int round)
{
	atomic_inc(&sb_gate);
	while (atomic_read(&sb_gate) < 2 * (round + 1))
		;
}

static void *post_mail(void *arg)
{
	for (int i = 1; i <= NR_ROUNDS; i++) {
		WRITE_ONCE(mailbox, i);
		smp_store_release(&mail_flag, i);
	}
	return arg;
}

TEST(threads, release_publishes_what_came_before)
{
	pthread_t poster;
	int seen;

	mailbox = mail_flag = 0;
	ASSERT_EQ(pthread_create(&poster, NULL, post_mail, NULL), 0);
	do {
		seen = smp_load_acquire(&mail_flag);
		EXPECT_GE(READ_ONCE(mailbox), seen);
	} while (seen < NR_ROUNDS);
	EXPECT_EQ(pthread_join(poster, NULL), 0);
}

static void *store_y_read_x(void *arg)
{
	for (int i = 0; i < 2000; i++) {
		sb_meet(3 * i);
		WRITE_ONCE(sb_y, i + 1);
		smp_mb();
		sb_seen_x[i] = READ_ONCE(sb_x);
		sb_meet(3 * i + 1);
		sb_meet(3 * i + 2);
	}
	return arg;
}

TEST(threads, full_barrier_keeps_loads_behind_stores)
{
	pthread_t other;

	sb_x = sb_y = 0;
	atomic_set(&sb_gate, 0);
	ASSERT_EQ(pthread_create(&other, NULL, store_y_read_x, NULL), 0);
	for (int i = 0; i < 2000; i++) {
		sb_meet(3 * i);
		WRITE_ONCE(sb_x, i + 1);
		smp_mb();
		sb_seen_y[i] = READ_ONCE(sb_y);
		sb_meet(3 * i + 1);
		EXPECT(sb_seen_y[i] == i + 1 || sb_seen_x[i] == i + 1);
		sb_meet(3 * i + 2);
	}
	EXPECT_EQ(pthread_join(other, NULL), 0);
}
