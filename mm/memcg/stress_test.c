/* SPDX-License-Identifier: MIT */
/*
 * stress_test.c - everything that can happen to a charge, all at once.
 *
 * On every CPU tasks charge and uncharge one of everything, in their own group and
 * in others, and hand things over to be dropped elsewhere, also to interrupts.
 * Programs touch memory until there is none left for them.  Meanwhile tasks are
 * moved, limits written, groups removed with whatever they own and made again,
 * and allocations fail at random.  While all that goes on the books are audited,
 * and must balance each time; when it has ended, nothing may be left.
 */
#include <arch/cpumask.h>
#include <errno.h>
#include <kernel/core/clock.h>
#include <kernel/core/completion.h>
#include <kernel/core/fault_inject.h>
#include <kernel/core/timer.h>
#include <kernel/task/kthread.h>
#include <kernel/task/task.h>
#include <lib/err.h>
#include <lib/format.h>
#include <lib/math.h>
#include <mm/memcg/audit.h>
#include <mm/page/page_alloc.h>
#include <mm/slab/slab.h>
#include <mm/virt/arena.h>
#include <string.h>
#include <tests/test.h>
#include "memcg_test.h"
#include "things_test.h"

#define NR_TOPS	    3
#define NR_LEAVES   9 /* below them */
#define NR_THINGS   32
#define NR_EXCHANGE 16
#define MAX_WORKERS (2 * NR_CPUS + 8)

struct worker {
	struct task *task;
	struct prng rng;
	int (*fn)(void *worker);
	unsigned long rounds;
	struct thing things[NR_THINGS];
};

static struct worker *workers;
static unsigned int nr_workers;
static bool stop;

static bool is_over(void)
{
	return READ_ONCE(stop);
}

/* --- groups ---------------------------------------------------------------------- */

static const char *leaf_path(char path[32], unsigned int n)
{
	format(path, 32, "/s%u/l%u", n % NR_TOPS, n);
	return path;
}

static const char *any_leaf(struct worker *w, char path[32])
{
	return leaf_path(path, prng_below(&w->rng, NR_LEAVES));
}

/* Its state, referenced, or NULL: it may just not be there. */
static struct mem_cgroup *get_group(const char *path)
{
	struct cgroup *cgrp = cgroup_find(path);
	struct cgroup_subsys_state *css;

	if (IS_ERR(cgrp))
		return NULL;
	rcu_read_lock();
	css = READ_ONCE(cgrp->subsys[memory_cgrp_subsys.id]);
	if (css && !css_tryget(css))
		css = NULL;
	rcu_read_unlock();
	cgroup_put(cgrp);
	return css ? mem_cgroup_from_css(css) : NULL;
}

static void move_to(const char *path, struct task *t)
{
	struct cgroup *cgrp = cgroup_find(path);

	if (IS_ERR(cgrp))
		return;
	cgroup_attach_task(cgrp, t);
	cgroup_put(cgrp);
}

/* --- who charges ------------------------------------------------------------------- */

/* Things on their way to be dropped by somebody else. */
static struct thing *exchange[NR_EXCHANGE];

static void drop_boxed(struct thing *box)
{
	if (!box)
		return;
	thing_drop(box);
	kfree(box);
}

static void hand_over(struct worker *w, struct thing *t)
{
	unsigned int i = prng_below(&w->rng, NR_EXCHANGE);
	struct thing *box = kmalloc(sizeof(*box), GFP_KERNEL | __GFP_NOFAIL);

	*box = *t;
	*t = (struct thing){};
	drop_boxed(xchg(&exchange[i], box));
}

static gfp_t any_gfp(struct worker *w)
{
	static const gfp_t flags[] = {
		GFP_KERNEL | __GFP_NORETRY,
		GFP_KERNEL | __GFP_RETRY_MAYFAIL,
		GFP_NOWAIT,
		GFP_ATOMIC | __GFP_NOWARN,
		GFP_KERNEL | __GFP_NORETRY | __GFP_ZERO,
	};

	return flags[prng_below(&w->rng, ARRAY_SIZE(flags))] | __GFP_NOWARN;
}

static void charge_something(struct worker *w, struct thing *t)
{
	enum thing_type type = 1 + prng_below(&w->rng, NR_THING_TYPES - 1);
	struct mem_cgroup *memcg = NULL, *old;
	char path[32];

	if (prng_one_in(&w->rng, 3))
		memcg = get_group(any_leaf(w, path));
	old = set_active_memcg(memcg);
	thing_make(t, type, &w->rng, any_gfp(w));
	set_active_memcg(old);
	if (memcg)
		css_put(mem_cgroup_css(memcg));
}

