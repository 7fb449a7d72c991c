/* SPDX-License-Identifier: MIT */
/* oom_test.c - the right one ends, and the others go on. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <fs/vfs.h>
#include <kernel/core/clock.h>
#include <kernel/core/completion.h>
#include <kernel/task/task.h>
#include <lib/err.h>
#include <mm/memcg/oom.h>
#include <mm/page/page_alloc.h>
#include <mm/page/zone.h>
#include <mm/slab/slab.h>
#include <mm/virt/arena.h>
#include <tests/test.h>
#include "memcg_test.h"
#include "oom_impl.h"

/* -- Tasks that eat ------------------------------------------------------------ */

struct eater {
	/* Before it starts. */
	size_t pages;
	int adj;
	bool stays;  /* it sleeps when it has eaten, until it is killed */
	bool stuck;  /* and cannot be killed before may_end */
	bool malloc; /* in small pieces */
	struct mem_cgroup *memcg;

	struct task *task;
	struct completion has_eaten, may_end;
};

static void eat(struct eater *e)
{
	const size_t size = e->pages * PAGE_SIZE;
	char *p = NULL;

	if (!e->malloc)
		p = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (size_t at = 0; at < size; at += 2000) {
		if (e->malloc)
			p = malloc(1984);
		p[e->malloc ? 0 : at] = 1;
	}
}

static int eater(void *arg)
{
	struct eater *e = arg;

	if (e->stuck)
		task_enter_kernel();
	eat(e);
	complete(&e->has_eaten);
	if (e->stuck) {
		wait_for_completion(&e->may_end);
		task_leave_kernel();
	}
	while (e->stays)
		usleep(1000000);
	return 0;
}

static void eater_start(struct eater *e)
{
	init_completion(&e->has_eaten);
	init_completion(&e->may_end);
	e->task = task_create(eater, e, "eater");
	ASSERT(e->task);
	EXPECT_EQ(cgroup_attach_task(e->memcg->css.cgroup, e->task), 0);
	EXPECT_EQ(task_set_oom_score_adj(e->task, e->adj), 0);
	wake_up_new_task(e->task);
}

/* And wait until it has what it wants, or has to go. */
static void eater_feed(struct eater *e)
{
	eater_start(e);
	while (!wait_for_completion_timeout(&e->has_eaten, NSEC_PER_SEC))
		ASSERT(!READ_ONCE(e->task->kill_pending));
}

static int eater_end(struct eater *e)
{
	task_kill(e->task);
	return task_join(e->task);
}

static struct mem_cgroup *limited_group(const char *path, unsigned long pages)
{
	struct mem_cgroup *memcg = group_make(path);

	ASSERT(memcg);
	group_limit(memcg, pages);
	return memcg;
}

/* Nobody is in it, and what its tasks had is freed. */
static void group_end(struct mem_cgroup *memcg, const char *path)
{
	EXPECT_EQ(settled_usage(memcg), 0);
	group_remove(path);
}

/* -- Who pays ------------------------------------------------------------------ */

TEST(oom, touched_pages_are_the_groups_and_go_with_the_task)
{
	struct mem_cgroup *memcg = limited_group("/t", 4000);
	struct eater e = {.pages = 500, .stays = true, .memcg = memcg};

	eater_feed(&e);
	EXPECT_GE(settled_usage(memcg), 500);
	EXPECT_LE(settled_usage(memcg), 550);
	EXPECT_EQ(eater_end(&e), TASK_KILLED);
	group_end(memcg, "/t");
}

static int touch_it(void *arg)
{
	*(volatile char *)arg = 1;
	return 0;
}

struct lender {
	struct eater e;
	char *p;
};

static int lend(void *arg)
{
	struct lender *l = arg;

	l->p = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	complete(&l->e.has_eaten);
	wait_for_completion(&l->e.may_end);
	return 0;
}

