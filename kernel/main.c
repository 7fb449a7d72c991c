/* SPDX-License-Identifier: MIT */
/*
 * main.c - boot's table of contents.
 *
 * Every part of Tally is started here, by name, once, in this order.
 */
#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/features.h>
#include <arch/irqflags.h>
#include <arch/paging.h>
#include <arch/smp.h>
#include <arch/upcalls.h>
#include <boot/acpi.h>
#include <boot/boot_info.h>
#include <drivers/screen.h>
#include <drivers/ioapic.h>
#include <drivers/tty.h>
#include <fs/vfs.h>
#include <kernel/cgroup/cgroup.h>
#include <kernel/core/bringup.h>
#include <kernel/core/fault_inject.h>
#include <kernel/core/percpu.h>
#include <kernel/core/printk.h>
#include <kernel/core/rcu.h>
#include <kernel/core/watchdog.h>
#include <kernel/core/sched.h>
#include <kernel/core/static_key.h>
#include <kernel/core/timer.h>
#include <kernel/shell/shell.h>
#include <kernel/task/idr.h>
#include <kernel/task/kthread.h>
#include <kernel/task/task.h>
#include <kernel/task/workqueue.h>
#include <mm/memcg/memcg.h>
#include <mm/memcg/oom.h>
#include <mm/page/memblock.h>
#include <mm/page/page_alloc.h>
#include <mm/percpu/percpu.h>
#include <mm/slab/slab.h>
#include <mm/virt/arena.h>
#include <mm/virt/vmalloc.h>
#include <tests/run.h>

static phys_addr_t boot_table_alloc(void)
{
	void *table = memblock_alloc(PAGE_SIZE, PAGE_SIZE);

	return table ? virt_to_phys(table) : 0;
}

static void boot_table_free(phys_addr_t table)
{
	memblock_phys_free(table, PAGE_SIZE);
}

/* From here on there are tasks. */
static int main_task(void *unused)
{
	ksoftirqd_start();
	kthread_run(rcu_thread, NULL, "rcu");
	kthread_run(percpu_balancer, NULL, "percpu");
	workqueue_init();
	oom_init();
	fs_init();
	fault_inject_init();
	tty_init();
	tests_run_all();
	shell_start();
	return 0;
}

void kernel_main(void)
{
	printk_init();
	cpu_features_init();
	cpu_enable_features();
	static_key_init();
	pr_info("Tally: entered through %s%s", boot_info.loader,
		boot_info.uefi ? " on UEFI" : "");
	acpi_init();
	memblock_init();
	paging_set_table_allocator(boot_table_alloc, boot_table_free);
	paging_init();
	memblock_set_current_limit(MEMBLOCK_ANYWHERE);
	screen_init();
	cpu_topology_init();
	percpu_areas_init(memblock_alloc_node);
	page_alloc_init();
	vmalloc_init();
	percpu_init();
	slab_init();
	arena_init();
	ids_init();
	arch_apic_init();
	arch_clock_init();
	ioapic_init();
	sched_init();
	timers_init();
	rcu_init();
	task_fault_init();
	cgroup_init();
	memcg_init();
	watchdog_init();
	local_irq_enable();
	smp_init(memblock_startup_page(), idle_stack_alloc);
	kthread_run(main_task, NULL, "main");
	cpu_idle_loop();
}
