/* SPDX-License-Identifier: MIT */
/*
 * cmd_demo.c - the story of a charge, in five chapters.
 *
 * Everything that is told is done: with real groups, tasks and objects, and what
 * is shown is read back from where the kernel keeps it.  Each chapter ends with
 * an audit.  Whatever happens, ^C included, the groups and all that was allocated
 * are gone at the end.
 */
#include <arch/cpumask.h>
#include <errno.h>
#include <kernel/cgroup/cgroup.h>
#include <kernel/core/stop_machine.h>
#include <kernel/shell/shell.h>
#include <kernel/task/task.h>
#include <lib/err.h>
#include <lib/format.h>
#include <mm/memcg/audit.h>
#include <mm/memcg/memcg.h>
#include <mm/page/page_alloc.h>
#include <mm/slab/owner.h>
#include <mm/slab/slab.h>
#include <string.h>

#define PAUSE_MS 2500

/* Objects that ann and bob take in turn, and that ann leaves behind. */
#define NR_TURNS 24
#define NR_LEFT	 1000

struct demo {
	bool fast;
	bool enabled_memory; /* for the root's children: undo it */
	bool books_balance;  /* so far */

	struct cgroup *top, *ann, *bob; /* referenced; NULL: not there */
	void *turns[NR_TURNS];
	void *left[NR_LEFT];
};

/* -- Telling ------------------------------------------------------------------ */

/* Time to read.  False: the audience has left. */
static bool pause_for(const struct demo *d)
{
	for (int ms = 0; ms < PAUSE_MS && !d->fast; ms += 50) {
		if (sh_interrupted())
			return false;
		msleep(50);
	}
	return !sh_interrupted();
}

static void show(struct seq_text *text)
{
	if (text->len)
		sh_write(text->text, text->len);
	seq_text_free(text);
}

/* The ledgers of the demo's groups, and whether all books balance. */
static int show_books(struct demo *d)
{
	struct seq_text text = SEQ_TEXT_INIT;
	struct audit *a = audit_take();

	if (!a)
		return -ENOMEM;
	audit_print_table(&text, a, d->top);
	audit_print_verdict(&text, a);
	if (a->nr_findings)
		d->books_balance = false;
	audit_free(a);
	sh_printf("\n");
	show(&text);
	return pause_for(d) ? 0 : -EINTR;
}

/* Those lines of a control file that begin with one of @keys, or all of it. */
static void show_file(struct cgroup *cgrp, const char *name, const char *keys)
{
	struct seq_text text = SEQ_TEXT_INIT;
	char path[64], *line, *end;

	cgroup_path(cgrp, path, sizeof(path));
	if (cgroup_read(cgrp, name, &text))
		return;
	for (line = text.text; line && *line; line = end) {
		char *blank = strchr(line, ' ');

		end = strchr(line, '\n');
		if (!end)
			break;
		*end++ = '\0';
		if (blank)
			*blank = '\0';
		if (blank && keys && !strstr(keys, line))
			continue;
		sh_printf("    %s/%s: %s%s%s\n", path, name, line,
			  blank ? " " : "", blank ? blank + 1 : "");
	}
	seq_text_free(&text);
}

/* -- Doing -------------------------------------------------------------------- */

/* Have a task of @cgrp run fn(arg), on the first CPU so that all share its store;
 * returns what it does, or a negative errno. */
static int run_in(struct cgroup *cgrp, int (*fn)(void *arg), void *arg)
{
	struct task *t = task_create(fn, arg, "demo");
	cpumask_t cpus = *cpumask_of(0);
	int err;

	if (!t)
		return -ENOMEM;
	err = set_cpus_allowed(t, &cpus);
	if (!err)
		err = cgroup_attach_task(cgrp, t);
	if (err) {
		task_abandon(t);
		return err;
	}
	wake_up_process(t);
	return task_join(t);
}

static int take_object(void *place)
{
	*(void **)place = kmalloc(64, GFP_KERNEL_ACCOUNT);
	return *(void **)place ? 0 : -ENOMEM;
}

static int take_many(void *places)
{
	void **objects = places;
	int err = 0;

	for (int i = 0; i < NR_LEFT && !err; i++)
		err = take_object(&objects[i]);
	return err;
}

static void drop_objects(void **objects, int nr)
{
	for (int i = 0; i < nr; i++) {
		kfree(objects[i]);
		objects[i] = NULL;
	}
}

/* Take pages until no more are to be had, then give all back: how many. */
static int fill_up(void *unused)
{
	struct page *chain = NULL, *page;
	int nr = 0;

	while ((page = alloc_pages(GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL,
				   0))) {
		page->private = (unsigned long)chain;
		chain = page;
		nr++;
	}
	while ((page = chain)) {
		chain = (struct page *)page->private;
		__free_pages(page, 0);
	}
	return nr;
}