TEST(oom, a_page_that_another_task_touches_is_its_owners)
{
	struct mem_cgroup *memcg = limited_group("/t", 4000);
	unsigned long before;
	struct lender l;
	struct task *t;

	init_completion(&l.e.has_eaten);
	init_completion(&l.e.may_end);
	l.e.task = task_create(lend, &l, "lender");
	ASSERT(l.e.task);
	EXPECT_EQ(cgroup_attach_task(memcg->css.cgroup, l.e.task), 0);
	wake_up_new_task(l.e.task);
	wait_for_completion(&l.e.has_eaten);
	before = settled_usage(memcg);
	t = task_run(touch_it, l.p, "borrower");
	EXPECT(t && task_join(t) == 0);
	EXPECT_EQ(settled_usage(memcg), before + 1);
	complete(&l.e.may_end);
	EXPECT_EQ(task_join(l.e.task), 0);
	group_end(memcg, "/t");
}

/* -- Who ends ------------------------------------------------------------------ */

TEST(oom, who_asks_for_too_much_ends)
{
	struct mem_cgroup *memcg = limited_group("/t", 200);
	struct eater e = {.pages = 1000, .memcg = memcg};

	eater_start(&e);
	EXPECT_EQ(task_join(e.task), TASK_KILLED);
	EXPECT_EQ(event_count(memcg, MEMCG_OOM_KILL), 1);
	EXPECT_GE(event_count(memcg, MEMCG_OOM), 1);
	EXPECT_EQ(event_count(memcg, MEMCG_OOM_GROUP_KILL), 0);
	group_end(memcg, "/t");
}

TEST(oom, the_biggest_ends_and_who_asked_goes_on)
{
	struct mem_cgroup *memcg = limited_group("/t", 900);
	struct eater small = {.pages = 100, .stays = true, .memcg = memcg};
	struct eater big = {.pages = 500, .stays = true, .memcg = memcg};
	struct eater last = {.pages = 450, .memcg = memcg};

	eater_feed(&small);
	eater_feed(&big);
	eater_start(&last);
	EXPECT_EQ(task_join(last.task), 0);
	EXPECT_EQ(task_join(big.task), TASK_KILLED);
	EXPECT(!small.task->kill_pending);
	EXPECT_EQ(event_count(memcg, MEMCG_OOM_KILL), 1);
	EXPECT_EQ(eater_end(&small), TASK_KILLED);
	group_end(memcg, "/t");
}

TEST(oom, a_score_is_added_and_the_least_is_never_killed)
{
	struct mem_cgroup *memcg = limited_group("/t", 1000);
	struct eater safe = {
		.pages = 400, .adj = -1000, .stays = true, .memcg = memcg};
	struct eater big = {.pages = 300, .stays = true, .memcg = memcg};
	struct eater small = {
		.pages = 50, .adj = 900, .stays = true, .memcg = memcg};
	struct eater last = {.pages = 260, .adj = -500, .memcg = memcg};

	EXPECT_EQ(task_set_oom_score_adj(current, 1001), -EINVAL);
	EXPECT_EQ(task_set_oom_score_adj(current, -1001), -EINVAL);
	eater_feed(&safe);
	eater_feed(&big);
	eater_feed(&small);
	eater_start(&last);
	/* 900 thousandths of 1000 pages and 50 are most; without that one
	 * there is just not enough room, and the next is the big one. */
	EXPECT_EQ(task_join(small.task), TASK_KILLED);
	EXPECT_EQ(task_join(last.task), 0);
	EXPECT(!safe.task->kill_pending);
	EXPECT_EQ(eater_end(&big), TASK_KILLED);
	EXPECT_EQ(eater_end(&safe), TASK_KILLED);
	group_end(memcg, "/t");
}

TEST(oom, tasks_inherit_their_score)
{
	struct eater e = {.memcg = root_mem_cgroup};

	EXPECT_EQ(task_set_oom_score_adj(current, 17), 0);
	init_completion(&e.has_eaten);
	e.task = task_run(eater, &e, "heir");
	ASSERT(e.task);
	EXPECT_EQ(e.task->oom_score_adj, 17);
	EXPECT_EQ(task_join(e.task), 0);
}

