/* SPDX-License-Identifier: MIT */
/* rbtree_test.c - always balanced, always in order, nothing lost. */
#include <lib/random.h>
#include <lib/rbtree.h>
#include <tests/test.h>

#define NR_ITEMS 512

struct item {
	int key;
	int order;
	bool present;
	struct rb_node node;
};

static struct item items[NR_ITEMS];

static struct item *item_of(const struct rb_node *node)
{
	return rb_entry(node, struct item, node);
}

static bool less(const struct rb_node *a, const struct rb_node *b)
{
	return item_of(a)->key < item_of(b)->key;
}

static int compare(const void *key, const struct rb_node *node)
{
	return *(const int *)key - item_of(node)->key;
}

/* Keys 0 to nr - 1, inserted in random order. */
static void fill(struct rb_root *root, int nr, struct prng *rng)
{
	static int order[NR_ITEMS];

	for (int i = 0; i < nr; i++)
		order[i] = i;
	prng_shuffle(rng, order, nr, sizeof(*order));
	for (int i = 0; i < nr; i++) {
		items[order[i]].key = order[i];
		rb_add(&items[order[i]].node, root, less);
	}
}

/* The tree holds exactly the items marked present, forwards and backwards. */
static void expect_same(struct rb_root *root, int nr)
{
	struct rb_node *node = rb_first(root), *back = rb_last(root);

	for (int i = 0; i < nr; i++) {
		if (!items[i].present)
			continue;
		ASSERT_EQ(node, &items[i].node);
		node = rb_next(node);
	}
	EXPECT(!node);

	for (int i = nr - 1; i >= 0; i--) {
		if (!items[i].present)
			continue;
		ASSERT_EQ(back, &items[i].node);
		back = rb_prev(back);
	}
	EXPECT(!back);
}

/* A random item comes or goes; the marks in items[] are the reference. */
TEST(rbtree, random_inserts_and_erases_agree_with_a_reference)
{
	struct rb_root root = RB_ROOT;
	struct prng rng;
	long nr = 0;

	prng_init(&rng, test_seed());
	for (int i = 0; i < NR_ITEMS; i++)
		items[i] = (struct item){.key = i};

	for (int step = 0; step < 4000; step++) {
		struct item *item = &items[prng_below(&rng, NR_ITEMS)];

		if (item->present) {
			rb_erase(&item->node, &root);
			nr--;
		} else {
			rb_add(&item->node, &root, less);
			nr++;
		}
		item->present = !item->present;

		ASSERT_EQ(rb_validate(&root, less), nr);
		if (step % 100 == 0)
			expect_same(&root, NR_ITEMS);
	}
	expect_same(&root, NR_ITEMS);
}

/* Ascending order is what unbalances a plain tree most. */
TEST(rbtree, sorted_input_gives_a_shallow_tree)
{
	struct rb_root root = RB_ROOT;

	for (int i = 0; i < NR_ITEMS; i++) {
		items[i] = (struct item){.key = i, .present = true};
		rb_add(&items[i].node, &root, less);
	}
	EXPECT_EQ(rb_validate(&root, less), NR_ITEMS);

	for (int i = 0; i < NR_ITEMS; i++) {
		int depth = 0;

		for (struct rb_node *n = &items[i].node; n; n = rb_parent(n))
			depth++;
		/* 2 * log2(NR_ITEMS + 1), rounded up. */
		EXPECT_LE(depth, 19);
	}

	for (int i = 0; i < NR_ITEMS; i++) {
		rb_erase(&items[i].node, &root);
		ASSERT_EQ(rb_validate(&root, less), NR_ITEMS - 1 - i);
	}
	EXPECT(RB_EMPTY_ROOT(&root));
}

TEST(rbtree, equals_stay_in_order_of_arrival)
{
	struct rb_root root = RB_ROOT;
	int i = 0;

	for (i = 0; i < 100; i++) {
		items[i] = (struct item){.key = i % 5, .order = i};
		rb_add(&items[i].node, &root, less);
	}
	i = 0;
	for (struct rb_node *n = rb_first(&root); n; n = rb_next(n)) {
		EXPECT_EQ(item_of(n)->order, i % 20 * 5 + i / 20);
		i++;
	}
	EXPECT_EQ(i, 100);
}

TEST(rbtree, find_finds_what_is_there_and_nothing_else)
{
	struct rb_root root = RB_ROOT;
	struct prng rng;

	prng_init(&rng, test_seed());
	fill(&root, 100, &rng);
	for (int key = -2; key < 102; key++) {
		struct rb_node *node = rb_find(&key, &root, compare);

		if (key < 0 || key >= 100)
			EXPECT(!node);
		else
			EXPECT_EQ(node, &items[key].node);
	}
}

TEST(rbtree, cached_root_always_knows_its_leftmost)
{
	struct rb_root_cached root = RB_ROOT_CACHED;
	struct prng rng;

	prng_init(&rng, test_seed());
	for (int i = 0; i < NR_ITEMS; i++)
		items[i] = (struct item){.key = (int)prng_below(&rng, 100)};

	for (int step = 0; step < 3000; step++) {
		struct item *item = &items[prng_below(&rng, NR_ITEMS)];

		if (item->present)
			rb_erase_cached(&item->node, &root);
		else
			rb_add_cached(&item->node, &root, less);
		item->present = !item->present;
		ASSERT_EQ(rb_first_cached(&root), rb_first(&root.rb_root));
	}
	EXPECT_GE(rb_validate(&root.rb_root, less), 0);
}