static struct cgroup *make_group(const char *path)
{
	struct cgroup *cgrp = cgroup_mkdir(path);

	return IS_ERR(cgrp) ? NULL : cgrp;
}

/* -- 1. ------------------------------------------------------------------------ */

static bool memory_is_enabled(void)
{
	return cgroup_root.subtree_control & 1u << memory_cgrp_subsys.id;
}

static int tell_groups(struct demo *d)
{
	int err;

	sh_printf(
		"\n1. Groups\n\n"
		"  A group is a directory in /sys/fs/cgroup.  Whatever its tasks "
		"take, objects,\n"
		"  pages or per-CPU memory, is charged to it and to all groups "
		"above it.\n\n");
	d->enabled_memory = !memory_is_enabled();
	err = cgroup_write(&cgroup_root, "cgroup.subtree_control", "+memory");
	if (err)
		return err;
	d->top = make_group("/demo");
	if (!d->top)
		return -ENOMEM;
	err = cgroup_write(d->top, "cgroup.subtree_control", "+memory");
	if (err)
		return err;
	d->ann = make_group("/demo/ann");
	d->bob = make_group("/demo/bob");
	if (!d->ann || !d->bob)
		return -ENOMEM;
	sh_printf("    mkdir /demo /demo/ann /demo/bob\n");
	return show_books(d);
}

/* -- 2. ------------------------------------------------------------------------ */

#define MAX_MAP 128

/* The objects of one page. */
struct map {
	const struct page *page;
	u32 ann, bob;
	const char *cache;
	unsigned int stride;
	char who[MAX_MAP];
};

static void map_object(const struct slab_owned *what, void *map_)
{
	struct map *map = map_;
	unsigned long at = (unsigned long)what->object % PAGE_SIZE;

	if (virt_to_page(what->object) != map->page ||
	    at / what->bytes >= MAX_MAP)
		return;
	map->cache = kmem_cache_name(what->cache);
	map->stride = what->bytes;
	map->who[at / what->bytes] = what->owner == map->ann   ? 'a'
				     : what->owner == map->bob ? 'b'
							       : '?';
}

static int make_map(void *map)
{
	slab_walk_owners(map_object, map);
	return 0;
}

/* The page that most of the objects are in. */
static const struct page *fullest_page(const struct demo *d)
{
	const struct page *fullest = NULL;
	unsigned int most = 0;

	for (int i = 0; i < NR_TURNS; i++) {
		const struct page *page = virt_to_page(d->turns[i]);
		unsigned int nr = 0;

		for (int j = 0; j < NR_TURNS; j++)
			nr += virt_to_page(d->turns[j]) == page;
		if (nr > most) {
			most = nr;
			fullest = page;
		}
	}
	return fullest;
}

static void show_map(const struct demo *d)
{
	struct map map = {
		.page = fullest_page(d),
		.ann = slab_object_owner(d->turns[0]),
		.bob = slab_object_owner(d->turns[1]),
	};
	unsigned int nr;

	memset(map.who, '.', sizeof(map.who));
	stop_machine(make_map, &map);
	if (!map.stride)
		return;
	nr = PAGE_SIZE / map.stride;
	sh_printf("    page %#lx of %s, place by place:\n",
		  page_to_pfn(map.page), map.cache);
	for (unsigned int i = 0; i < nr; i++)
		sh_printf("%s%c%s", i % 32 ? "" : "      ", map.who[i],
			  i % 32 == 31 || i == nr - 1 ? "\n" : " ");
	sh_printf("    a: /demo/ann pays (owner %u)   b: /demo/bob pays (owner "
		  "%u)   .: nobody\n",
		  map.ann, map.bob);
}

static int tell_sharing(struct demo *d)
{
	int err = 0;

	sh_printf(
		"\n2. One page, two groups\n\n"
		"  A task of ann and a task of bob take turns: kmalloc(64), %d "
		"times.  Their\n"
		"  objects come from the same slabs, and each slab knows who pays "
		"for which:\n"
		"  that takes two bytes an object, not a page for each group.\n\n",
		NR_TURNS);
	for (int i = 0; i < NR_TURNS && !err; i++)
		err = run_in(i % 2 ? d->bob : d->ann, take_object,
			     &d->turns[i]);
	if (err)
		return err;
	show_map(d);
	return show_books(d);
}

/* -- 3. ------------------------------------------------------------------------ */