TEST(oom, what_belongs_together_ends_together)
{
	struct mem_cgroup *top = limited_group("/t", 1000);
	struct mem_cgroup *team = group_make("/t/team");
	struct mem_cgroup *other = group_make("/t/other");
	struct eater e[3], outside, safe, last;

	ASSERT(team && other);
	team->oom_group = true;
	safe = (struct eater){
		.pages = 10, .adj = -1000, .stays = true, .memcg = team};
	outside = (struct eater){.pages = 100, .stays = true, .memcg = other};
	last = (struct eater){.pages = 500, .memcg = other};
	eater_feed(&safe);
	eater_feed(&outside);
	for (int i = 0; i < 3; i++) {
		e[i] = (struct eater){.pages = i == 1 ? 500 : 20,
				      .stays = true,
				      .memcg = team};
		eater_feed(&e[i]);
	}
	eater_start(&last);
	EXPECT_EQ(task_join(last.task), 0);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(task_join(e[i].task), TASK_KILLED);
	EXPECT(!outside.task->kill_pending);
	EXPECT(!safe.task->kill_pending);
	EXPECT_EQ(event_count(team, MEMCG_OOM_KILL), 3);
	EXPECT_EQ(event_count(team, MEMCG_OOM_GROUP_KILL), 1);
	EXPECT_EQ(event_count(top, MEMCG_OOM), 1);
	EXPECT_EQ(event_count(other, MEMCG_OOM_KILL), 0);
	EXPECT_EQ(eater_end(&outside), TASK_KILLED);
	EXPECT_EQ(eater_end(&safe), TASK_KILLED);
	group_remove("/t/team");
	group_remove("/t/other");
	group_end(top, "/t");
}

TEST(oom, with_nobody_to_kill_the_charge_is_refused)
{
	struct mem_cgroup *memcg = limited_group("/t", 200);
	struct eater safe = {
		.pages = 150, .adj = -1000, .stays = true, .memcg = memcg};
	struct eater last = {.pages = 500, .adj = -1000, .memcg = memcg};

	eater_feed(&safe);
	EXPECT_EQ(charge_bytes(memcg, 100 * PAGE_SIZE, GFP_KERNEL), -ENOMEM);
	EXPECT_EQ(event_count(memcg, MEMCG_OOM_KILL), 0);
	/* A program that cannot have its page ends all the same. */
	eater_start(&last);
	EXPECT_EQ(task_join(last.task), TASK_KILLED);
	EXPECT_EQ(event_count(memcg, MEMCG_OOM_KILL), 0);
	EXPECT_EQ(eater_end(&safe), TASK_KILLED);
	group_end(memcg, "/t");
}

/* -- On the way out -------------------------------------------------------------- */

TEST(oom, a_victim_that_is_stuck_is_reaped)
{
	struct mem_cgroup *memcg = limited_group("/t", 600);
	struct eater big = {.pages = 400, .stuck = true, .memcg = memcg};
	struct eater last = {.pages = 400, .memcg = memcg};

	eater_feed(&big);
	eater_start(&last);
	EXPECT_EQ(task_join(last.task), 0);
	EXPECT(big.task->kill_pending);
	EXPECT(!task_exited(big.task));
	EXPECT_EQ(event_count(memcg, MEMCG_OOM_KILL), 1);
	complete(&big.may_end);
	EXPECT_EQ(task_join(big.task), TASK_KILLED);
	group_end(memcg, "/t");
}

TEST(oom, after_a_victim_that_does_not_end_comes_the_next)
{
	struct mem_cgroup *memcg = limited_group("/t", 1000);
	struct eater big = {
		.pages = 500, .stuck = true, .malloc = true, .memcg = memcg};
	struct eater next = {.pages = 300, .stays = true, .memcg = memcg};
	struct eater last = {.pages = 290, .memcg = memcg};

	eater_feed(&big);
	eater_feed(&next);
	eater_start(&last);
	EXPECT_EQ(task_join(last.task), 0);
	EXPECT(big.task->kill_pending);
	EXPECT(!task_exited(big.task));
	EXPECT_EQ(task_join(next.task), TASK_KILLED);
	complete(&big.may_end);
	EXPECT_EQ(task_join(big.task), TASK_KILLED);
	group_end(memcg, "/t");
}

/* Reading fills a buffer that is bigger than the limit. */
static ssize_t fill_read(struct file *f, void *buf, size_t size, off_t *pos)
{
	memset(buf, 'x', size);
	return size;
}

static const struct file_operations fill_ops = {.read = fill_read};

static int fill_open(struct mount *m, const char *path, struct file *f,
		     mode_t mode)
{
	f->ops = &fill_ops;
	return 0;
}

static const struct fs_operations fill_fs = {.open = fill_open};