TEST(rbtree, replace_changes_one_node_only)
{
	struct rb_root root = RB_ROOT;
	struct prng rng;

	prng_init(&rng, test_seed());
	fill(&root, 100, &rng);
	for (int i = 0; i < 100; i++) {
		struct item *new = &items[200 + i];

		new->key = i;
		rb_replace_node(&items[i].node, &new->node, &root);
		RB_CLEAR_NODE(&items[i].node);
		EXPECT(RB_EMPTY_NODE(&items[i].node));
		EXPECT(!RB_EMPTY_NODE(&new->node));
		ASSERT_EQ(rb_validate(&root, less), 100);
		EXPECT_EQ(rb_find(&i, &root, compare), &new->node);
	}
}

TEST(rbtree, postorder_leaves_every_parent_to_last)
{
	struct rb_root root = RB_ROOT;
	struct item *pos, *n;
	struct prng rng;
	int visited = 0;

	prng_init(&rng, test_seed());
	fill(&root, 200, &rng);
	for (int i = 0; i < 200; i++)
		items[i].present = true;

	rbtree_postorder_for_each_entry_safe(pos, n, &root, node)
	{
		struct rb_node *left = pos->node.rb_left;
		struct rb_node *right = pos->node.rb_right;

		EXPECT(!left || !item_of(left)->present);
		EXPECT(!right || !item_of(right)->present);
		pos->present = false;
		visited++;
	}
	EXPECT_EQ(visited, 200);
}

TEST(rbtree, an_empty_tree_answers_everything)
{
	struct rb_root root = RB_ROOT;
	int key = 0;

	EXPECT(RB_EMPTY_ROOT(&root));
	EXPECT(!rb_first(&root));
	EXPECT(!rb_last(&root));
	EXPECT(!rb_first_postorder(&root));
	EXPECT(!rb_find(&key, &root, compare));
	EXPECT_EQ(rb_validate(&root, less), 0);
}

/* Each way to break a tree is noticed, and mending it is, too. */
TEST(rbtree, validator_notices_each_broken_invariant)
{
	struct rb_root root = RB_ROOT;
	struct rb_node *top, *left, *leaf, *parent;
	unsigned long saved;
	struct prng rng;

	prng_init(&rng, test_seed());
	fill(&root, 100, &rng);
	ASSERT_EQ(rb_validate(&root, less), 100);
	top = root.rb_node;
	left = top->rb_left;
	leaf = rb_first(&root);

	/* Order. */
	swap(item_of(top)->key, item_of(leaf)->key);
	EXPECT_LT(rb_validate(&root, less), 0);
	EXPECT_EQ(rb_validate(&root, NULL), 100);
	swap(item_of(top)->key, item_of(leaf)->key);

	/* Colour: a red root; any other node's flips some height or clashes. */
	top->parent_color ^= 1;
	EXPECT_LT(rb_validate(&root, less), 0);
	top->parent_color ^= 1;
	leaf->parent_color ^= 1;
	EXPECT_LT(rb_validate(&root, less), 0);
	leaf->parent_color ^= 1;

	/* A parent pointer. */
	saved = left->parent_color;
	left->parent_color = (unsigned long)leaf | (saved & 1);
	EXPECT_LT(rb_validate(&root, less), 0);
	left->parent_color = saved;

	/* A cycle, and a child on both sides. */
	leaf->rb_left = top;
	EXPECT_LT(rb_validate(&root, less), 0);
	leaf->rb_left = NULL;
	parent = top->rb_right;
	top->rb_right = left;
	EXPECT_LT(rb_validate(&root, NULL), 0);
	top->rb_right = parent;

	/* A subtree cut off. */
	top->rb_left = NULL;
	EXPECT_LT(rb_validate(&root, less), 0);
	top->rb_left = left;

	EXPECT_EQ(rb_validate(&root, less), 100);
}

/* Alone, a root has nobody whose height or colour could give it away. */
TEST(rbtree, validator_knows_what_a_root_looks_like)
{
	struct rb_root root = RB_ROOT;
	unsigned long saved;

	rb_add(&items[0].node, &root, less);
	EXPECT_EQ(rb_validate(&root, less), 1);
	saved = items[0].node.parent_color;

	items[0].node.parent_color = saved ^ 1;
	EXPECT_LT(rb_validate(&root, less), 0);
	items[0].node.parent_color = saved | (unsigned long)&items[1].node;
	EXPECT_LT(rb_validate(&root, less), 0);
	items[0].node.parent_color = saved;
	EXPECT_EQ(rb_validate(&root, less), 1);
}

/* Linked but not yet rebalanced: the heights agree, the colours do not. */
TEST(rbtree, validator_sees_red_below_red)
{
	struct rb_root root = RB_ROOT;
	struct rb_node *first;

	for (int i = 0; i < 3; i++) {
		items[i].key = i;
		rb_add(&items[i].node, &root, less);
	}
	first = rb_first(&root);
	items[3].key = -1;
	rb_link_node(&items[3].node, first, &first->rb_left);
	EXPECT_LT(rb_validate(&root, less), 0);

	rb_insert_color(&items[3].node, &root);
	EXPECT_EQ(rb_validate(&root, less), 4);
}
