/* SPDX-License-Identifier: MIT */
/* arena_test.c - memory is there when touched, for whom it may be, and goes. */
#include <arch/paging.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <fs/vfs.h>
#include <kernel/core/clock.h>
#include <kernel/core/completion.h>
#include <kernel/core/fault_inject.h>
#include <kernel/task/task.h>
#include <lib/err.h>
#include <lib/math.h>
#include <mm/page/page_alloc.h>
#include <mm/virt/arena.h>
#include <tests/test.h>

#define RW    (ARENA_READ | ARENA_WRITE)
#define STRAY (128 + 11)

TEST_LEAK_COUNTER(arenas)
{
	struct arena_info info;

	arena_get_info(&info);
	return info.arenas;
}

TEST_LEAK_COUNTER(arena_pages)
{
	struct arena_info info;

	arena_get_info(&info);
	return info.pages;
}

static struct anon_arena *test_arena(void)
{
	struct anon_arena *arena = arena_create();

	ASSERT(arena);
	return arena;
}

static unsigned char *map(struct anon_arena *arena, size_t size)
{
	unsigned long at = arena_map(arena, size, RW, 0);

	ASSERT(!IS_ERR_VALUE(at));
	return (unsigned char *)at;
}

/* @fn is a program; its exit code. */
static int outcome_of(int (*fn)(void *arg), void *arg)
{
	struct task *t = task_run(fn, arg, "program");

	return t ? task_join(t) : -ENOMEM;
}

/* Wait until @t has come to @place; false: it has ended without. */
static bool comes_to(struct task *t, struct completion *place)
{
	while (!wait_for_completion_timeout(place, 5 * NSEC_PER_MSEC)) {
		if (task_exited(t))
			return try_wait_for_completion(place);
	}
	return true;
}

/* -- Touching ---------------------------------------------------------------- */

TEST(arena, pages_are_made_when_touched_and_zeroed)
{
	struct anon_arena *arena = test_arena();
	unsigned char *p = map(arena, 100 * PAGE_SIZE);
	unsigned long sum = 0;

	EXPECT_EQ(arena_nr_pages(arena), 0);
	memset(p + 5 * PAGE_SIZE, 0xff, PAGE_SIZE);
	EXPECT_EQ(arena_nr_pages(arena), 1);
	for (int i = 0; i < 100 * PAGE_SIZE; i++)
		sum += p[i];
	EXPECT_EQ(sum, 0xff * PAGE_SIZE);
	EXPECT_EQ(arena_nr_pages(arena), 100);
	EXPECT_EQ(arena_check(arena), NULL);
	arena_destroy(arena);
}

TEST(arena, a_page_knows_where_it_is)
{
	struct anon_arena *arena = test_arena();
	unsigned char *p = map(arena, 10 * PAGE_SIZE);
	struct paging_entry entry;
	unsigned long addr;
	struct page *page;

	p[3 * PAGE_SIZE + 17] = 1;
	ASSERT(paging_lookup((unsigned long)p + 3 * PAGE_SIZE, &entry));
	page = phys_to_page(entry.pa);
	EXPECT_EQ(page_type(page), PAGE_ANON);
	EXPECT_EQ(page_count(page), 1);
	EXPECT_EQ(page->mapcount, 1);
	EXPECT_EQ(page_arena(page, &addr), arena);
	EXPECT_EQ(addr, (unsigned long)p + 3 * PAGE_SIZE);
	EXPECT_EQ(entry.prot, PAGE_KERNEL); /* and so never executed */
	arena_destroy(arena);
}

static int touch(void *arg)
{
	*(volatile int *)arg = 42;
	return 0;
}

TEST(arena, others_may_touch_it_and_the_page_is_its_owners)
{
	struct anon_arena *arena = test_arena();
	unsigned char *p = map(arena, PAGE_SIZE);

	EXPECT_EQ(outcome_of(touch, p), 0);
	EXPECT_EQ(arena_nr_pages(arena), 1);
	EXPECT_EQ(*(int *)p, 42);
	arena_destroy(arena);
}

