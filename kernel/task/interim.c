/* SPDX-License-Identifier: MIT */
/* interim.c - stand-ins until vmalloc and RCU land. */
#include <kernel/core/rcu.h>
#include <kernel/core/sched.h>
#include <kernel/core/spinlock.h>
#include <mm/page/memblock.h>
#include <mm/virt/vmalloc.h>

static DEFINE_SPINLOCK(lock);

__weak void *__vmalloc(size_t size, size_t align, gfp_t gfp,
		       unsigned int flags, int nid)
{
	unsigned long irq;
	void *p;

	spin_lock_irqsave(&lock, irq);
	p = memblock_alloc_node(size, align, nid);
	spin_unlock_irqrestore(&lock, irq);
	return p;
}

__weak void vfree(const void *va)
{
	/* Its size is not known here: lost. */
}

__weak void call_rcu(struct rcu_head *head, rcu_callback_t func)
{
	func(head);
}

__weak void *vmalloc(size_t size)
{
	return __vmalloc(size, PAGE_SIZE, GFP_KERNEL, 0, -1);
}

__weak void vmalloc_get_info(struct vmalloc_info *info)
{
	*info = (struct vmalloc_info){ 0 };
}

__weak void rcu_barrier(void)
{
}

__weak void synchronize_rcu(void)
{
	/* Enough for a successor to come, not for readers. */
	sleep_ns(2000000);
}
