/* SPDX-License-Identifier: MIT */
/*
 * objcg.c - owners, their ids, and what becomes of them.
 *
 * Problem.    A group is removed while memory it paid for lives on.  Pinning the
 *             group keeps kilobytes and an id for every forgotten object; finding
 *             and changing everything it owns takes for ever.
 * Idea.       What is charged belongs to a small obj_cgroup.  Going offline gives
 *             it an heir, the parent's obj_cgroup: one store, whatever is alive.
 *             Those that inherited from it before need not be touched, they
 *             follow their heirs, at most as many steps as the tree was deep.
 *             From then on the parent pays; the parent's counters already did.
 * References. One for each charged page, taken and dropped together with the
 *             page's charge, so never on a path that handles objects.  As long
 *             as one byte is in use, so is the page that it was paid with.
 * Leftovers.  Bytes that no stock may take (the owner is dying, or an interrupt
 *             found the stock in use) are added up here, and whole pages go back
 *             to the counters at once.
 * Readers.    An id or a pointer read with preemption off stays good until it is
 *             on again: ids, obj_cgroups and groups are all reused only after a
 *             grace period.
 * Death.      The last reference may be dropped anywhere, even inside a stock's
 *             section; release() therefore does nothing but call_rcu().
 * Ids.        What belongs to the dead is given new labels when ids run short:
 *             sweep.c.
 * Keys.       On from the first obj_cgroup to the death of the last: as long as
 *             anything charged may be freed.
 * Rejected.   A list of what a group inherited, re-pointed one by one at its own
 *             offline: as long as there are dead groups with anything alive.
 *
 * Locks: objcg_lock guards heirs and memcg->objcg; keys_mutex the keys.
 */
#include <boot/param.h>
#include <errno.h>
#include <kernel/core/mutex.h>
#include <kernel/core/panic.h>
#include <kernel/task/idr.h>
#include <kernel/task/workqueue.h>
#include <string.h>
#include <mm/slab/slab.h>
#include "memcg_impl.h"
#include "stock_impl.h"

DEFINE_STATIC_KEY_FALSE(accounting_enabled);
DEFINE_STATIC_KEY_FALSE(accounting_kernel);

struct obj_cgroup root_objcg;

static struct kmem_cache *objcg_cache;
static DEFINE_IDR(objcg_ids);
static DEFINE_SPINLOCK(objcg_lock);

/* --- ids that run short ----------------------------------------------------------- */

u32 objcg_max_id = OBJCG_MAX_ID;
static atomic_long_t nr_dead;

static void sweep_work_fn(struct work_struct *work)
{
	objcg_sweep();
}
static DECLARE_WORK(sweep_work, sweep_work_fn);

/* --- the keys ---------------------------------------------------------------- */

bool memcg_kmem_off;

static int set_kmem(const struct boot_param *param, const char *value)
{
	if (!value || (strcmp(value, "off") && strcmp(value, "objects")))
		return -EINVAL;
	memcg_kmem_off = !strcmp(value, "off");
	return 0;
}
BOOT_PARAM("memcg.kmem", set_kmem, "off|objects",
	   "how kernel memory is charged to groups");

static DEFINE_MUTEX(keys_mutex);
static bool keys_on;		/* under keys_mutex */
static atomic_long_t nr_objcgs; /* raised under it */
static unsigned long nr_made;	/* likewise; since boot */

static void keys_update_locked(void)
{
	bool on = atomic_long_read(&nr_objcgs) != 0;

	assert_held(&keys_mutex);
	if (on == keys_on)
		return;
	keys_on = on;
	/* Whoever frees looks for owners before anybody charges, and until
	 * nobody does. */
	if (on)
		static_branch_enable(&accounting_enabled);
	if (on && !memcg_kmem_off)
		static_branch_enable(&accounting_kernel);
	if (!on)
		static_branch_disable(&accounting_kernel);
	if (!on)
		static_branch_disable(&accounting_enabled);
}

static void keys_work_fn(struct work_struct *work)
{
	mutex_lock(&keys_mutex);
	keys_update_locked();
	mutex_unlock(&keys_mutex);
}
static DECLARE_WORK(keys_work, keys_work_fn);

static void objcg_appears(void)
{
	mutex_lock(&keys_mutex);
	nr_made++;
	atomic_long_inc(&nr_objcgs);
	keys_update_locked();
	mutex_unlock(&keys_mutex);
}

static void objcg_is_gone(void)
{
	if (atomic_long_dec_and_test(&nr_objcgs))
		schedule_work(&keys_work);
}

void memcg_flush_keys(void)
{
	flush_work(&sweep_work);
	flush_work(&keys_work);
}

/* --- finding ------------------------------------------------------------------- */

struct obj_cgroup *obj_cgroup_find(u32 id)
{
	return id ? idr_find(&objcg_ids, id) : NULL;
}

