/* SPDX-License-Identifier: MIT */
/* list_test.c - rings and chains stay whole whatever is done to them. */
#include <lib/list.h>
#include <lib/random.h>
#include <lib/rculist.h>
#include <tests/test.h>

struct item {
	int key;
	int order; /* of insertion, to see stability */
	struct list_head link;
	struct hlist_node hash;
};

/* @nr items with keys 0, 1, 2... at the end of @head. */
static void add_items(struct list_head *head, struct item *items, int nr)
{
	for (int i = 0; i < nr; i++) {
		items[i].key = i;
		list_add_tail(&items[i].link, head);
	}
}

/* The keys as a decimal number: items 1, 2, 3 read as 123. */
static long keys_of(struct list_head *head)
{
	struct item *pos;
	long keys = 0;

	list_for_each_entry(pos, head, link)
		keys = keys * 10 + pos->key;
	return keys;
}

TEST(list, add_is_a_stack_and_add_tail_a_queue)
{
	struct item items[4] = {{.key = 1}, {.key = 2}, {.key = 3}, {.key = 4}};
	LIST_HEAD(head);

	EXPECT(list_empty(&head));
	list_add(&items[0].link, &head);
	EXPECT(list_is_singular(&head));
	list_add(&items[1].link, &head);
	list_add_tail(&items[2].link, &head);
	list_add_tail(&items[3].link, &head);

	EXPECT_EQ(keys_of(&head), 2134);
	EXPECT(!list_is_singular(&head));
	EXPECT(list_is_first(&items[1].link, &head));
	EXPECT(list_is_last(&items[3].link, &head));
	EXPECT_EQ(list_validate(&head, 4), 4);
}

TEST(list, del_closes_the_gap_and_poisons_the_entry)
{
	struct item items[3];
	LIST_HEAD(head);

	add_items(&head, items, 3);
	list_del(&items[1].link);

	EXPECT_EQ(keys_of(&head), 2);
	EXPECT_EQ(list_count_nodes(&head), 2);
	EXPECT_EQ(items[1].link.next, LIST_POISON1);
	EXPECT_EQ(items[1].link.prev, LIST_POISON2);

	list_del_init(&items[0].link);
	EXPECT(list_empty(&items[0].link));
	list_del(&items[2].link);
	EXPECT(list_empty(&head));
}

TEST(list, replace_and_move_keep_everyone_else_in_place)
{
	struct item items[4], other = {.key = 9};
	LIST_HEAD(head);

	add_items(&head, items, 4);
	list_replace_init(&items[1].link, &other.link);
	EXPECT_EQ(keys_of(&head), 923);
	EXPECT(list_empty(&items[1].link));

	list_move(&items[3].link, &head);
	EXPECT_EQ(keys_of(&head), 3092);
	list_move_tail(&other.link, &head);
	EXPECT_EQ(keys_of(&head), 3029);
	list_rotate_left(&head);
	EXPECT_EQ(keys_of(&head), 293);
	EXPECT_EQ(list_last_entry(&head, struct item, link)->key, 3);
	EXPECT_EQ(list_validate(&head, 4), 4);
}

TEST(list, splice_empties_its_source_into_place)
{
	struct item a[3], b[3] = {{.key = 7}, {.key = 8}, {.key = 9}};
	LIST_HEAD(to);
	LIST_HEAD(from);
	LIST_HEAD(empty);

	add_items(&to, a, 3);
	for (int i = 0; i < 3; i++)
		list_add_tail(&b[i].link, &from);

	list_splice_init(&from, &to);
	EXPECT(list_empty(&from));
	EXPECT_EQ(keys_of(&to), 789012);

	list_cut_position(&from, &to, &b[1].link);
	EXPECT_EQ(keys_of(&from), 78);
	EXPECT_EQ(keys_of(&to), 9012);

	list_splice_tail_init(&from, &to);
	EXPECT_EQ(keys_of(&to), 901278);
	list_splice_tail_init(&empty, &to);
	EXPECT_EQ(list_validate(&to, 6), 6);

	list_bulk_move_tail(&empty, &a[0].link, &a[2].link);
	EXPECT_EQ(keys_of(&empty), 12);
	EXPECT_EQ(keys_of(&to), 978);
	EXPECT_EQ(list_validate(&empty, 3), 3);
	EXPECT_EQ(list_validate(&to, 3), 3);
}

TEST(list, cut_takes_nothing_or_everything_at_the_ends)
{
	struct item items[3];
	LIST_HEAD(head);
	LIST_HEAD(cut);

	add_items(&head, items, 3);
	list_cut_position(&cut, &head, &head);
	EXPECT(list_empty(&cut));
	list_cut_before(&cut, &head, &items[0].link);
	EXPECT(list_empty(&cut));
	list_cut_before(&cut, &head, &items[2].link);
	EXPECT_EQ(keys_of(&cut), 1);
	EXPECT_EQ(keys_of(&head), 2);
	list_splice_init(&cut, &head);
	list_cut_position(&cut, &head, head.prev);
	EXPECT(list_empty(&head));
	EXPECT_EQ(list_validate(&cut, 3), 3);
}