static int charge_and_uncharge(void *worker)
{
	struct worker *w = worker;

	task_set_kernel_code();
	while (!is_over()) {
		struct thing *t = &w->things[prng_below(&w->rng, NR_THINGS)];

		if (t->type && prng_one_in(&w->rng, 4))
			hand_over(w, t);
		thing_drop(t);
		charge_something(w, t);
		WRITE_ONCE(w->rounds, w->rounds + 1);
		cond_resched();
	}
	for (unsigned int i = 0; i < NR_THINGS; i++)
		thing_drop(&w->things[i]);
	return 0;
}

/* --- in interrupts ------------------------------------------------------------------ */

/* Objects that a timer took, for the group it found, and drops. */
struct visitor {
	struct timer_list timer;
	struct prng rng;
	struct mem_cgroup *memcg; /* referenced */
	void *objects[8];
};

static struct visitor visitor;

static void visit(struct timer_list *timer)
{
	struct visitor *v = container_of(timer, struct visitor, timer);
	void **object = &v->objects[prng_below(&v->rng, 8)];
	struct mem_cgroup *old = set_active_memcg(v->memcg);

	kfree(*object);
	*object = kmalloc(1 + prng_below(&v->rng, 300),
			  GFP_ATOMIC | __GFP_ACCOUNT | __GFP_NOWARN);
	set_active_memcg(old);
	if (!is_over())
		mod_timer(timer, ktime_get_ns() + 200 * NSEC_PER_USEC);
}

/* --- whose memory is touched -------------------------------------------------------- */

/* A program: it ends when it is killed, where it touches memory. */
static int touch_memory(void *seed)
{
	size_t size = 16 * PAGE_SIZE << (*(u64 *)seed % 5);
	unsigned long addr;

	if (!task_arena())
		return 1;
	for (int round = 0; round < 3 && !is_over(); round++) {
		addr = arena_map(task_arena(), size, ARENA_READ | ARENA_WRITE,
				 0);
		if (IS_ERR_VALUE(addr))
			return 1;
		/* Above memory.high each page may take seconds. */
		for (size_t at = 0; at < size && !is_over(); at += PAGE_SIZE)
			*(volatile char *)(addr + at) = 1;
		if (round == 1)
			arena_unmap(task_arena(), addr, size);
	}
	return 0;
}

static int run_programs(void *worker)
{
	struct worker *w = worker;
	char path[32];
	u64 seed;

	task_set_kernel_code();
	while (!is_over()) {
		struct task *t;

		seed = prng_u64(&w->rng);
		t = task_create(touch_memory, &seed, "toucher");
		if (!t)
			continue;
		move_to(any_leaf(w, path), t);
		wake_up_process(t);
		task_join(t);
		WRITE_ONCE(w->rounds, w->rounds + 1);
	}
	return 0;
}

/* --- what happens to groups ----------------------------------------------------------- */

static int move_tasks(void *worker)
{
	struct worker *w = worker;
	char path[32];

	task_set_kernel_code();
	while (!is_over()) {
		struct worker *other =
			&workers[prng_below(&w->rng, nr_workers)];
		struct task *t = READ_ONCE(other->task);

		if (t && other->fn == charge_and_uncharge)
			move_to(prng_one_in(&w->rng, 8) ? "/"
							: any_leaf(w, path),
				t);
		WRITE_ONCE(w->rounds, w->rounds + 1);
		msleep(1);
	}
	return 0;
}

static int write_limits(void *worker)
{
	static const char *const names[] = {"memory.max", "memory.high",
					    "memory.low", "memory.min",
					    "memory.max"};
	static const char *const values[] = {"max",  "0",    "64K", "256K",
					     "512K", "900K", "2M",  "8M"};
	struct worker *w = worker;
	char path[32];

	task_set_kernel_code();
	while (!is_over()) {
		const char *name =
			names[prng_below(&w->rng, ARRAY_SIZE(names))];
		const char *value =
			values[prng_below(&w->rng, ARRAY_SIZE(values))];
		struct cgroup *cgrp = cgroup_find(any_leaf(w, path));

		if (IS_ERR(cgrp))
			continue;
		/* No limit of 0 for high: who charges would only wait. */
		if (!strcmp(name, "memory.high") && *value == '0')
			value = "max";
		if (!strcmp(name, "memory.low") && *value == 'm')
			value = "0";
		cgroup_write(cgrp, name, value);
		cgroup_put(cgrp);
		WRITE_ONCE(w->rounds, w->rounds + 1);
		msleep(1);
	}
	return 0;
}

/* With whatever they own; one with tasks in it stays. */
static int remove_and_make(void *worker)
{
	struct worker *w = worker;
	struct cgroup *cgrp;
	char path[32];

	task_set_kernel_code();
	while (!is_over()) {
		any_leaf(w, path);
		if (!cgroup_rmdir(path))
			WRITE_ONCE(w->rounds, w->rounds + 1);
		cgrp = cgroup_mkdir(path);
		if (!IS_ERR(cgrp))
			cgroup_put(cgrp);
		msleep(1);
	}
	return 0;
}

/* --- all at once ------------------------------------------------------------------------ */

