/* SPDX-License-Identifier: MIT */
/*
 * rbtree.c - red-black trees, each case written once.
 *
 * Invariants.  (1) The root is black.  (2) A red node has no red child.
 *              (3) Every way from the root down to a missing child passes the
 *              same number of black nodes.  So the longest way is at most
 *              twice the shortest.  rb_validate() checks them.
 * Idea.        Left and right are children 0 and 1: a repair speaks of "this
 *              side" and "the other side", and its mirror image is the same
 *              code.
 * Colour.      Bit 0 of parent_color, 1 for black: nodes are aligned, so the
 *              parent's address leaves it free.  A fresh node is red.
 * Rejected.    Remembering the way down on a stack, as a tree without parent
 *              pointers must: it takes memory or recursion, and rb_next() and
 *              removal by node alone would be gone.
 *
 * Context: any; the caller locks.
 */
#include <errno.h>

#include <lib/rbtree.h>

#define RB_BLACK 1UL

static inline bool is_black(const struct rb_node *node)
{
	return node->parent_color & RB_BLACK;
}

/* A missing child counts as black. */
static inline bool is_red(const struct rb_node *node)
{
	return node && !is_black(node);
}

static inline void set_black(struct rb_node *node)
{
	node->parent_color |= RB_BLACK;
}

static inline void set_red(struct rb_node *node)
{
	node->parent_color &= ~RB_BLACK;
}

static inline void set_parent(struct rb_node *node, struct rb_node *parent)
{
	node->parent_color = (unsigned long)parent |
			     (node->parent_color & RB_BLACK);
}

/* Which child of @parent @node is: 0 or 1. */
static inline int side_of(const struct rb_node *parent,
			  const struct rb_node *node)
{
	return parent->rb_right == node;
}

/* @parent, or the root if that is NULL, points to @new in place of @old. */
static inline void replace_child(struct rb_root *root, struct rb_node *parent,
				 struct rb_node *old, struct rb_node *new)
{
	if (parent)
		parent->rb_child[side_of(parent, old)] = new;
	else
		root->rb_node = new;
}

/*
 * @node goes down on side @side; its child on the other side rises into its
 * place and hands over its inner subtree:
 *
 *	    node                 riser
 *	   /    \               /     \
 *	  a     riser   -->   node     c        (side 0)
 *	       /     \       /    \
 *	      b       c     a      b
 */
static void rotate(struct rb_root *root, struct rb_node *node, int side)
{
	struct rb_node *parent = rb_parent(node);
	struct rb_node *riser = node->rb_child[!side];
	struct rb_node *inner = riser->rb_child[side];

	node->rb_child[!side] = inner;
	if (inner)
		set_parent(inner, node);

	riser->rb_child[side] = node;
	set_parent(riser, parent);
	replace_child(root, parent, node, riser);
	set_parent(node, riser);
}

/* @node is red and new, so only (1) and (2) can be broken, and only here. */
void rb_insert_color(struct rb_node *node, struct rb_root *root)
{
	struct rb_node *parent;

	while (is_red(parent = rb_parent(node))) {
		/* A red parent is not the root. */
		struct rb_node *grand = rb_parent(parent);
		int side = side_of(grand, parent);
		struct rb_node *uncle = grand->rb_child[!side];

		if (is_red(uncle)) {
			/* Push the grandparent's black down on both sides; it
			 * may clash with its own parent now. */
			set_black(parent);
			set_black(uncle);
			set_red(grand);
			node = grand;
			continue;
		}

		/* An inner grandchild is turned outward first. */
		if (node == parent->rb_child[!side]) {
			rotate(root, parent, side);
			parent = node;
		}
		set_black(parent);
		set_red(grand);
		rotate(root, grand, !side);
		break;
	}
	set_black(root->rb_node);
}

/*
 * The subtree at @node, perhaps empty, below @parent is one black short.  Each
 * turn either makes it good with what the sibling's side can spare, or takes
 * one black from that side too and passes the shortage up.
 */
static void repay_black(struct rb_root *root, struct rb_node *node,
			struct rb_node *parent)
{
	while (parent) {
		int side = side_of(parent, node);
		/* There is one: its side holds at least the missing black. */
		struct rb_node *sibling = parent->rb_child[!side];
		struct rb_node *near, *far;

		if (is_red(sibling)) {
			/* Bring a black sibling here, under a red parent. */
			set_black(sibling);
			set_red(parent);
			rotate(root, parent, side);
			sibling = parent->rb_child[!side];
		}

		near = sibling->rb_child[side];
		far = sibling->rb_child[!side];
		if (!is_red(near) && !is_red(far)) {
			set_red(sibling);
			if (is_red(parent)) {
				set_black(parent);
				return;
			}
			node = parent;
			parent = rb_parent(node);
			continue;
		}

		/* Make the red nephew the far one. */
		if (!is_red(far)) {
			set_black(near);
			set_red(sibling);
			rotate(root, sibling, !side);
			far = sibling;
			sibling = near;
		}

		/* The sibling rises in the parent's colour, with the parent
		 * and the far nephew black below it: one black more here, as
		 * many as before there. */
		if (!is_black(parent))
			set_red(sibling);
		set_black(parent);
		set_black(far);
		rotate(root, parent, side);
		return;
	}
}

