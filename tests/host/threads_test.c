/* SPDX-License-Identifier: MIT */
/*
 * threads_test.c - what is called atomic is, with real threads on real CPUs.
 *
 * A lost update shows as a wrong sum in the end; more threads than CPUs, so
 * that some are interrupted in the middle of things.
 */
#include <pthread.h>
#include <sched.h>

#include <lib/atomic.h>
#include <lib/bitops.h>
#include <lib/llist.h>
#include <lib/refcount.h>
#include <lib/ring.h>
#include <tests/test.h>

#define NR_THREADS 4
#define NR_ROUNDS  50000

/* Threads that start one after the other may also end so, and never meet. */
static pthread_barrier_t start;

struct job {
	pthread_t thread;
	void (*fn)(long self);
	long self;
};

static void *start_together(void *arg)
{
	struct job *job = arg;

	pthread_barrier_wait(&start);
	job->fn(job->self);
	return NULL;
}

/* Runs @fn(0) to @fn(@nr - 1) at the same time. */
static void run_threads(void (*fn)(long self), int nr)
{
	struct job jobs[NR_THREADS];

	ASSERT_EQ(pthread_barrier_init(&start, NULL, nr), 0);
	for (int i = 0; i < nr; i++) {
		jobs[i].fn = fn;
		jobs[i].self = i;
		ASSERT_EQ(pthread_create(&jobs[i].thread, NULL, start_together,
					 &jobs[i]),
			  0);
	}
	for (int i = 0; i < nr; i++)
		EXPECT_EQ(pthread_join(jobs[i].thread, NULL), 0);
	pthread_barrier_destroy(&start);
}

static atomic_t counter;
static atomic_long_t by_cmpxchg;
static u64 plain_words[2];

static void add_in_every_way(long self)
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
}

TEST(threads, no_increment_is_lost)
{
	atomic_set(&counter, 0);
	atomic_long_set(&by_cmpxchg, 0);
	plain_words[0] = plain_words[1] = 0;
	run_threads(add_in_every_way, NR_THREADS);
	EXPECT_EQ(atomic_read(&counter), 2 * NR_THREADS * NR_ROUNDS);
	EXPECT_EQ(atomic_long_read(&by_cmpxchg), 3 * NR_THREADS * NR_ROUNDS);
	EXPECT_EQ(plain_words[0], NR_THREADS * NR_ROUNDS);
	EXPECT_EQ(plain_words[1], 0);
}

static u64 pair[2] __aligned(16);

/* The high word is always three times the low one, or someone saw half. */
static void step_pair(long self)
{
	for (int i = 0; i < NR_ROUNDS; i++) {
		u64 lo, hi;

		do {
			lo = READ_ONCE(pair[0]);
			hi = READ_ONCE(pair[1]);
		} while (!cmpxchg_double(pair, lo, hi, lo + 1, hi + 3));
		ASSERT_EQ(hi, 3 * lo);
	}
}

TEST(threads, both_words_of_a_pair_change_together)
{
	pair[0] = pair[1] = 0;
	run_threads(step_pair, NR_THREADS);
	EXPECT_EQ(pair[0], NR_THREADS * NR_ROUNDS);
	EXPECT_EQ(pair[1], 3 * NR_THREADS * NR_ROUNDS);
}

static unsigned long bits[2];

/* Each thread owns every fourth bit of words that all share. */
static void flip_own_bits(long self)
{
	for (int i = 0; i < NR_ROUNDS; i++) {
		unsigned long bit = self + i % 32 * NR_THREADS;

		EXPECT(!test_and_set_bit(bit, bits));
		EXPECT(test_bit(bit, bits));
		EXPECT(test_and_clear_bit(bit, bits));
	}
}

TEST(threads, neighbouring_bits_do_not_disturb_each_other)
{
	bits[0] = bits[1] = 0;
	run_threads(flip_own_bits, NR_THREADS);
	EXPECT_EQ(bits[0], 0);
	EXPECT_EQ(bits[1], 0);
}

static refcount_t refs;
static atomic_t nr_freed;