static void make_groups(void)
{
	char path[32];

	for (unsigned int i = 0; i < NR_TOPS; i++) {
		format(path, sizeof(path), "/s%u", i);
		ASSERT(group_make(path));
	}
	for (unsigned int i = 0; i < NR_LEAVES; i++)
		ASSERT(group_make(leaf_path(path, i)));
}

static void remove_groups(void)
{
	char path[32];

	for (unsigned int i = 0; i < NR_LEAVES; i++) {
		int err = cgroup_rmdir(leaf_path(path, i));

		/* The last remove_and_make() may have had no memory. */
		EXPECT(!err || err == -ENOENT);
	}
	for (unsigned int i = 0; i < NR_TOPS; i++) {
		format(path, sizeof(path), "/s%u", i);
		group_remove(path);
	}
}

static void add_worker(int (*fn)(void *worker))
{
	struct worker *w = &workers[nr_workers];

	w->fn = fn;
	prng_init(&w->rng, test_random());
	w->task = task_create(fn, w, "stress");
	ASSERT(w->task);
	nr_workers++;
}

static void start_workers(void)
{
	WRITE_ONCE(stop, false);
	nr_workers = 0;
	memset(workers, 0, MAX_WORKERS * sizeof(*workers));
	for (int i = 0; i < num_online_cpus(); i++)
		add_worker(charge_and_uncharge);
	for (int i = 0; i < num_online_cpus(); i += 4)
		add_worker(run_programs);
	add_worker(move_tasks);
	add_worker(write_limits);
	add_worker(remove_and_make);
	for (unsigned int i = 0; i < nr_workers; i++) {
		get_task(workers[i].task);
		wake_up_process(workers[i].task);
	}
}

static void end_workers(void)
{
	WRITE_ONCE(stop, true);
	for (unsigned int i = 0; i < nr_workers; i++)
		task_join(workers[i].task);
	for (unsigned int i = 0; i < nr_workers; i++)
		put_task(workers[i].task);
	for (unsigned int i = 0; i < NR_EXCHANGE; i++)
		drop_boxed(xchg(&exchange[i], NULL));
}

static void start_visits(void)
{
	prng_init(&visitor.rng, test_random());
	visitor.memcg = get_group("/s0");
	ASSERT(visitor.memcg);
	timer_setup(&visitor.timer, visit, 0);
	mod_timer(&visitor.timer, ktime_get_ns());
}

static void end_visits(void)
{
	del_timer_sync(&visitor.timer);
	for (unsigned int i = 0; i < ARRAY_SIZE(visitor.objects); i++) {
		kfree(visitor.objects[i]);
		visitor.objects[i] = NULL;
	}
	css_put(mem_cgroup_css(visitor.memcg));
}

/* Some of everybody's allocations, in turn. */
static void fail_some(void)
{
	fault_fail_randomly(&failslab, 2000, test_random());
	fault_fail_randomly(&fail_page_alloc, 1000, test_random());
	fault_fail_randomly(&fail_percpu, 5000, test_random());
}

static void fail_no_more(void)
{
	fault_off(&failslab);
	fault_off(&fail_page_alloc);
	fault_off(&fail_percpu);
}

/* The books balance.  An audit that found no memory has found nothing out. */
static bool balances(void)
{
	struct audit *a = audit_take();
	bool does;

	if (!a)
		return true;
	does = EXPECT_EQ(a->nr_findings, 0ul);
	for (unsigned long i = 0; !does && i < min(a->nr_findings, 8ul); i++) {
		struct seq_text text = SEQ_TEXT_INIT;

		audit_print_finding(&text, &a->findings[i]);
		test_log("%s", seq_text_string(&text));
		seq_text_free(&text);
	}
	audit_free(a);
	return does;
}

static void round_of_everything(u64 ns)
{
	u64 end = ktime_get_ns() + ns;
	int audits = 0;

	make_groups();
	start_visits();
	start_workers();
	fail_some();
	while ((audits < 3 || ktime_get_ns() < end) && balances()) {
		audits++;
		msleep(10);
	}
	fail_no_more();
	end_workers();
	end_visits();
	for (unsigned int i = 0; i < nr_workers; i++)
		EXPECT_GT(workers[i].rounds, 0ul);
	remove_groups();
	EXPECT_EQ(audit(), 0l);
}

static void rounds_of_everything(int rounds, u64 ns)
{
	workers = kvzalloc(MAX_WORKERS * sizeof(*workers), GFP_KERNEL);
	ASSERT(workers);
	things_begin();
	for (int i = 0; i < rounds; i++)
		round_of_everything(ns);
	cgroup_wait_teardown();
	things_end();
	kvfree(workers);
}

TEST(memcg, stress_of_everything_at_once)
{
	rounds_of_everything(1, NSEC_PER_SEC);
}

TEST_T(memcg, stress_of_everything_at_once_for_long, 240)
{
	rounds_of_everything(8, 2 * NSEC_PER_SEC);
}