struct obj_cgroup *obj_cgroup_next(u32 *id)
{
	int found = *id;
	void *objcg;

	if (idr_next(&objcg_ids, &found, &objcg))
		return NULL;
	*id = found;
	return objcg;
}

long obj_cgroup_nr_live(void)
{
	return atomic_long_read(&nr_objcgs);
}

unsigned long obj_cgroup_nr_made(void)
{
	return READ_ONCE(nr_made);
}

/* --- leftovers ------------------------------------------------------------------- */

void objcg_leave_over(struct obj_cgroup *objcg, size_t bytes)
{
	long sum = atomic_long_add_return(bytes, &objcg->leftover);

	while (sum >= (long)PAGE_SIZE) {
		unsigned long nr = sum / PAGE_SIZE;

		if (!atomic_long_try_cmpxchg(&objcg->leftover, &sum,
					     sum % PAGE_SIZE))
			continue;
		page_counter_uncharge(&obj_cgroup_memcg(objcg)->memory, nr);
		objcg_put_pages(objcg, nr);
		return;
	}
}

/* --- birth and death --------------------------------------------------------------- */

static void objcg_free(struct obj_cgroup *objcg)
{
	percpu_ref_exit(&objcg->refs);
	kmem_cache_free(objcg_cache, objcg);
}

/* Nobody can still be looking: no page, no heir and no reader has it. */
static void objcg_bury(struct rcu_head *rcu)
{
	struct obj_cgroup *objcg = container_of(rcu, struct obj_cgroup, rcu);

	WARN(atomic_long_read(&objcg->leftover),
	     "objcg %u: dies with %ld bytes left over", objcg->id,
	     atomic_long_read(&objcg->leftover));
	obj_cgroup_put(objcg->heir);
	idr_remove(&objcg_ids, objcg->id);
	objcg_free(objcg);
	atomic_long_dec(&nr_dead);
	objcg_is_gone();
}

static void objcg_release(struct percpu_ref *ref)
{
	struct obj_cgroup *objcg = container_of(ref, struct obj_cgroup, refs);

	call_rcu(&objcg->rcu, objcg_bury);
}

int objcg_online(struct mem_cgroup *memcg)
{
	struct obj_cgroup *objcg;
	int ret;

	objcg = kmem_cache_zalloc(objcg_cache, GFP_KERNEL);
	if (!objcg)
		return -ENOMEM;
	objcg->memcg = memcg;
	ret = percpu_ref_init(&objcg->refs, objcg_release, 0, GFP_KERNEL);
	if (ret) {
		kmem_cache_free(objcg_cache, objcg);
		return ret;
	}
	ret = idr_alloc(&objcg_ids, objcg, 1, objcg_max_id + 1, GFP_KERNEL);
	if (ret == -ENOSPC && !objcg_sweep()) {
		rcu_barrier();
		ret = idr_alloc(&objcg_ids, objcg, 1, objcg_max_id + 1,
				GFP_KERNEL);
	}
	if (ret < 0) {
		objcg_free(objcg);
		return ret;
	}
	objcg->id = ret;
	objcg_appears();
	/* Few ids are free, and many belong to the dead. */
	if (atomic_long_read(&nr_objcgs) > objcg_max_id / 8 * 7 &&
	    atomic_long_read(&nr_dead) > objcg_max_id / 16)
		schedule_work(&sweep_work);
	rcu_assign_pointer(memcg->objcg, objcg);
	return 0;
}

void objcg_offline(struct mem_cgroup *memcg)
{
	struct obj_cgroup *objcg = memcg->objcg, *heir;
	struct mem_cgroup *parent = memcg;

	/* Two that go offline at once must not choose each other's corpse. */
	spin_lock(&objcg_lock);
	do {
		parent = parent_mem_cgroup(parent);
		heir = parent->objcg;
	} while (!heir);
	percpu_ref_get(&heir->refs);
	/* Pairs with obj_cgroup_online(): who sees the heir sees it whole. */
	smp_store_release(&objcg->heir, heir);
	WRITE_ONCE(memcg->objcg, NULL);
	atomic_long_inc(&nr_dead);
	spin_unlock(&objcg_lock);

	stock_evict(objcg);
	percpu_ref_kill(&objcg->refs);
}

static void root_release(struct percpu_ref *ref)
{
	BUG();
}

int objcg_online_root(struct mem_cgroup *root)
{
	int ret =
		percpu_ref_init(&root_objcg.refs, root_release, 0, GFP_KERNEL);

	if (ret)
		return ret;
	root_objcg.memcg = root;
	root->objcg = &root_objcg;
	return 0;
}

void objcg_init(void)
{
	objcg_cache = kmem_cache_create("obj_cgroup", sizeof(struct obj_cgroup),
					PAGE_MEMCG_KIND + 1, SLAB_PANIC, NULL);
}