/* Some tasks go through the same pages; each wants to be the first. */
struct race {
	unsigned char *p;
	size_t pages;
	atomic_t ready;
	int tasks;
};

static int race_to_touch(void *arg)
{
	struct race *race = arg;

	atomic_inc(&race->ready);
	while (atomic_read(&race->ready) < race->tasks)
		yield();
	for (size_t i = 0; i < race->pages; i++)
		__atomic_add_fetch(&race->p[i * PAGE_SIZE], 1,
				   __ATOMIC_RELAXED);
	return 0;
}

TEST(arena, tasks_that_touch_one_page_at_once_get_the_same)
{
	struct anon_arena *arena = test_arena();
	struct race race = {.pages = 200, .tasks = 4};
	struct task *t[4];

	race.p = map(arena, race.pages * PAGE_SIZE);
	for (int i = 0; i < 4; i++) {
		t[i] = task_run(race_to_touch, &race, "racer");
		ASSERT(t[i]);
	}
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(task_join(t[i]), 0);
	for (size_t i = 0; i < race.pages; i++)
		EXPECT_EQ(race.p[i * PAGE_SIZE], 4);
	EXPECT_EQ(arena_nr_pages(arena), race.pages);
	EXPECT_EQ(arena_check(arena), NULL);
	arena_destroy(arena);
}

/* -- Where nothing is --------------------------------------------------------- */

TEST(arena, beside_an_area_there_is_nothing)
{
	struct anon_arena *arena = test_arena();
	unsigned char *p[3];

	for (int i = 0; i < 3; i++) {
		p[i] = map(arena, 3 * PAGE_SIZE);
		EXPECT_EQ(outcome_of(touch, p[i]), 0);
	}
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(outcome_of(touch, p[i] - 8), STRAY);
		EXPECT_EQ(outcome_of(touch, p[i] + 3 * PAGE_SIZE), STRAY);
	}
	arena_destroy(arena);
	EXPECT_EQ(outcome_of(touch, p[0]), STRAY);
}

static int look(void *arg)
{
	return *(volatile unsigned char *)arg;
}

TEST(arena, rights_hold_and_change)
{
	struct anon_arena *arena = test_arena();
	unsigned long at = arena_map(arena, 3 * PAGE_SIZE, ARENA_READ, 0);
	unsigned char *p = (unsigned char *)at;

	ASSERT(!IS_ERR_VALUE(at));
	EXPECT_EQ(outcome_of(look, p), 0);
	EXPECT_EQ(outcome_of(touch, p), STRAY);
	EXPECT_EQ(arena_protect(arena, at + PAGE_SIZE, PAGE_SIZE, RW), 0);
	EXPECT_EQ(outcome_of(touch, p), STRAY);
	EXPECT_EQ(outcome_of(touch, p + PAGE_SIZE), 0);
	EXPECT_EQ(outcome_of(touch, p + 2 * PAGE_SIZE), STRAY);
	EXPECT_EQ(arena_protect(arena, at, 3 * PAGE_SIZE, ARENA_READ), 0);
	EXPECT_EQ(outcome_of(touch, p + PAGE_SIZE), STRAY);
	EXPECT_EQ(outcome_of(look, p + PAGE_SIZE), 42);
	EXPECT_EQ(arena_protect(arena, at, 3 * PAGE_SIZE, 0), 0);
	EXPECT_EQ(outcome_of(look, p), STRAY);
	EXPECT_EQ(arena_nr_pages(arena), 0);
	EXPECT_EQ(arena_protect(arena, at, 4 * PAGE_SIZE, RW), -ENOMEM);
	EXPECT_EQ(arena_check(arena), NULL);
	arena_destroy(arena);
}