static bool came_back;

static int read_much(void *arg)
{
	const size_t size = 500 * PAGE_SIZE;
	int fd = open("/fill/file", O_RDONLY);
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	read(fd, p, size);
	came_back = true;
	return 0;
}

TEST(oom, a_victim_in_read_leaves_no_lock_and_no_file)
{
	struct mem_cgroup *memcg = limited_group("/t", 200);
	struct mount m = {.path = "/fill", .ops = &fill_fs};
	struct task *t;

	came_back = false;
	ASSERT_EQ(vfs_mount(&m), 0);
	t = task_create(read_much, NULL, "reader");
	ASSERT(t);
	EXPECT_EQ(cgroup_attach_task(memcg->css.cgroup, t), 0);
	wake_up_new_task(t);
	EXPECT_EQ(task_join(t), TASK_KILLED);
	EXPECT(!came_back);
	EXPECT_EQ(event_count(memcg, MEMCG_OOM_KILL), 1);
	EXPECT_EQ(vfs_unmount(&m), 0);
	group_end(memcg, "/t");
}

/* -- Many ------------------------------------------------------------------------ */

TEST(oom, who_comes_together_kills_one)
{
	struct mem_cgroup *memcg = limited_group("/t", 1200);
	struct eater big = {.pages = 800, .stays = true, .memcg = memcg};
	struct eater e[6];

	eater_feed(&big);
	for (int i = 0; i < 6; i++) {
		e[i] = (struct eater){
			.pages = 120, .stays = true, .memcg = memcg};
		eater_start(&e[i]);
	}
	for (int i = 0; i < 6; i++)
		wait_for_completion(&e[i].has_eaten);
	EXPECT_EQ(task_join(big.task), TASK_KILLED);
	EXPECT_EQ(event_count(memcg, MEMCG_OOM_KILL), 1);
	for (int i = 0; i < 6; i++)
		EXPECT_EQ(eater_end(&e[i]), TASK_KILLED);
	group_end(memcg, "/t");
}

static int sleep_until_killed(void *arg)
{
	wait_for_completion_killable(arg);
	return 0;
}

static void count_task(struct task *t, void *arg)
{
	EXPECT(preemptible());
	++*(unsigned long *)arg;
}

TEST_T(oom, thousands_of_tasks_are_looked_at_without_holding_a_cpu, 30)
{
	const unsigned int nr = min(nr_free_pages() / 16, 3000ul);
	struct mem_cgroup *memcg = limited_group("/t", 100);
	struct eater last = {.pages = 300, .memcg = memcg};
	struct task **task = malloc(nr * sizeof(*task));
	unsigned long seen = 0, made;
	struct completion end;

	ASSERT(task);
	init_completion(&end);
	for (made = 0; made < nr; made++) {
		task[made] = task_create(sleep_until_killed, &end, "one");
		if (!task[made])
			break;
		EXPECT_EQ(cgroup_attach_task(memcg->css.cgroup, task[made]), 0);
		wake_up_new_task(task[made]);
	}
	EXPECT_GE(made, 100);
	oom_for_each_task(memcg, count_task, &seen);
	EXPECT_EQ(seen, made);
	eater_start(&last);
	EXPECT_EQ(task_join(last.task), TASK_KILLED);
	EXPECT_EQ(event_count(memcg, MEMCG_OOM_KILL), 1);
	complete_all(&end);
	for (unsigned long i = 0; i < made; i++)
		EXPECT_EQ(task_join(task[i]), 0);
	free(task);
	group_end(memcg, "/t");
}

/* -- The whole machine ------------------------------------------------------------- */

static void take_all(struct list_head *taken, unsigned int order)
{
	const gfp_t gfp = GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN;
	struct page *page;

	while ((page = alloc_pages(gfp, order)))
		list_add(&page->lru, taken);
}

static void give_back(struct list_head *taken, unsigned int order,
		      unsigned long nr)
{
	while (nr-- && !list_empty(taken)) {
		struct page *page = list_first_entry(taken, struct page, lru);

		list_del(&page->lru);
		__free_pages(page, order);
	}
}

