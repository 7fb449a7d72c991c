/* SPDX-License-Identifier: MIT */
/* ring_test.c - bytes come out as they went in, all of them, once. */
#include <string.h>

#include <lib/random.h>
#include <lib/ring.h>
#include <tests/test.h>

TEST(ring, every_byte_of_the_buffer_is_usable)
{
	u8 storage[8], byte = 0xee;
	struct ring r = RING_INIT(storage);

	EXPECT(ring_empty(&r));
	EXPECT(!ring_get(&r, &byte));
	for (int i = 0; i < 8; i++)
		EXPECT(ring_put(&r, (u8)i));
	EXPECT(ring_full(&r));
	EXPECT(!ring_put(&r, 99));
	EXPECT_EQ(ring_space(&r), 0);

	for (int i = 0; i < 8; i++) {
		ASSERT(ring_get(&r, &byte));
		EXPECT_EQ(byte, i);
	}
	EXPECT(ring_empty(&r));
}

/* Random pieces, with the counters about to wrap. */
TEST(ring, random_reads_and_writes_keep_the_order)
{
	u8 storage[16], in[24], out[24];
	struct ring r = RING_INIT(storage);
	u8 next_in = 0, next_out = 0;
	struct prng rng;
	u32 fill = 0;

	prng_init(&rng, test_seed());
	r.head = r.tail = (u32)-100;
	for (int round = 0; round < 2000; round++) {
		u32 size = (u32)prng_below(&rng, sizeof(in)), done;

		if (prng_one_in(&rng, 2)) {
			for (u32 i = 0; i < size; i++)
				in[i] = (u8)(next_in + i);
			done = ring_write(&r, in, size);
			EXPECT_EQ(done, size < 16 - fill ? size : 16 - fill);
			next_in += done;
			fill += done;
		} else {
			memset(out, 0xee, sizeof(out));
			done = ring_peek(&r, out, size);
			EXPECT_EQ(ring_used(&r), fill);
			memset(out, 0xee, sizeof(out));
			EXPECT_EQ(ring_read(&r, out, size), done);
			EXPECT_EQ(done, size < fill ? size : fill);
			for (u32 i = 0; i < done; i++)
				ASSERT_EQ(out[i], next_out++);
			for (u32 i = done; i < sizeof(out); i++)
				ASSERT_EQ(out[i], 0xee);
			fill -= done;
		}
		ASSERT_EQ(ring_used(&r), fill);
	}
}

TEST(ring, peek_leaves_and_clear_forgets)
{
	u8 storage[4], out[4];
	struct ring r;

	ring_init(&r, storage, sizeof(storage));
	EXPECT_EQ(ring_write(&r, "abc", 3), 3);
	EXPECT_EQ(ring_peek(&r, out, 2), 2);
	EXPECT(!memcmp(out, "ab", 2));
	EXPECT_EQ(ring_used(&r), 3);
	ring_clear(&r);
	EXPECT(ring_empty(&r));
	EXPECT_EQ(ring_read(&r, out, 4), 0);
}
