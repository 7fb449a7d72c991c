/* SPDX-License-Identifier: MIT */
/*
 * oom.c - one must end, so that the others can go on.
 *
 * Problem.    A group is at its limit, nothing more can be reclaimed, and one of
 *             its tasks needs a page to go on.
 * Idea.       Of all tasks in the group and below, the one with the most memory
 *             ends: that gives most back, and is most likely to blame.
 *             oom_score_adj moves a task up or down by thousandths of the limit;
 *             -1000 is never chosen, and neither is the kernel's own code.
 *             Where memory.oom.group is set, what belongs together ends together.
 * Progress.   Whoever is killed charges without limit, so that it can run to its
 *             end.  It may be stuck all the same, on a lock that the one who
 *             waits for memory holds: so a thread, the reaper, takes its pages at
 *             once.  The one who waits goes on as soon as there is room.
 * One by one. Choosing is under oom_mutex.  Who comes while a victim of the same
 *             group is dying, whoever killed it, waits for that one.  A victim
 *             that is still there after STUCK_NS does not count any more, and
 *             the next one is chosen.
 * Machine.    When it is the machine that has no more, for a page that a program
 *             touches or that must not fail, all of this is done for the root.
 * Nobody.     With no one left to kill the charge is refused, and the log says so,
 *             but not each time.
 *
 * Context: tasks that may sleep, with any lock held but oom_mutex.
 * Locks: oom_mutex; inside it victims_lock, a spinlock, and inside that nothing.
 */
#include <errno.h>
#include <kernel/core/clock.h>
#include <kernel/core/mutex.h>
#include <kernel/core/panic.h>
#include <kernel/core/printk.h>
#include <kernel/core/wait.h>
#include <kernel/task/kthread.h>
#include <kernel/task/task.h>
#include <lib/err.h>
#include <lib/math.h>
#include <mm/memcg/oom.h>
#include <mm/page/zone.h>
#include <mm/virt/arena.h>
#include "oom_impl.h"

/* How long a victim may take, once its pages are gone. */
#define STUCK_NS (2 * NSEC_PER_SEC)

/* How long to wait for one before trying again. */
#define WAIT_NS (100 * NSEC_PER_MSEC)

/* How often the reaper looks whether victims are gone: ever more seldom. */
#define POLL_MIN_NS NSEC_PER_MSEC
#define POLL_MAX_NS (16 * NSEC_PER_MSEC)

/* task->oom_state, under victims_lock. */
enum oom_state { OOM_NOT, OOM_VICTIM, OOM_REAPED, OOM_STUCK };

static DEFINE_MUTEX(oom_mutex);
static DEFINE_SPINLOCK(victims_lock);

/* Under victims_lock; each with a reference. */
static LIST_HEAD(victims);

/* Any CPU, atomically: those, and who was one until the reaper lets go. */
static atomic_t nr_victims;

static DECLARE_WAIT_QUEUE_HEAD(reaper_queue);
static DECLARE_WAIT_QUEUE_HEAD(progress_queue);

/* -- Tasks and groups ---------------------------------------------------------- */

/* It has given its memory back: a task leaves its group after that. */
static bool is_gone(const struct task *t)
{
	return !READ_ONCE(t->cgroup);
}

static bool is_below(const struct task *t, struct mem_cgroup *memcg)
{
	bool below;

	rcu_read_lock();
	below = !is_gone(t) &&
		mem_cgroup_is_descendant(mem_cgroup_from_task(t), memcg);
	rcu_read_unlock();
	return below;
}

struct mem_cgroup *mem_cgroup_get_from_task(const struct task *t)
{
	struct mem_cgroup *memcg;

	rcu_read_lock();
	memcg = is_gone(t) ? NULL : mem_cgroup_from_task(t);
	if (memcg && !css_tryget(mem_cgroup_css(memcg)))
		memcg = NULL;
	rcu_read_unlock();
	return memcg;
}

/* Groups without a controller of their own are part of the one above. */
void oom_for_each_task(struct mem_cgroup *memcg,
		       void (*fn)(struct task *t, void *arg), void *arg)
{
	struct cgroup_subsys_state *top = &mem_cgroup_css(memcg)->cgroup->self;
	struct cgroup_subsys_state *pos;
	struct task *t;
	u64 at;

	rcu_read_lock();
	css_for_each_descendant_pre(pos, top) {
		if (!css_tryget(pos))
			continue;
		rcu_read_unlock();
		at = 0;
		t = NULL;
		while ((t = cgroup_next_task(pos->cgroup, t, &at))) {
			fn(t, arg);
			cond_resched();
		}
		rcu_read_lock();
		css_put(pos);
	}
	rcu_read_unlock();
}