TEST_T(oom, when_the_machine_is_full_the_biggest_task_ends, 30)
{
	struct eater big = {
		.pages = 1200, .stays = true, .memcg = root_mem_cgroup};
	struct eater last = {.pages = 1000, .memcg = root_mem_cgroup};
	LIST_HEAD(blocks);
	LIST_HEAD(pages);

	take_all(&blocks, 9);
	take_all(&pages, 0);
	give_back(&blocks, 9, 4); /* enough for one of the two */
	eater_feed(&big);
	eater_start(&last);
	EXPECT_EQ(task_join(last.task), 0);
	EXPECT_EQ(task_join(big.task), TASK_KILLED);
	give_back(&pages, 0, ~0ul);
	give_back(&blocks, 9, ~0ul);
}

/* Small blocks lie between the heap's records, and are not reaped. */
static int allocate_for_ever(void *arg)
{
	while (malloc(40))
		;
	return 0;
}

static int read_a_lot(void *arg)
{
	const size_t size = 256ul << 20;
	void *buf = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return read(open("/dev/zero", O_RDONLY), buf, size) == (ssize_t)size;
}

/* What the kernel touches for it must be there; and only it could free any. */
TEST_T(oom, who_holds_the_whole_machine_does_not_wait_for_itself, 30)
{
	struct task *t;
	LIST_HEAD(blocks);
	LIST_HEAD(pages);

	take_all(&blocks, 9);
	take_all(&pages, 0);
	give_back(&blocks, 9, 4);
	t = task_run(allocate_for_ever, NULL, "allocator");
	EXPECT(t && task_join(t) == TASK_KILLED);
	t = task_run(read_a_lot, NULL, "reader");
	EXPECT(t && task_join(t) == TASK_KILLED);
	give_back(&pages, 0, ~0ul);
	give_back(&blocks, 9, ~0ul);
}

TEST(oom, nobody_ends_for_a_failure_while_the_machine_has_room)
{
	struct eater eater = {
		.pages = 100, .stays = true, .memcg = root_mem_cgroup};

	eater_feed(&eater);
	EXPECT(__accounting_out_of_memory(GFP_KERNEL, 0));
	EXPECT(!READ_ONCE(eater.task->kill_pending));
	EXPECT_EQ(eater_end(&eater), TASK_KILLED);
}

/* -- All at once ------------------------------------------------------------------- */

/* Eats a little more all the time, gives some back, and starts anew. */
static int gorge(void *arg)
{
	for (int i = 0; i < 40; i++) {
		size_t size = (1 + test_random_below(100)) * PAGE_SIZE;
		char *p, *q;

		p = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			return 1;
		memset(p, 1, size);
		q = malloc(size);
		if (q)
			memset(q, 1, size);
		if (test_random_below(3) == 0)
			munmap(p, size);
		if (test_random_below(3))
			free(q);
		if (test_random_below(20) == 0)
			usleep(100);
	}
	return 0;
}

TEST_T(oom, stress, 60)
{
	enum { TASKS = 10, ROUNDS = 8 };
	static const char *const path[] = {"/t", "/t/a", "/t/b"};
	struct mem_cgroup *memcg[3];
	long killed = 0;

	for (int i = 0; i < 3; i++) {
		memcg[i] = limited_group(path[i], i ? 700 : 1000);
		memcg[i]->oom_group = i == 2;
	}
	for (int round = 0; round < ROUNDS; round++) {
		struct task *t[TASKS];

		for (int i = 0; i < TASKS; i++) {
			t[i] = task_create(gorge, NULL, "gorger");
			ASSERT(t[i]);
			EXPECT_EQ(cgroup_attach_task(
					  memcg[1 + i % 2]->css.cgroup, t[i]),
				  0);
			task_set_oom_score_adj(
				t[i], (int)test_random_below(1000) - 500);
			wake_up_new_task(t[i]);
		}
		group_limit(memcg[0], 300 + test_random_below(700));
		sleep_ns(test_random_below(5000000));
		task_kill(t[test_random_below(TASKS)]);
		for (int i = 0; i < TASKS; i++) {
			int code = task_join(t[i]);

			EXPECT(!code || code == TASK_KILLED);
			killed += code == TASK_KILLED;
		}
	}
	test_log("%ld of %d were killed", killed, TASKS * ROUNDS);
	for (int i = 2; i >= 0; i--)
		group_end(memcg[i], path[i]);
}