TEST(arena, unmapping_takes_what_it_names_and_no_more)
{
	struct anon_arena *arena = test_arena();
	unsigned char *p = map(arena, 10 * PAGE_SIZE);
	unsigned long at = (unsigned long)p;

	memset(p, 7, 10 * PAGE_SIZE);
	EXPECT_EQ(arena_unmap(arena, at + 1, PAGE_SIZE), -EINVAL);
	EXPECT_EQ(arena_unmap(arena, at, 0), -EINVAL);
	EXPECT_EQ(arena_unmap(arena, (unsigned long)&arena, PAGE_SIZE),
		  -EINVAL);
	EXPECT_EQ(arena_unmap(arena, at + 3 * PAGE_SIZE, 4 * PAGE_SIZE), 0);
	EXPECT_EQ(arena_nr_pages(arena), 6);
	EXPECT_EQ(outcome_of(look, p + 3 * PAGE_SIZE - 1), 7);
	EXPECT_EQ(outcome_of(look, p + 3 * PAGE_SIZE), STRAY);
	EXPECT_EQ(outcome_of(look, p + 7 * PAGE_SIZE - 1), STRAY);
	EXPECT_EQ(outcome_of(look, p + 7 * PAGE_SIZE), 7);
	/* Holes do not matter. */
	EXPECT_EQ(arena_unmap(arena, at + PAGE_SIZE, 8 * PAGE_SIZE), 0);
	EXPECT_EQ(arena_nr_pages(arena), 2);
	EXPECT_EQ(arena_check(arena), NULL);
	/* The gap is used again, with a page on either side. */
	EXPECT_EQ(map(arena, 6 * PAGE_SIZE), p + 2 * PAGE_SIZE);
	EXPECT_EQ(p[2 * PAGE_SIZE], 0);
	EXPECT_EQ(arena_check(arena), NULL);
	arena_destroy(arena);
}

/* A gap is used when there is a page to spare behind, and not without. */
TEST(arena, gap_that_leaves_no_guard_is_passed_over)
{
	struct anon_arena *arena = test_arena();
	unsigned char *p[3], *longer;

	for (int i = 0; i < 3; i++)
		p[i] = map(arena, 4 * PAGE_SIZE);
	EXPECT_EQ(arena_unmap(arena, (unsigned long)p[1], 4 * PAGE_SIZE), 0);
	longer = map(arena, 5 * PAGE_SIZE);
	EXPECT_GE(longer, p[2] + 5 * PAGE_SIZE);
	EXPECT_EQ(map(arena, 4 * PAGE_SIZE), p[1]);
	EXPECT_EQ(arena_check(arena), NULL);
	arena_destroy(arena);
}

/* The 1st, 2nd... of two unmappings fails for want of memory; what splits no
 * area cannot. */
TEST(arena, giving_all_back_needs_no_memory)
{
	struct anon_arena *arena = test_arena();
	unsigned long at, n;

	FAULT_SWEEP(&failslab, n) {
		at = arena_map(arena, 4 * PAGE_SIZE, RW, 0);
		if (IS_ERR_VALUE(at))
			continue;
		arena_unmap(arena, at + PAGE_SIZE, PAGE_SIZE);
		EXPECT_EQ(arena_unmap(arena, at, 4 * PAGE_SIZE), 0);
		EXPECT_EQ(arena_check(arena), NULL);
	}
	EXPECT_GE(n, 3);

	at = arena_map(arena, 4 * PAGE_SIZE, RW, 0);
	ASSERT(!IS_ERR_VALUE(at));
	fault_fail_from(&failslab, 1);
	EXPECT_EQ(arena_unmap(arena, at + PAGE_SIZE, PAGE_SIZE), -ENOMEM);
	EXPECT_EQ(arena_protect(arena, at + PAGE_SIZE, PAGE_SIZE, 0), -ENOMEM);
	EXPECT_EQ(arena_protect(arena, at, 4 * PAGE_SIZE, ARENA_READ), 0);
	EXPECT_EQ(arena_unmap(arena, at, 4 * PAGE_SIZE), 0);
	EXPECT_EQ(fault_off(&failslab), 2);
	arena_destroy(arena);
}