static void get_and_put(long self)
{
	for (int i = 0; i < NR_ROUNDS; i++) {
		refcount_inc(&refs);
		if (refcount_dec_and_test(&refs))
			atomic_inc(&nr_freed);
	}
	if (refcount_dec_and_test(&refs))
		atomic_inc(&nr_freed);
}

TEST(threads, the_last_put_happens_once)
{
	refcount_set(&refs, NR_THREADS);
	atomic_set(&nr_freed, 0);
	run_threads(get_and_put, NR_THREADS);
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
static void push_or_collect(long self)
{
	int received[NR_THREADS] = {0}, nr = 0;

	for (int i = 0; self && i < NR_ROUNDS; i++) {
		parcels[self][i].from = (int)self;
		llist_add(&parcels[self][i].link, &inbox);
	}
	while (!self && nr < (NR_THREADS - 1) * NR_ROUNDS) {
		struct llist_node *chain = llist_del_all(&inbox);
		struct parcel *p, *n;

		chain = llist_reverse_order(chain);
		llist_for_each_entry_safe(p, n, chain, link) {
			/* In each sender's own order. */
			ASSERT_EQ(p, &parcels[p->from][received[p->from]]);
			received[p->from]++;
			nr++;
		}
	}
}

TEST(threads, every_push_arrives_once_and_in_order)
{
	init_llist_head(&inbox);
	run_threads(push_or_collect, NR_THREADS);
	EXPECT(llist_empty(&inbox));
}

#define NR_BYTES 200000

static u8 pipe_bytes[64];
static struct ring pipe_ring = RING_INIT(pipe_bytes);

static void produce(void)
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
}

static void consume(void)
{
	u8 chunk[40];

	for (u32 got = 0; got < NR_BYTES;) {
		u32 n = ring_read(&pipe_ring, chunk, sizeof(chunk));

		for (u32 i = 0; i < n; i++)
			EXPECT_EQ(chunk[i], (u8)((got + i) * 7));
		got += n;
		if (!n)
			sched_yield();
	}
}

static void produce_or_consume(long self)
{
	if (self)
		produce();
	else
		consume();
}

TEST(threads, ring_needs_no_lock_between_its_two_ends)
{
	run_threads(produce_or_consume, 2);
	EXPECT(ring_empty(&pipe_ring));
}

static int mailbox, mail_flag;

static void post_or_fetch_mail(long self)
{
	int seen;

	for (int i = 1; self && i <= NR_ROUNDS; i++) {
		WRITE_ONCE(mailbox, i);
		smp_store_release(&mail_flag, i);
	}
	while (!self) {
		seen = smp_load_acquire(&mail_flag);
		EXPECT_GE(READ_ONCE(mailbox), seen);
		if (seen == NR_ROUNDS)
			break;
	}
}

TEST(threads, release_publishes_what_came_before)
{
	mailbox = mail_flag = 0;
	run_threads(post_or_fetch_mail, 2);
}

#define NR_MEETINGS 5000

/*
 * Each thread stores to its own word, then looks at the other's.  Without a
 * full barrier both stores may still sit in their buffers when both look, and
 * both see the past.
 */
static int own_word[2], seen_word[2][NR_MEETINGS];
static atomic_t arrivals;

/* Both threads pass the @nth meeting at once. */
static void meet(int nth)
{
	atomic_inc(&arrivals);
	for (int i = 1; atomic_read(&arrivals) < 2 * (nth + 1); i++)
		if (i % 1000 == 0)
			sched_yield();
}

static void store_own_then_look(long self)
{
	for (int i = 0; i < NR_MEETINGS; i++) {
		meet(i);
		WRITE_ONCE(own_word[self], i + 1);
		smp_mb();
		seen_word[self][i] = READ_ONCE(own_word[!self]);
	}
}

TEST(threads, full_barrier_keeps_loads_behind_stores)
{
	own_word[0] = own_word[1] = 0;
	atomic_set(&arrivals, 0);
	run_threads(store_own_then_look, 2);
	for (int i = 0; i < NR_MEETINGS; i++)
		EXPECT(seen_word[0][i] > i || seen_word[1][i] > i);
}