/* -- Points --------------------------------------------------------------------- */

unsigned long oom_limit(struct mem_cgroup *memcg)
{
	struct page_info info;

	page_get_info(&info);
	if (memcg == root_mem_cgroup)
		return info.total;
	return min(READ_ONCE(memcg->memory.max), info.total);
}

/* What it would give back: its pages, its stack. */
unsigned long oom_task_pages(struct task *t)
{
	struct anon_arena *arena = task_get_arena(t);
	unsigned long pages = TASK_AREA_SIZE >> PAGE_SHIFT;

	if (arena) {
		pages += arena_nr_pages(arena);
		arena_put(arena);
	}
	return pages;
}

static bool is_exempt(const struct task *t)
{
	return (t->flags & (PF_KTHREAD | PF_IDLE)) || t->is_kernel_code ||
	       READ_ONCE(t->oom_score_adj) <= OOM_SCORE_ADJ_MIN;
}

long oom_points(struct task *t, unsigned long limit)
{
	long adj = READ_ONCE(t->oom_score_adj);

	return (long)oom_task_pages(t) + adj * (long)limit / 1000;
}

/* -- Victims --------------------------------------------------------------------- */

/* Kills it, if it is not dying yet. */
static void victim_add(struct task *t)
{
	bool is_new;

	spin_lock(&victims_lock);
	is_new = t->oom_state == OOM_NOT;
	if (is_new) {
		t->oom_state = OOM_VICTIM;
		t->oom_since = ktime_get_ns();
		list_add_tail(&t->oom_node, &victims);
		atomic_inc(&nr_victims);
		get_task(t);
	}
	spin_unlock(&victims_lock);
	task_kill(t);
	if (is_new)
		wake_up(&reaper_queue);
}

/* Somebody of the group is on the way out. */
static bool victim_is_dying(struct mem_cgroup *memcg)
{
	struct task *t;
	bool found = false;

	spin_lock(&victims_lock);
	list_for_each_entry(t, &victims, oom_node) {
		if (t->oom_state != OOM_STUCK && is_below(t, memcg)) {
			found = true;
			break;
		}
	}
	spin_unlock(&victims_lock);
	return found;
}

/* The allocation may have failed for another reason than lack of memory, or
 * somebody has freed some since. */
static bool machine_has_room(unsigned int order)
{
	struct zone *zone;

	for_each_zone(zone)
		if (zone_watermark_ok(zone, order, WMARK_LOW, GFP_KERNEL))
			return true;
	return false;
}

static bool has_room(struct mem_cgroup *memcg, unsigned int order)
{
	if (memcg == root_mem_cgroup)
		return machine_has_room(order);
	return page_counter_margin(&memcg->memory) >= 1ul << order;
}

static void wait_for_progress(struct mem_cgroup *memcg, unsigned int order)
{
	wait_event_killable_timeout(
		progress_queue,
		has_room(memcg, order) || !victim_is_dying(memcg), WAIT_NS);
}

/* -- The reaper ------------------------------------------------------------------ */

/* The first victim about which there is something to be done, with a reference
 * and what it was; those that are gone leave the list here. */
static struct task *victim_next(enum oom_state *state)
{
	struct task *t, *next, *found = NULL;
	LIST_HEAD(gone);

	spin_lock(&victims_lock);
	list_for_each_entry_safe(t, next, &victims, oom_node) {
		if (is_gone(t)) {
			list_move(&t->oom_node, &gone);
			continue;
		}
		*state = t->oom_state;
		if (*state == OOM_VICTIM)
			t->oom_state = OOM_REAPED;
		else if (*state == OOM_REAPED &&
			 ktime_get_ns() - t->oom_since > STUCK_NS)
			t->oom_state = OOM_STUCK;
		if (*state != t->oom_state) {
			found = get_task(t);
			break;
		}
	}
	spin_unlock(&victims_lock);
	list_for_each_entry_safe(t, next, &gone, oom_node) {
		list_del(&t->oom_node);
		put_task(t);
		atomic_dec(&nr_victims);
	}
	return found;
}

static void reap(struct task *t)
{
	struct anon_arena *arena = task_get_arena(t);

	if (!arena)
		return;
	if (!t->is_kernel_code)
		arena_reap(arena);
	arena_put(arena);
}

bool oom_has_victims(void)
{
	return atomic_read(&nr_victims);
}

