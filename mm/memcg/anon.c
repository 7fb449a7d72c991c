/* SPDX-License-Identifier: MIT */
/*
 * anon.c - who pays for a page of a task's memory: the task's group.
 *
 * Usually it is the task itself that touches it, and then its own group is the one
 * that pays anyhow.  When somebody else does, or the task charges another group
 * just then (set_active_memcg), the owner's group is put in for as long as the
 * charge takes.  An owner that is ending has no group any more: whoever touches
 * its memory pays for a moment.
 *
 * Context: tasks that may sleep.
 */
#include "oom_impl.h"

bool __accounting_charge_page_for(const struct task *t, struct page *page,
				  gfp_t gfp, enum memcg_kind kind)
{
	struct mem_cgroup *memcg, *old;
	bool charged;

	if (t == current && !current->active_memcg)
		return __accounting_charge_page_as(page, gfp, 0, kind);
	memcg = mem_cgroup_get_from_task(t);
	if (!memcg)
		return __accounting_charge_page_as(page, gfp, 0, kind);
	old = set_active_memcg(memcg);
	charged = __accounting_charge_page_as(page, gfp, 0, kind);
	set_active_memcg(old);
	css_put(mem_cgroup_css(memcg));
	return charged;
}