TEST(arena, page_tables_come_back)
{
	unsigned long before = paging_nr_tables();
	struct anon_arena *arena = test_arena();
	unsigned char *p = map(arena, 64ul << 20);

	for (size_t i = 0; i < 64ul << 20; i += 2ul << 20)
		p[i] = 1;
	EXPECT_GE(paging_nr_tables(), before + 32);
	EXPECT_EQ(arena_unmap(arena, (unsigned long)p, 64ul << 20), 0);
	EXPECT_LE(paging_nr_tables(), before + 3);
	arena_destroy(arena);
	/* All but one, perhaps, that 512 windows have in common. */
	EXPECT_LE(paging_nr_tables(), before + 1);
}

TEST(arena, what_is_big_gets_more_windows)
{
	struct anon_arena *arena = test_arena();
	const size_t size = 5ul << 30;
	unsigned char *p = map(arena, size), *small = map(arena, PAGE_SIZE);

	p[0] = p[size - 1] = p[3ul << 30] = 1;
	small[0] = 2;
	EXPECT_EQ(arena_nr_pages(arena), 4);
	EXPECT_EQ(outcome_of(touch, p + size), STRAY);
	EXPECT_EQ(arena_map(arena, ARENA_SIZE, RW, 0), -ENOMEM);
	EXPECT_EQ(arena_map(arena, ARENA_SIZE - PAGE_SIZE, RW, 0), -ENOMEM);
	EXPECT_EQ(arena_map(arena, 0, RW, 0), -EINVAL);
	EXPECT_EQ(arena_unmap(arena, (unsigned long)p, size), 0);
	EXPECT_EQ(arena_nr_pages(arena), 1);
	EXPECT_EQ(arena_check(arena), NULL);
	arena_destroy(arena);
}

TEST(arena, sbrk_grows_and_shrinks)
{
	struct anon_arena *arena = test_arena();
	unsigned long start = arena_sbrk(arena, 0);
	unsigned char *p = (unsigned char *)start;

	ASSERT(!IS_ERR_VALUE(start));
	EXPECT_EQ(outcome_of(touch, p), STRAY);
	EXPECT_EQ(arena_sbrk(arena, 100), start);
	EXPECT_EQ(arena_sbrk(arena, 10 * PAGE_SIZE), start + 100);
	memset(p, 1, 100 + 10 * PAGE_SIZE);
	EXPECT_EQ(arena_nr_pages(arena), 11);
	EXPECT_EQ(outcome_of(touch, p + 11 * PAGE_SIZE), STRAY);
	EXPECT_EQ(arena_sbrk(arena, -100), start + 100 + 10 * PAGE_SIZE);
	EXPECT_EQ(arena_nr_pages(arena), 10);
	EXPECT_EQ(arena_sbrk(arena, -20 * (long)PAGE_SIZE), -ENOMEM);
	EXPECT_EQ(arena_sbrk(arena, 100l << 30), -ENOMEM);
	EXPECT_EQ(arena_sbrk(arena, LONG_MAX), -ENOMEM);
	EXPECT_EQ(arena_unmap(arena, start, PAGE_SIZE), -EINVAL);
	EXPECT_EQ(arena_check(arena), NULL);
	arena_destroy(arena);
}

/* -- On every CPU -------------------------------------------------------------- */

struct watched {
	volatile unsigned char *p;
	bool stop;
	unsigned long looks;
};

/* Ends by a fault, once it is unmapped. */
static int watch(void *arg)
{
	struct watched *w = arg;

	while (!READ_ONCE(w->stop)) {
		(void)*w->p;
		w->looks++;
	}
	return 0;
}

TEST(arena, what_is_unmapped_is_gone_from_every_cpu)
{
	struct anon_arena *arena = test_arena();
	struct watched w[4] = {{.stop = false}};
	struct task *t[4];
	unsigned char *p = map(arena, PAGE_SIZE);

	*p = 1;
	for (int i = 0; i < 4; i++) {
		w[i].p = p;
		t[i] = task_run(watch, &w[i], "watcher");
		ASSERT(t[i]);
	}
	for (int i = 0; i < 4; i++) {
		while (!READ_ONCE(w[i].looks))
			msleep(1);
	}
	EXPECT_EQ(arena_unmap(arena, (unsigned long)p, PAGE_SIZE), 0);
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(task_join(t[i]), STRAY);
	arena_destroy(arena);
}