static int tell_limit(struct demo *d)
{
	int err, nr;

	sh_printf(
		"\n3. A limit\n\n"
		"  bob may have 1 MiB, and takes pages until it is refused.  What "
		"CPUs have\n"
		"  prepaid comes back first: a limit is met exactly, to the "
		"page.\n\n"
		"    echo 1M > /sys/fs/cgroup/demo/bob/memory.max\n");
	err = cgroup_write(d->bob, "memory.max", "1M");
	if (err)
		return err;
	nr = run_in(d->bob, fill_up, NULL);
	if (nr < 0)
		return nr;
	sh_printf("    bob took %d pages, its objects are in one, and the "
		  "next was refused;\n"
		  "    it gives them all back\n",
		  nr);
	show_file(d->bob, "memory.events", "max");
	return show_books(d);
}

/* -- 4. ------------------------------------------------------------------------ */

static int tell_oom(struct demo *d)
{
	static char *const argv[] = {"cgexec", "demo/bob", "hog", "64M", NULL};
	int err, status;

	sh_printf(
		"\n4. Out of memory\n\n"
		"  A program of bob wants 64 MiB, and bob may have 8.  Nothing can "
		"be reclaimed,\n"
		"  so somebody of bob has to go.  Nobody else notices.\n\n"
		"    echo 8M > /sys/fs/cgroup/demo/bob/memory.max\n"
		"    cgexec demo/bob hog 64M\n");
	err = cgroup_write(d->bob, "memory.max", "8M");
	if (err)
		return err;
	status = sh_run(4, (char **)argv);
	if (sh_interrupted())
		return -EINTR;
	sh_printf("    hog %s (status %d)\n",
		  status == TASK_KILLED ? "was killed" : "ended", status);
	show_file(d->bob, "memory.events", "oom oom_kill");
	return show_books(d);
}

/* -- 5. ------------------------------------------------------------------------ */

static int remove_group(struct cgroup **cgrp, const char *path)
{
	int err;

	if (!*cgrp)
		return 0;
	cgroup_put(*cgrp);
	*cgrp = NULL;
	err = cgroup_rmdir(path);
	cgroup_wait_teardown();
	return err;
}

static int tell_removal(struct demo *d)
{
	int err = run_in(d->ann, take_many, d->left);

	if (err)
		return err;
	sh_printf(
		"\n5. What a group leaves behind\n\n"
		"  ann takes %d objects more, and its task ends.  The objects "
		"live on.\n",
		NR_LEFT);
	err = show_books(d);
	if (err)
		return err;
	sh_printf("\n  Then ann is removed.  Not one object is visited: their "
		  "owner gets an heir.\n"
		  "  What ann had charged is /demo's own now, and ann is gone, "
		  "not dying.\n\n"
		  "    rmdir /sys/fs/cgroup/demo/ann\n");
	err = remove_group(&d->ann, "/demo/ann");
	if (err)
		return err;
	show_file(d->top, "cgroup.stat", NULL);
	err = show_books(d);
	if (err)
		return err;
	sh_printf(
		"\n  The objects are freed, by somebody who has nothing to do "
		"with ann.\n");
	drop_objects(d->left, NR_LEFT);
	drop_objects(d->turns, NR_TURNS);
	mem_cgroup_drain_stocks(NULL);
	return show_books(d);
}

/* -- The whole --------------------------------------------------------------- */

static void clean_up(struct demo *d)
{
	drop_objects(d->left, NR_LEFT);
	drop_objects(d->turns, NR_TURNS);
	remove_group(&d->ann, "/demo/ann");
	remove_group(&d->bob, "/demo/bob");
	remove_group(&d->top, "/demo");
	if (d->enabled_memory)
		cgroup_write(&cgroup_root, "cgroup.subtree_control", "-memory");
}

static int tell(struct demo *d)
{
	static int (*const chapters[])(struct demo *) = {
		tell_groups, tell_sharing, tell_limit, tell_oom, tell_removal,
	};
	int err = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(chapters) && !err; i++)
		err = chapters[i](d);
	return err;
}

static int cmd_demo(int argc, char **argv)
{
	struct cgroup *old;
	struct demo *d;
	int err;

	if (argc > 2 || (argc == 2 && strcmp(argv[1], "-f")))
		return sh_usage(argv[0]);
	old = cgroup_find("/demo");
	if (!IS_ERR(old)) {
		cgroup_put(old);
		sh_error("demo: there is a group /demo already\n");
		return 1;
	}
	d = kvzalloc(sizeof(*d), GFP_KERNEL);
	if (!d) {
		sh_error("demo: no memory\n");
		return 1;
	}
	d->fast = argc == 2;
	d->books_balance = true;
	err = tell(d);
	clean_up(d);
	if (err && err != -EINTR)
		sh_error("demo: cannot go on: %s\n", strerror(-err));
	else if (!err)
		sh_printf("\nEverything is as it was before.\n");
	if (!d->books_balance)
		err = -EIO;
	kvfree(d);
	return err ? 1 : 0;
}
COMMAND(demo, "[-f]", "how memory is charged, told in a minute (-f: at once)",
	cmd_demo);
