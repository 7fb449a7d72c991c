/* SPDX-License-Identifier: MIT */
/* cmd_machine.c - the machine: CPUs, interrupts, settings, and its end. */
#include <arch/clock.h>
#include <arch/cpumask.h>
#include <arch/features.h>
#include <arch/smp.h>
#include <arch/trap.h>
#include <boot/acpi.h>
#include <boot/boot_info.h>
#include <boot/param.h>
#include <kernel/core/clock.h>
#include <kernel/core/irq.h>
#include <kernel/core/lockdep.h>
#include <kernel/core/report.h>
#include <kernel/core/sched.h>
#include <kernel/core/softirq.h>
#include <kernel/core/timer.h>
#include <lib/math.h>
#include <string.h>
#include "shell_impl.h"

/* -- CPUs -------------------------------------------------------------------- */

static void print_cpu(unsigned int cpu)
{
	struct sched_cpu_stats st;
	char idle[SH_UNIT_CHARS];

	if (!cpu_online(cpu)) {
		sh_printf("%3u  %4u  %4d  did not start\n", cpu,
			  cpu_apic_id(cpu), cpu_to_node(cpu));
		return;
	}
	sched_cpu_stats(cpu, &st);
	sh_printf("%3u  %4u  %4d  %-6s %5u  %10llu  %9llu  %7llu  %10s\n", cpu,
		  cpu_apic_id(cpu), cpu_to_node(cpu),
		  cpu_is_idle(cpu) ? "idle" : "busy", st.nr_running,
		  st.nr_switches, timer_interrupts(cpu),
		  st.nr_pulled + st.nr_pushed, sh_time(idle, st.idle_ns));
}

static int cmd_cpus(int argc, char **argv)
{
	unsigned int cpu;

	sh_printf("%s%s, TSC %llu MHz (by %s)\n",
		  cpu_features.brand[0] ? cpu_features.brand
					: cpu_features.vendor,
		  cpu_features.hypervisor ? " (virtual)" : "",
		  arch_clock_cycles_per_second() / 1000000,
		  arch_clock_reference());
	sh_printf("CPU  APIC  NODE  STATE  TASKS    SWITCHES     TIMERS    "
		  "MOVES   IDLE TIME\n");
	for_each_possible_cpu(cpu)
		print_cpu(cpu);
	return 0;
}
COMMAND(cpus, "", "the CPUs, and what each has done", cmd_cpus);

/* -- Interrupts -------------------------------------------------------------- */

#define IRQ_COLUMNS 6

typedef u64 count_fn(unsigned int nr, unsigned int cpu);

/* A line: the first CPUs one by one, and the sum of all. */
static void print_counts(const char *number, const char *name, count_fn *count,
			 unsigned int nr)
{
	unsigned int cpu, column = 0;
	u64 sum = 0;

	sh_printf("%-6s %-14s", number, name);
	for_each_online_cpu(cpu) {
		u64 n = count(nr, cpu);

		sum += n;
		if (column++ < IRQ_COLUMNS)
			sh_printf("%8llu", n);
	}
	sh_printf("%10llu\n", sum);
}

static u64 count_spurious(unsigned int nr, unsigned int cpu)
{
	return irq_spurious_count(cpu);
}

static u64 count_timer(unsigned int nr, unsigned int cpu)
{
	return timer_interrupts(cpu);
}

static u64 count_softirq(unsigned int nr, unsigned int cpu)
{
	return softirq_count_cpu(nr, cpu);
}