/* -- Programs ------------------------------------------------------------------ */

static int use_calls(void *arg)
{
	const size_t size = 50 * PAGE_SIZE;
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *brk = sbrk(1000);

	if (p == MAP_FAILED || brk == (char *)-1)
		return 1;
	memset(p, 1, size);
	memset(brk, 1, 1000);
	if (munmap(p, size / 2) || mprotect(p + size / 2, 1, PROT_READ))
		return 2;
	errno = 0;
	if (mmap(NULL, size, PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
		    MAP_FAILED ||
	    errno != EINVAL)
		return 3;
	if (mmap(NULL, size, PROT_READ, MAP_PRIVATE, 7, 0) != MAP_FAILED ||
	    errno != ENODEV)
		return 4;
	if (munmap(p + 1, size) != -1 || errno != EINVAL)
		return 5;
	return arena_nr_pages(current->arena) >= 26 ? 0 : 6;
}

TEST(arena, programs_map_unmap_and_grow)
{
	EXPECT_EQ(outcome_of(use_calls, NULL), 0);
}

static int use_malloc(void *arg)
{
	size_t before, small, large;
	char *p;

	free(malloc(1));
	before = arena_nr_pages(current->arena);
	p = malloc(4 << 20);
	large = arena_nr_pages(current->arena);
	if (!is_arena_addr(p) || large > before + 2)
		return 1;
	memset(p, 1, 4 << 20);
	if (arena_nr_pages(current->arena) < before + 1024)
		return 2;
	free(p);
	small = arena_nr_pages(current->arena);
	return small == before && !arena_check(current->arena) ? 0 : 3;
}

TEST(arena, malloc_takes_pages_when_they_are_touched)
{
	EXPECT_EQ(outcome_of(use_malloc, NULL), 0);
}

static int fail_at_a_touch(void *arg)
{
	char *p = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	fault_fail_from(&fail_page_alloc, 1);
	*p = 1;
	return 0;
}

TEST(arena, a_program_without_memory_ends_and_leaves_nothing)
{
	EXPECT_EQ(outcome_of(fail_at_a_touch, NULL), TASK_KILLED);
	EXPECT_GE(fault_off(&fail_page_alloc), 1);
}

TEST(arena, the_kernels_own_touch_waits_for_memory)
{
	struct anon_arena *arena = test_arena();
	unsigned char *p = map(arena, 100 * PAGE_SIZE);
	unsigned long n;

	FAULT_SWEEP(&fail_page_alloc, n) {
		p[0] = 1; /* the page; the tables */
		EXPECT_EQ(arena_unmap(arena, (unsigned long)p, PAGE_SIZE), 0);
		p += PAGE_SIZE;
	}
	EXPECT_EQ(arena_check(arena), NULL);
	arena_destroy(arena);
}

static int make_and_fill(void)
{
	struct anon_arena *arena = arena_create();
	unsigned long at[3] = {0};
	int err = -ENOMEM;

	if (!arena)
		return -ENOMEM;
	for (int i = 0; i < 3; i++) {
		at[i] = arena_map(arena, i == 2 ? 2ul << 30 : 8 * PAGE_SIZE, RW,
				  0);
		if (IS_ERR_VALUE(at[i]))
			goto out;
	}
	err = arena_populate(arena, at[0], 8 * PAGE_SIZE);
	if (!err && IS_ERR_VALUE(arena_sbrk(arena, 100)))
		err = -ENOMEM;
	if (!err)
		err = arena_unmap(arena, at[1] + PAGE_SIZE, PAGE_SIZE);
	if (!err)
		err = arena_protect(arena, at[0] + PAGE_SIZE, PAGE_SIZE, 0);
out:
	EXPECT_EQ(arena_check(arena), NULL);
	arena_destroy(arena);
	return err;
}

TEST(arena, whatever_is_refused_leaves_no_trace)
{
	unsigned long n;

	FAULT_SWEEP(&failslab, n)
		EXPECT_EQ(make_and_fill(),
			  fault_fired(&failslab) ? -ENOMEM : 0);
	EXPECT_GE(n, 8);
	FAULT_SWEEP(&fail_page_alloc, n) {
		int err = make_and_fill();

		/* The slabs' own allocations may do with less. */
		EXPECT(!err ||
		       (err == -ENOMEM && fault_fired(&fail_page_alloc)));
	}
	EXPECT_GE(n, 8);
}

static int touch_for_ever(void *arg)
{
	struct anon_arena *arena = task_arena();

	while (arena) {
		size_t size = 16 * PAGE_SIZE;
		char *p = (char *)arena_map(arena, size, RW, 0);

		if (IS_ERR(p))
			break;
		for (size_t i = 0; i < size; i += PAGE_SIZE)
			p[i] = 1;
		arena_unmap(arena, (unsigned long)p, size);
	}
	return 1;
}

TEST(arena, a_killed_program_ends_at_its_next_fault)
{
	struct task *t = task_run(touch_for_ever, NULL, "toucher");

	ASSERT(t);
	msleep(2);
	task_kill(t);
	EXPECT_EQ(task_join(t), TASK_KILLED);
}

/* -- Killed in a system call --------------------------------------------------- */

static struct completion reading, may_read;

/* A file that is slow, and fills what it is given without looking. */
static ssize_t slow_read(struct file *f, void *buf, size_t size, off_t *pos)
{
	complete(&reading);
	wait_for_completion(&may_read);
	memset(buf, 'x', size);
	return size;
}

static const struct file_operations slow_ops = {.read = slow_read};

static int slow_open(struct mount *m, const char *path, struct file *f,
		     mode_t mode)
{
	f->ops = &slow_ops;
	return 0;
}

static const struct fs_operations slow_fs = {.open = slow_open};

struct reader {
	unsigned char *p;
	size_t size;
	bool came_back;
};

static int read_slowly(void *arg)
{
	struct reader *r = arg;
	int fd = open("/slow/file", O_RDONLY);

	r->p = mmap(NULL, r->size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (fd < 0 || r->p == MAP_FAILED)
		return 1;
	memset(r->p, 1, r->size / 2);
	if (read(fd, r->p, r->size) == (ssize_t)r->size)
		r->came_back = true;
	return 0;
}

/* It is killed, and half of its buffer or all of it is not there. */
static void kill_while_reading(bool reap)
{
	struct mount m = {.path = "/slow", .ops = &slow_fs};
	struct reader r = {.size = 20 * PAGE_SIZE};
	struct task *t;

	init_completion(&reading);
	init_completion(&may_read);
	ASSERT_EQ(vfs_mount(&m), 0);
	t = task_run(read_slowly, &r, "reader");
	if (!EXPECT(t && comes_to(t, &reading))) {
		if (t)
			task_join(t);
		vfs_unmount(&m);
		return;
	}
	task_kill(t);
	if (reap) {
		unsigned long before = arena_nr_pages(t->arena);

		EXPECT_EQ(arena_reap(t->arena), 10);
		EXPECT_EQ(arena_nr_pages(t->arena), before - 10);
	}
	complete(&may_read);
	EXPECT_EQ(task_join(t), TASK_KILLED);
	EXPECT(!r.came_back);
	/* The file's lock and the mount's user are gone with it. */
	EXPECT_EQ(vfs_unmount(&m), 0);
}

TEST(arena, a_task_killed_in_read_ends_when_the_call_does)
{
	kill_while_reading(false);
}

TEST(arena, a_task_reaped_in_read_ends_when_the_call_does)
{
	kill_while_reading(true);
}

/* -- Reaped -------------------------------------------------------------------- */

struct linked {
	struct linked *next;
	char rest[200];
};

/* Follows pointers through its memory; a zero among them would be followed to
 * address 0. */
static int walk_for_ever(void *arg)
{
	const int nr = 20000;
	struct linked *list = mmap(NULL, nr * sizeof(*list),
				   PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (list == MAP_FAILED)
		return 1;
	for (int i = 0; i < nr; i++)
		list[i].next = &list[(i + 7) % nr];
	complete(arg);
	for (;;)
		list = READ_ONCE(list->next);
	return 0;
}

TEST(arena, a_reaped_program_never_sees_what_took_its_datas_place)
{
	for (int i = 0; i < 5; i++) {
		struct completion ready;
		struct task *t;

		init_completion(&ready);
		t = task_run(walk_for_ever, &ready, "walker");
		ASSERT(t);
		if (EXPECT(comes_to(t, &ready))) {
			task_kill(t);
			EXPECT_GE(arena_reap(t->arena), 1);
		}
		EXPECT_EQ(task_join(t), TASK_KILLED);
	}
}

/* Lends its memory, and is in the kernel for as long as it is told. */
static int lend(void *arg)
{
	struct reader *r = arg;

	r->p = mmap(NULL, r->size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (r->p == MAP_FAILED)
		return 1;
	memset(r->p, 7, r->size);
	task_enter_kernel();
	complete(&reading);
	wait_for_completion(&may_read);
	task_leave_kernel();
	return 0;
}

TEST(arena, who_touches_what_was_reaped_ends_and_the_kernel_goes_on)
{
	struct reader r = {.size = 4 * PAGE_SIZE};
	struct task *t;

	init_completion(&reading);
	init_completion(&may_read);
	t = task_run(lend, &r, "lender");
	ASSERT(t);
	if (EXPECT(comes_to(t, &reading))) {
		EXPECT_EQ(outcome_of(look, r.p), 7);
		EXPECT_EQ(arena_reap(t->arena), 4);
		EXPECT_EQ(outcome_of(look, r.p), TASK_KILLED);
		EXPECT_EQ(*r.p, 0); /* a test's body is the kernel's */
		complete(&may_read);
	}
	EXPECT_EQ(task_join(t), 0);
}

static int keep_blocks(void *arg)
{
	struct completion *done = arg;
	char *small = malloc(100), *large = malloc(1 << 20);

	if (!small || !large)
		return 2;
	memset(small, 1, 100);
	memset(large, 1, 1 << 20);
	complete(&done[0]);
	task_enter_kernel();
	wait_for_completion(&done[1]);
	/* All but the large block's bytes is as it was. */
	if (small[99] != 1 || large[1 << 19] || !malloc(5000))
		return 1;
	free(large);
	free(small);
	return 0;
}

TEST(arena, reaping_leaves_a_heap_whole)
{
	struct completion done[2];
	struct task *t;

	init_completion(&done[0]);
	init_completion(&done[1]);
	t = task_run(keep_blocks, done, "keeper");
	ASSERT(t);
	if (EXPECT(comes_to(t, &done[0]))) {
		EXPECT_GE(arena_reap(t->arena), 255);
		complete(&done[1]);
	}
	EXPECT_EQ(task_join(t), 0);
}

/* -- All at once --------------------------------------------------------------- */

#define PLACES 8

/* Maps, fills, checks and unmaps; sometimes goes on where others are. */
struct worker {
	struct anon_arena *arena;
	unsigned char *shared;
	size_t shared_size;
	unsigned int steps;
	unsigned int wrong, refused;
};

struct place {
	unsigned char *p;
	size_t pages;
	unsigned char mark;
};

static void place_fill(struct worker *w, struct place *at)
{
	at->pages = 1 + test_random_below(40);
	at->mark = test_random();
	at->p = (void *)arena_map(w->arena, at->pages * PAGE_SIZE, RW, 0);
	if (IS_ERR(at->p)) {
		at->p = NULL;
		w->refused++;
		return;
	}
	for (size_t i = 0; i < at->pages; i++) {
		w->wrong += at->p[i * PAGE_SIZE + 5] != 0;
		at->p[i * PAGE_SIZE + 5] = at->mark;
	}
}

static void place_empty(struct worker *w, struct place *at)
{
	size_t cut = test_random_below(at->pages);

	for (size_t i = 0; i < at->pages; i++)
		w->wrong += at->p[i * PAGE_SIZE + 5] != at->mark;
	/* In one go or in two. */
	if (cut)
		arena_unmap(w->arena, (unsigned long)at->p, cut * PAGE_SIZE);
	arena_unmap(w->arena, (unsigned long)at->p + cut * PAGE_SIZE,
		    (at->pages - cut) * PAGE_SIZE);
	at->p = NULL;
}

static int work(void *arg)
{
	struct place place[PLACES] = {{.p = NULL}};
	struct worker *w = arg;

	for (unsigned int i = 0; i < w->steps; i++) {
		struct place *at = &place[test_random_below(PLACES)];

		if (at->p)
			place_empty(w, at);
		else
			place_fill(w, at);
		w->shared[test_random_below(w->shared_size)]++;
		if (i % 32 == 0)
			arena_protect(w->arena, (unsigned long)w->shared,
				      PAGE_SIZE << test_random_below(4), RW);
	}
	for (int i = 0; i < PLACES; i++) {
		if (place[i].p)
			place_empty(w, &place[i]);
	}
	return 0;
}

/* Who touches in vain, where allocations fail, ends; what it had mapped then goes
 * with the arena. */
TEST(arena, stress)
{
	unsigned long failures = fault_nr_failures();
	struct anon_arena *arena;
	struct worker w[6];
	struct task *t[6];
	bool all_well;

	test_tolerates_faults();
	arena = arena_create();
	w[0].shared = arena ? (void *)arena_map(arena, 4 << 20, RW, 0) : NULL;
	if (!arena || IS_ERR(w[0].shared))
		goto out;

	for (int i = 0; i < 6; i++) {
		w[i] = (struct worker){
			.arena = arena,
			.shared = w[0].shared,
			.shared_size = 4 << 20,
			.steps = 100,
		};
		t[i] = task_run(work, &w[i], "worker");
	}
	for (int i = 0; i < 6; i++) {
		int code = t[i] ? task_join(t[i]) : TASK_KILLED;

		all_well = fault_nr_failures() == failures;
		EXPECT(!code || (code == TASK_KILLED && !all_well));
		EXPECT_EQ(w[i].wrong, 0);
		EXPECT(!w[i].refused || !all_well);
	}
	EXPECT_EQ(arena_check(arena), NULL);
	EXPECT_EQ(arena_unmap(arena, (unsigned long)w[0].shared, 4 << 20), 0);
	EXPECT(!arena_nr_pages(arena) || !all_well);
out:
	EXPECT(arena || fault_nr_failures() != failures);
	if (arena)
		arena_destroy(arena);
}

/* A program that fills memory, some of it another one's, until something ends
 * it. */
static int fill_for_ever(void *arg)
{
	unsigned char *foreign = READ_ONCE(*(unsigned char **)arg);

	for (;;) {
		size_t size = (1 + test_random_below(64)) * PAGE_SIZE;
		char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			return 0;
		for (size_t i = 0; i < size; i += PAGE_SIZE)
			p[i] = 1;
		WRITE_ONCE(*(unsigned char **)arg, (unsigned char *)p);
		if (foreign && test_random_below(8) == 0)
			*foreign = 1;
		if (test_random_below(4))
			munmap(p, size);
		if (arena_nr_pages(current->arena) > 2000)
			return 0;
	}
}

TEST(arena, faults_meet_exits_and_the_reaper)
{
	enum { ROUNDS = 12, TASKS = 5 };
	unsigned char *last = NULL;

	for (int round = 0; round < ROUNDS; round++) {
		struct task *t[TASKS];

		for (int i = 0; i < TASKS; i++) {
			t[i] = task_run(fill_for_ever, &last, "filler");
			ASSERT(t[i]);
		}
		sleep_ns(test_random_below(3000000));
		for (int i = 0; i < TASKS; i++) {
			struct anon_arena *arena;

			task_kill(t[i]);
			arena = task_get_arena(t[i]);
			if (arena) {
				arena_reap(arena);
				EXPECT_EQ(arena_check(arena), NULL);
				arena_put(arena);
			}
		}
		for (int i = 0; i < TASKS; i++) {
			int code = task_join(t[i]);

			EXPECT(!code || code == TASK_KILLED || code == STRAY);
		}
	}
}
