/* SPDX-License-Identifier: MIT */
/*
 * trees.c - a structure of pointers: build a balanced tree, walk it, free it.
 *
 * An AA tree (Andersson, 1993): a node's level is that of its left child plus
 * one, and of its right child the same or plus one; two rotations keep it so.
 */
#include <sched.h>
#include <apps/app.h>
#include "arguments.h"
#include "options.h"

struct node {
	struct node *left, *right;
	unsigned long key;
	int level;
};

/* A left child of the same level becomes the parent. */
static struct node *skew(struct node *n)
{
	struct node *l = n->left;

	if (!l || l->level != n->level)
		return n;
	n->left = l->right;
	l->right = n;
	return l;
}

/* Of two right children of the same level, the middle one rises. */
static struct node *split(struct node *n)
{
	struct node *r = n->right;

	if (!r || !r->right || r->right->level != n->level)
		return n;
	n->right = r->left;
	r->left = n;
	r->level++;
	return r;
}

static struct node *insert(struct node *n, struct node *new)
{
	if (!n)
		return new;
	if (new->key < n->key)
		n->left = insert(n->left, new);
	else
		n->right = insert(n->right, new);
	return split(skew(n));
}

static void drop(struct node *n)
{
	if (!n)
		return;
	drop(n->left);
	drop(n->right);
	free(n);
}

struct walk {
	unsigned long last;
	long nodes, depth, wrong;
};

/* In order; every rule is looked at. */
static void walk(const struct node *n, struct walk *w, long depth)
{
	if (!n)
		return;
	walk(n->left, w, depth + 1);
	w->wrong += w->nodes && n->key <= w->last;
	w->wrong += n->level != (n->left ? n->left->level : 0) + 1;
	w->wrong += n->right && n->right->level > n->level;
	w->last = n->key;
	w->nodes++;
	if (depth > w->depth)
		w->depth = depth;
	walk(n->right, w, depth + 1);
}

/* NULL when there is no memory.  Keys come in no order, and none twice: it is
 * a product with an odd number. */
static struct node *build(long nodes)
{
	struct node *root = NULL, *new;

	for (long i = 0; i < nodes; i++) {
		new = malloc(sizeof(*new));
		if (!new) {
			drop(root);
			return NULL;
		}
		*new = (struct node){
			.key = (i + 1) * 0x9e3779b97f4a7c15ul,
			.level = 1,
		};
		root = insert(root, new);
		if (i % 1024 == 0)
			sched_yield();
	}
	return root;
}

APP(trees, "build, walk and free balanced trees: trees [NODES=20000] [TIMES=1]")
{
	long nodes = 20000, times = 1, keep = 0;
	const struct option options[] = {
		{"NODES", "of a tree", &nodes, 1, 100000000, 0},
		{"TIMES", "how many, one after the other", &times, 1, 1000000,
		 0},
		{"--keep", "leave the freeing to the end of the task", &keep, 0,
		 1, OPTION_FLAG},
		{NULL, NULL, NULL, 0, 0, 0},
	};
	int code = options_read(argc, argv, options);
	double start = seconds_now();
	struct walk w = {0};

	if (code >= 0)
		return code;
	for (long i = 0; i < times; i++) {
		struct node *root = build(nodes);

		if (!root) {
			perror("trees");
			return EXIT_FAILURE;
		}
		w.nodes = w.depth = 0;
		walk(root, &w, 1);
		w.wrong += w.nodes != nodes;
		if (!keep)
			drop(root);
	}
	printf("trees: %ld of %ld nodes, %ld deep, in %.2f s, %ld wrong\n",
	       times, nodes, w.depth, seconds_now() - start, w.wrong);
	return w.wrong ? EXIT_FAILURE : 0;
}