static int cmd_irqs(int argc, char **argv)
{
	static const char *const softirqs[NR_SOFTIRQS] = {
		[TIMER_SOFTIRQ] = "timers",  [NET_TX_SOFTIRQ] = "net out",
		[NET_RX_SOFTIRQ] = "net in", [RCU_SOFTIRQ] = "rcu",
		[TEST_SOFTIRQ] = "tests",
	};
	unsigned int cpu, column = 0;
	char number[8];

	sh_printf("%-6s %-14s", "VECTOR", "HANDLER");
	for_each_online_cpu(cpu) {
		if (column++ == IRQ_COLUMNS)
			break;
		sh_printf("%5scpu%-2u", "", cpu);
	}
	sh_printf("%8s\n", "all");
	for (unsigned int nr = VECTOR_DEVICE_FIRST; nr <= VECTOR_DEVICE_LAST;
	     nr++) {
		format(number, sizeof(number), "%#x", nr);
		if (irq_name(nr))
			print_counts(number, irq_name(nr), irq_count_cpu, nr);
	}
	format(number, sizeof(number), "%#x", VECTOR_TIMER);
	print_counts(number, "timer", count_timer, 0);
	print_counts("", "unexpected", count_spurious, 0);
	for (int i = 0; i < NR_SOFTIRQS; i++)
		print_counts("soft", softirqs[i], count_softirq, i);
	return 0;
}
COMMAND(irqs, "", "interrupts: who handles them, how many came", cmd_irqs);

/* -- What it was told -------------------------------------------------------- */

static void print_size(u64 bytes)
{
	char text[SH_UNIT_CHARS];

	sh_printf("%s", bytes == U64_MAX ? "all" : sh_size(text, bytes));
}

static void print_value(const struct boot_param *p)
{
	if (p->set == boot_param_set_ulong)
		sh_printf("%lu", *(unsigned long *)p->target);
	else if (p->set == boot_param_set_size)
		print_size(*(u64 *)p->target);
	else if (p->set == boot_param_set_bool)
		sh_printf(*(bool *)p->target ? "on" : "off");
	else if (p->set == boot_param_set_string)
		sh_printf("%s", *(const char **)p->target ?: "not set");
	else
		sh_printf("(%s)", p->expects);
}

static int cmd_params(int argc, char **argv)
{
	const struct boot_param *const *p;
	bool found = argc == 1;

	if (argc > 2)
		return sh_usage(argv[0]);
	if (argc == 1) {
		sh_printf("command line: ");
		sh_write(boot_info.cmdline, strlen(boot_info.cmdline));
		sh_printf("\n");
	}
	for (p = __registry_params_start; p < __registry_params_end; p++) {
		if (argc == 2 && strcmp(argv[1], (*p)->name))
			continue;
		found = true;
		sh_printf("%s=", (*p)->name);
		print_value(*p);
		sh_printf("\n      %s\n", (*p)->help);
	}
	if (!found)
		sh_error("params: there is no boot parameter '%.40s'\n",
			 argv[1]);
	return found ? 0 : 1;
}
COMMAND(params, "[PARAMETER]", "boot parameters, and what they are now",
	cmd_params);

static int cmd_uptime(int argc, char **argv)
{
	char up[SH_UNIT_CHARS];

	sh_printf("up %s\n", sh_time(up, ktime_get_ns()));
	return 0;
}
COMMAND(uptime, "", "how long the machine has been up", cmd_uptime);

static int cmd_version(int argc, char **argv)
{
	sh_printf("Tally %s, %s build by %s\n", TALLY_VERSION,
		  CONFIG_DEBUG ? "debug" : "release", __VERSION__);
	return 0;
}
COMMAND(version, "", "which Tally this is, and who compiled it", cmd_version);

/* -- What is wrong with it --------------------------------------------------- */

static int cmd_reports(int argc, char **argv)
{
	sh_printf("What the kernel found wrong with itself, since boot:\n");
	for (int i = 0; i < NR_REPORT_KINDS; i++)
		sh_printf("%8lu  %s\n", report_count(i), report_name(i));
	return 0;
}
COMMAND(reports, "", "how often the kernel found itself at fault", cmd_reports);

static int cmd_locks(int argc, char **argv)
{
#if CONFIG_DEBUG
	struct lockdep_stats stats;

	lockdep_get_stats(&stats);
	sh_printf("%u kinds of locks, taken inside one another in %u ways; "
		  "lockdep %s\n",
		  stats.classes, stats.edges,
		  stats.on ? "looks on" : "has given up: its tables are full");
	sh_printf("%lu mistakes found\n", report_count(REPORT_LOCKDEP));
	lockdep_print_held();
#else
	sh_printf("Locks are watched in debug builds only: make DEBUG=1\n");
#endif
	return 0;
}
COMMAND(locks, "", "what lockdep has seen, and who holds what", cmd_locks);