static int reaper(void *unused)
{
	u64 poll = POLL_MIN_NS;
	enum oom_state state;
	struct task *t;

	for (;;) {
		if (!oom_has_victims())
			poll = POLL_MIN_NS;
		wait_event(reaper_queue, oom_has_victims());
		while ((t = victim_next(&state))) {
			if (state == OOM_VICTIM)
				reap(t);
			else
				pr_warn("out of memory: %s (pid %d) is killed, "
					"but does not end\n",
					t->comm, t->pid);
			put_task(t);
		}
		wake_up_all(&progress_queue);
		sleep_ns(poll);
		poll = min(poll * 2, POLL_MAX_NS);
	}
	return 0;
}

/* -- Choosing: oom_mutex held ------------------------------------------------------ */

static void consider(struct task *t, void *arg)
{
	struct oom_choice *choice = arg;
	long points;

	choice->nr_tasks++;
	if (is_exempt(t) || is_gone(t) || READ_ONCE(t->oom_state) == OOM_STUCK)
		return;
	if (READ_ONCE(t->kill_pending)) {
		/* Somebody else has seen to it. */
		victim_add(t);
		choice->is_dying = true;
		return;
	}
	points = oom_points(t, choice->limit);
	if (choice->task && points <= choice->points)
		return;
	if (choice->task)
		put_task(choice->task);
	choice->task = get_task(t);
	choice->points = points;
}

/* The highest group, from the victim's up to where memory is short, whose tasks
 * end together; with a reference, or NULL. */
static struct mem_cgroup *group_to_kill(struct mem_cgroup *memcg,
					struct mem_cgroup *top)
{
	struct mem_cgroup *found = NULL;

	for (; memcg && memcg != root_mem_cgroup;
	     memcg = parent_mem_cgroup(memcg)) {
		if (READ_ONCE(memcg->oom_group))
			found = memcg;
		if (memcg == top)
			break;
	}
	/* Whoever has a reference to a group has one to all above. */
	if (found)
		css_get(mem_cgroup_css(found));
	return found;
}

static void kill_task(struct task *t, void *unused)
{
	struct mem_cgroup *memcg;

	if (is_exempt(t) || READ_ONCE(t->kill_pending))
		return;
	memcg = mem_cgroup_get_from_task(t);
	if (!memcg)
		return;
	victim_add(t);
	memcg_event(memcg, MEMCG_OOM_KILL);
	css_put(mem_cgroup_css(memcg));
}

static void kill_chosen(struct task *t, struct mem_cgroup *top)
{
	struct mem_cgroup *memcg = mem_cgroup_get_from_task(t), *group;

	if (!memcg)
		return; /* it has just ended */
	group = group_to_kill(memcg, top);
	kill_task(t, NULL);
	if (group) {
		oom_report_group(group);
		memcg_event(group, MEMCG_OOM_GROUP_KILL);
		oom_for_each_task(group, kill_task, NULL);
		css_put(mem_cgroup_css(group));
	}
	css_put(mem_cgroup_css(memcg));
}

/* Whether somebody ends. */
static bool choose_and_kill(struct mem_cgroup *memcg, unsigned int order)
{
	struct oom_choice choice = {
		.memcg = memcg,
		.order = order,
		.limit = oom_limit(memcg),
	};

	memcg_event(memcg, MEMCG_OOM);
	oom_for_each_task(memcg, consider, &choice);
	if (!choice.is_dying) {
		oom_report(&choice);
		if (choice.task)
			kill_chosen(choice.task, memcg);
	}
	if (choice.task)
		put_task(choice.task);
	return choice.is_dying || choice.task;
}

bool mem_cgroup_out_of_memory(struct mem_cgroup *memcg, gfp_t gfp,
			      unsigned int order)
{
	bool again;

	if (kill_pending() || mutex_lock_killable(&oom_mutex))
		return memcg != root_mem_cgroup; /* nothing else limits us */
	/* In this order: who is not dying any more has made room. */
	again = victim_is_dying(memcg) || has_room(memcg, order) ||
		choose_and_kill(memcg, order);
	mutex_unlock(&oom_mutex);
	if (again)
		wait_for_progress(memcg, order);
	return again;
}

bool __accounting_out_of_memory(gfp_t gfp, unsigned int order)
{
	if (!root_mem_cgroup || in_atomic() || irqs_disabled())
		return false;
	return mem_cgroup_out_of_memory(root_mem_cgroup, gfp, order);
}

/* -- oom_score_adj ----------------------------------------------------------------- */

int task_set_oom_score_adj(struct task *t, int adj)
{
	if (adj < OOM_SCORE_ADJ_MIN || adj > OOM_SCORE_ADJ_MAX)
		return -EINVAL;
	WRITE_ONCE(t->oom_score_adj, adj);
	return 0;
}

void oom_init(void)
{
	struct task *t = kthread_run(reaper, NULL, "oom_reaper");

	if (IS_ERR(t))
		panic("no memory for the OOM reaper");
	put_task(t);
}
