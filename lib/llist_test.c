/* SPDX-License-Identifier: MIT */
/* llist_test.c - what goes in comes out, once, in a known order. */
#include <lib/llist.h>
#include <tests/test.h>

struct item {
	int key;
	struct llist_node link;
};

TEST(llist, only_the_first_push_reports_an_empty_list)
{
	struct item items[3] = {{.key = 1}, {.key = 2}, {.key = 3}};
	LLIST_HEAD(head);

	EXPECT(llist_empty(&head));
	EXPECT(llist_add(&items[0].link, &head));
	EXPECT(!llist_add(&items[1].link, &head));
	EXPECT_EQ(llist_del_all(&head), &items[1].link);
	EXPECT(llist_empty(&head));
	EXPECT(llist_add(&items[2].link, &head));
}

TEST(llist, reversed_chain_is_in_order_of_arrival)
{
	struct item items[5], *pos, *n;
	struct llist_node *chain;
	LLIST_HEAD(head);
	long keys = 0;

	for (int i = 0; i < 3; i++) {
		items[i].key = i + 1;
		llist_add(&items[i].link, &head);
	}
	/* A batch goes on top in its own order. */
	items[3].key = 5;
	items[4].key = 4;
	items[3].link.next = &items[4].link;
	EXPECT(!llist_add_batch(&items[3].link, &items[4].link, &head));

	chain = llist_reverse_order(llist_del_all(&head));
	llist_for_each_entry_safe(pos, n, chain, link) {
		keys = keys * 10 + pos->key;
		pos->link.next = NULL;
	}
	EXPECT_EQ(keys, 12345);
	EXPECT(!llist_reverse_order(NULL));
}

TEST(llist, del_first_pops_the_latest)
{
	struct item items[2];
	LLIST_HEAD(head);

	llist_add(&items[0].link, &head);
	llist_add(&items[1].link, &head);
	EXPECT_EQ(llist_del_first(&head), &items[1].link);
	EXPECT_EQ(llist_del_first(&head), &items[0].link);
	EXPECT(!llist_del_first(&head));
	EXPECT(!llist_del_all(&head));
}