/* The successor of a node with two children: it has no left child. */
static struct rb_node *leftmost(struct rb_node *node)
{
	while (node->rb_left)
		node = node->rb_left;
	return node;
}

/* @stand_in takes over @node's place, children and colour. */
static void take_place(struct rb_root *root, struct rb_node *node,
		       struct rb_node *stand_in)
{
	*stand_in = *node;
	replace_child(root, rb_parent(node), node, stand_in);
	if (stand_in->rb_left)
		set_parent(stand_in->rb_left, stand_in);
	if (stand_in->rb_right)
		set_parent(stand_in->rb_right, stand_in);
}

void rb_erase(struct rb_node *node, struct rb_root *root)
{
	/* The node that really leaves its place has at most one child. */
	struct rb_node *leaver = node;
	struct rb_node *parent, *child;
	bool black;

	if (node->rb_left && node->rb_right)
		leaver = leftmost(node->rb_right);

	parent = rb_parent(leaver);
	child = leaver->rb_left ? leaver->rb_left : leaver->rb_right;
	black = is_black(leaver);

	replace_child(root, parent, leaver, child);
	if (child)
		set_parent(child, parent);

	if (leaver != node) {
		take_place(root, node, leaver);
		if (parent == node)
			parent = leaver;
	}

	if (!black)
		return;
	if (is_red(child))
		set_black(child);
	else
		repay_black(root, child, parent);
}

void rb_replace_node(struct rb_node *victim, struct rb_node *new,
		     struct rb_root *root)
{
	take_place(root, victim, new);
}

/* Down on side @side as far as it goes. */
static struct rb_node *outermost(struct rb_node *node, int side)
{
	while (node && node->rb_child[side])
		node = node->rb_child[side];
	return node;
}

/* The neighbour on side @side: the nearest of that subtree, or the first
 * ancestor that has us on its other side. */
static struct rb_node *neighbour(const struct rb_node *node, int side)
{
	struct rb_node *parent;

	if (node->rb_child[side])
		return outermost(node->rb_child[side], !side);

	while ((parent = rb_parent(node)) && side_of(parent, node) == side)
		node = parent;
	return parent;
}

struct rb_node *rb_first(const struct rb_root *root)
{
	return outermost(root->rb_node, 0);
}

struct rb_node *rb_last(const struct rb_root *root)
{
	return outermost(root->rb_node, 1);
}

struct rb_node *rb_next(const struct rb_node *node)
{
	return neighbour(node, 1);
}

struct rb_node *rb_prev(const struct rb_node *node)
{
	return neighbour(node, 0);
}

/* The first of a subtree in postorder: a leaf, as far left as possible. */
static struct rb_node *first_leaf(struct rb_node *node)
{
	while (node && (node->rb_left || node->rb_right))
		node = node->rb_left ? node->rb_left : node->rb_right;
	return node;
}

struct rb_node *rb_first_postorder(const struct rb_root *root)
{
	return first_leaf(root->rb_node);
}

struct rb_node *rb_next_postorder(const struct rb_node *node)
{
	struct rb_node *parent = rb_parent(node);

	if (parent && node == parent->rb_left && parent->rb_right)
		return first_leaf(parent->rb_right);
	return parent;
}

/* Two distinct children that point back, and no red below red. */
static bool node_holds(const struct rb_node *node)
{
	if (node->rb_left && node->rb_left == node->rb_right)
		return false;

	for (int side = 0; side < 2; side++) {
		const struct rb_node *child = node->rb_child[side];

		if (!child)
			continue;
		if (rb_parent(child) != node)
			return false;
		if (is_red(node) && is_red(child))
			return false;
	}
	return true;
}

/* A way ends after @blacks; the first to end sets *@height. */
static bool height_holds(long *height, long blacks)
{
	if (*height < 0)
		*height = blacks;
	return *height == blacks;
}

/*
 * Walks without recursion or memory.  A node's children are checked to point
 * back before any is entered, so that a wrong link cannot lead into a cycle:
 * the walk ends, whatever it finds.
 */
long rb_validate(const struct rb_root *root,
		 bool (*less)(const struct rb_node *, const struct rb_node *))
{
	enum { ENTER, LEFT_DONE, RIGHT_DONE } state = ENTER;
	const struct rb_node *node = root->rb_node, *last = NULL;
	long nr = 0, blacks = 0, height = -1;

	if (node && (rb_parent(node) || is_red(node)))
		return -EINVAL;

	while (node) {
		const struct rb_node *parent = rb_parent(node);

		switch (state) {
		case ENTER:
			if (!node_holds(node))
				return -EINVAL;
			blacks += is_black(node);
			if (node->rb_left) {
				node = node->rb_left;
				break;
			}
			if (!height_holds(&height, blacks))
				return -EINVAL;
			fallthrough;
		case LEFT_DONE:
			if (less && last && less(node, last))
				return -EINVAL;
			last = node;
			nr++;
			if (node->rb_right) {
				node = node->rb_right;
				state = ENTER;
				break;
			}
			if (!height_holds(&height, blacks))
				return -EINVAL;
			fallthrough;
		case RIGHT_DONE:
			blacks -= is_black(node);
			state = parent && parent->rb_left == node ? LEFT_DONE
								  : RIGHT_DONE;
			node = parent;
			break;
		}
	}
	return nr;
}
