/* SPDX-License-Identifier: MIT */
/*
 * rbtree.h - balanced search trees over nodes embedded by the caller.
 *
 * The caller walks down to where its key belongs, links the node there, and
 * has the tree rebalanced (rb_link_node, rb_insert_color); or lets rb_add() do
 * all three.  Insertion and removal cost O(log n) and at most three rotations.
 * The caller provides all locking.
 */
#pragma once

#include <lib/compiler.h>
#include <lib/math.h>

struct rb_node {
	unsigned long parent_color; /* parent's address, colour in bit 0 */
	union {
		struct {
			struct rb_node *rb_left, *rb_right;
		};
		struct rb_node *rb_child[2]; /* left and right, by number */
	};
};

struct rb_root {
	struct rb_node *rb_node;
};

/* Remembers its leftmost node, for those who ask for nothing else. */
struct rb_root_cached {
	struct rb_root rb_root;
	struct rb_node *rb_leftmost;
};

#define RB_ROOT	       ((struct rb_root){NULL})
#define RB_ROOT_CACHED ((struct rb_root_cached){{NULL}, NULL})

#define rb_entry(ptr, type, member) container_of(ptr, type, member)

#define rb_entry_safe(ptr, type, member)                                       \
	({                                                                     \
		struct rb_node *__node = (ptr);                                \
		__node ? rb_entry(__node, type, member) : NULL;                \
	})

#define rb_parent(node) ((struct rb_node *)((node)->parent_color & ~1UL))

#define RB_EMPTY_ROOT(root) (READ_ONCE((root)->rb_node) == NULL)

/* A node that is in no tree points to itself: for those who ask. */
#define RB_EMPTY_NODE(node) ((node)->parent_color == (unsigned long)(node))
#define RB_CLEAR_NODE(node) ((node)->parent_color = (unsigned long)(node))

/* In order; NULL at the end. */
struct rb_node *rb_first(const struct rb_root *root);
struct rb_node *rb_last(const struct rb_root *root);
struct rb_node *rb_next(const struct rb_node *node);
struct rb_node *rb_prev(const struct rb_node *node);

/* Children before their parent, so that every node may be freed as it is
 * passed; the tree is not kept in order meanwhile. */
struct rb_node *rb_first_postorder(const struct rb_root *root);
struct rb_node *rb_next_postorder(const struct rb_node *node);

/* Hangs @node under @parent at @link (one of its child pointers, or the
 * root's), where there must be NULL.  rb_insert_color() must follow. */
static inline void rb_link_node(struct rb_node *node, struct rb_node *parent,
				struct rb_node **link)
{
	node->parent_color = (unsigned long)parent;
	node->rb_left = NULL;
	node->rb_right = NULL;
	*link = node;
}

void rb_insert_color(struct rb_node *node, struct rb_root *root);
void rb_erase(struct rb_node *node, struct rb_root *root);

/* @new takes @victim's place; their keys must sort alike. */
void rb_replace_node(struct rb_node *victim, struct rb_node *new,
		     struct rb_root *root);

#define rb_first_cached(root) ((root)->rb_leftmost)

/* @leftmost: the walk down never turned right. */
static inline void rb_insert_color_cached(struct rb_node *node,
					  struct rb_root_cached *root,
					  bool leftmost)
{
	if (leftmost)
		root->rb_leftmost = node;
	rb_insert_color(node, &root->rb_root);
}

static inline void rb_erase_cached(struct rb_node *node,
				   struct rb_root_cached *root)
{
	if (root->rb_leftmost == node)
		root->rb_leftmost = rb_next(node);
	rb_erase(node, &root->rb_root);
}

/* Inserts after its equals.  Inlined, so that @less is too. */
static __always_inline void rb_add(struct rb_node *node, struct rb_root *root,
				   bool (*less)(const struct rb_node *,
						const struct rb_node *))
{
	struct rb_node **link = &root->rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = &parent->rb_child[!less(node, parent)];
	}
	rb_link_node(node, parent, link);
	rb_insert_color(node, root);
}

static __always_inline void
rb_add_cached(struct rb_node *node, struct rb_root_cached *root,
	      bool (*less)(const struct rb_node *, const struct rb_node *))
{
	struct rb_node **link = &root->rb_root.rb_node, *parent = NULL;
	bool leftmost = true;

	while (*link) {
		bool right;

		parent = *link;
		right = !less(node, parent);
		if (right)
			leftmost = false;
		link = &parent->rb_child[right];
	}
	rb_link_node(node, parent, link);
	rb_insert_color_cached(node, root, leftmost);
}

/* A node for which @cmp(key, node) is 0, or NULL; < 0 means look left. */
static __always_inline struct rb_node *
rb_find(const void *key, const struct rb_root *root,
	int (*cmp)(const void *key, const struct rb_node *))
{
	struct rb_node *node = root->rb_node;

	while (node) {
		int c = cmp(key, node);

		if (!c)
			break;
		node = node->rb_child[c > 0];
	}
	return node;
}

#define rbtree_postorder_for_each_entry_safe(pos, n, root, field)              \
	for (pos = rb_entry_safe(rb_first_postorder(root), __typeof__(*pos),   \
				 field);                                       \
	     pos && (n = rb_entry_safe(rb_next_postorder(&pos->field),         \
				       __typeof__(*pos), field),               \
		    true);                                                     \
	     pos = n)

/*
 * Checks the whole tree: parents, colours, equal black heights, and the order
 * if @less is not NULL.  Returns the number of nodes, or -EINVAL.
 */
long rb_validate(const struct rb_root *root,
		 bool (*less)(const struct rb_node *, const struct rb_node *));