TEST(list, walks_go_both_ways_and_resume)
{
	struct item items[5], *pos, *n;
	LIST_HEAD(head);
	long keys = 0;

	add_items(&head, items, 5);
	list_for_each_entry_reverse(pos, &head, link)
		keys = keys * 10 + pos->key;
	EXPECT_EQ(keys, 43210);

	keys = 0;
	pos = &items[1];
	list_for_each_entry_continue(pos, &head, link)
		keys = keys * 10 + pos->key;
	EXPECT_EQ(keys, 234);

	keys = 0;
	pos = &items[2];
	list_for_each_entry_from(pos, &head, link)
		keys = keys * 10 + pos->key;
	EXPECT_EQ(keys, 234);

	keys = 0;
	pos = &items[2];
	list_for_each_entry_continue_reverse(pos, &head, link)
		keys = keys * 10 + pos->key;
	EXPECT_EQ(keys, 10);

	list_for_each_entry_safe(pos, n, &head, link)
		if (pos->key & 1)
			list_del(&pos->link);
	EXPECT_EQ(keys_of(&head), 24);

	list_for_each_entry_safe_reverse(pos, n, &head, link)
		list_del(&pos->link);
	EXPECT(list_empty(&head));
	EXPECT(!list_first_entry_or_null(&head, struct item, link));
}

/* The readers' half needs CPUs; this is the pointers' half. */
TEST(list, rcu_removal_leaves_a_reader_its_way_on)
{
	struct item items[3], other = {.key = 9}, *pos;
	LIST_HEAD(head);
	long keys = 0;

	for (int i = 0; i < 3; i++) {
		items[i].key = i;
		list_add_tail_rcu(&items[i].link, &head);
	}
	list_del_rcu(&items[1].link);
	EXPECT_EQ(list_next_rcu(&items[1].link), &items[2].link);
	EXPECT_EQ(items[1].link.prev, LIST_POISON2);

	list_replace_rcu(&items[0].link, &other.link);
	EXPECT_EQ(list_next_rcu(&items[0].link), &items[2].link);
	list_for_each_entry_rcu(pos, &head, link)
		keys = keys * 10 + pos->key;
	EXPECT_EQ(keys, 92);
	EXPECT_EQ(list_validate(&head, 3), 2);
}

static int compare_keys(void *priv, const struct list_head *a,
			const struct list_head *b)
{
	(*(long *)priv)++;
	return list_entry(a, struct item, link)->key -
	       list_entry(b, struct item, link)->key;
}

/* Few distinct keys, so that equals are many; n log2 n comparisons suffice. */
TEST(list, sort_is_stable_and_cheap_at_any_length)
{
	static struct item items[300];
	struct prng rng;

	prng_init(&rng, test_seed());
	for (int nr = 0; nr <= 300; nr += nr < 20 ? 1 : 70) {
		struct item *pos, *last = NULL;
		long compared = 0;
		LIST_HEAD(head);

		for (int i = 0; i < nr; i++) {
			items[i].key = (int)prng_below(&rng, 20);
			items[i].order = i;
			list_add_tail(&items[i].link, &head);
		}
		list_sort(&compared, &head, compare_keys);

		ASSERT_EQ(list_validate(&head, nr), nr);
		EXPECT_LE(compared, nr * 9);
		list_for_each_entry(pos, &head, link) {
			if (last) {
				EXPECT_LE(last->key, pos->key);
				EXPECT(last->key != pos->key ||
				       last->order < pos->order);
			}
			last = pos;
		}
	}
}

TEST(list, validator_finds_a_link_that_does_not_hold)
{
	struct item items[4];
	LIST_HEAD(head);

	add_items(&head, items, 4);
	EXPECT_EQ(list_validate(&head, 4), 4);
	EXPECT_LT(list_validate(&head, 3), 0);

	items[2].link.prev = &items[0].link;
	EXPECT_LT(list_validate(&head, 4), 0);
	items[2].link.prev = &items[1].link;

	items[2].link.next = &items[0].link;
	EXPECT_LT(list_validate(&head, 4), 0);
	items[2].link.next = NULL;
	EXPECT_LT(list_validate(&head, 4), 0);
}

TEST(hlist, entries_leave_without_knowing_their_head)
{
	struct item items[4] = {{.key = 1}, {.key = 2}, {.key = 3}, {.key = 4}};
	struct item *pos;
	struct hlist_node *n;
	HLIST_HEAD(head);
	HLIST_HEAD(moved);
	long keys = 0;

	hlist_add_head(&items[0].hash, &head);
	hlist_add_head(&items[1].hash, &head);
	hlist_add_before(&items[2].hash, &items[0].hash);
	hlist_add_behind(&items[3].hash, &items[0].hash);
	hlist_for_each_entry(pos, &head, hash)
		keys = keys * 10 + pos->key;
	EXPECT_EQ(keys, 2314);

	hlist_del(&items[1].hash);
	EXPECT_EQ(items[1].hash.pprev, LIST_POISON2);
	hlist_del_init(&items[0].hash);
	EXPECT(hlist_unhashed(&items[0].hash));
	hlist_del_init(&items[0].hash);

	hlist_move_list(&head, &moved);
	EXPECT(hlist_empty(&head));
	keys = 0;
	hlist_for_each_entry_safe(pos, n, &moved, hash) {
		keys = keys * 10 + pos->key;
		hlist_del(&pos->hash);
	}
	EXPECT_EQ(keys, 34);
	EXPECT(hlist_empty(&moved));
}
