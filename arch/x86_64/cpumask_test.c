/* SPDX-License-Identifier: MIT */
/* cpumask_test.c - sets at the edges of their words. */
#include <arch/cpumask.h>
#include <arch/smp.h>
#include <boot/acpi.h>
#include <errno.h>
#include <tests/test.h>

TEST(cpumask, walks_in_order_across_words)
{
	static const unsigned int members[] = {0, 1, 63, 64, 127, 200, 255};
	cpumask_t mask = {{0}};
	unsigned int cpu, n = 0;

	for (unsigned int i = 0; i < 7; i++)
		cpumask_set_cpu(members[i], &mask);
	EXPECT_EQ(cpumask_weight(&mask), 7);
	for_each_cpu(cpu, &mask) {
		ASSERT_LT(n, 7);
		EXPECT_EQ(cpu, members[n]);
		n++;
	}
	EXPECT_EQ(n, 7);
	EXPECT_EQ(cpumask_nth(0, &mask), 0);
	EXPECT_EQ(cpumask_nth(3, &mask), 64);
	EXPECT_EQ(cpumask_nth(6, &mask), 255);
	EXPECT_EQ(cpumask_nth(7, &mask), NR_CPUS);
	EXPECT_EQ(cpumask_next(255, &mask), NR_CPUS);
	EXPECT_EQ(cpumask_next(62, &mask), 63);
	EXPECT_EQ(cpumask_next(63, &mask), 64);
}

TEST(cpumask, empty_set_has_no_first)
{
	cpumask_t none = {{0}}, all;
	unsigned int cpu;

	cpumask_setall(&all);
	EXPECT(cpumask_empty(&none));
	EXPECT_EQ(cpumask_first(&none), NR_CPUS);
	EXPECT_EQ(cpumask_next_and(-1, &none, &all), NR_CPUS);
	for_each_cpu(cpu, &none)
		FAIL("CPU %u in the empty set", cpu);
}

TEST(cpumask, set_algebra)
{
	cpumask_t a = *cpumask_of(3), b = *cpumask_of(130), both, rest;

	cpumask_or(&both, &a, &b);
	EXPECT_EQ(cpumask_weight(&both), 2);
	EXPECT(cpumask_subset(&a, &both));
	EXPECT(!cpumask_subset(&both, &a));
	EXPECT(!cpumask_intersects(&a, &b));
	cpumask_andnot(&rest, &both, &a);
	EXPECT(cpumask_equal(&rest, &b));
	cpumask_and(&rest, &both, &a);
	EXPECT(cpumask_equal(&rest, &a));
	EXPECT_EQ(cpumask_next_and(3, &both, &b), 130);

	EXPECT(cpumask_test_and_clear_cpu(130, &both));
	EXPECT(!cpumask_test_and_clear_cpu(130, &both));
	EXPECT(!cpumask_test_and_set_cpu(130, &both));
	EXPECT(cpumask_test_cpu(130, &both));
}

TEST(cpumask, each_cpu_has_a_set_of_its_own)
{
	for (unsigned int cpu = 0; cpu < NR_CPUS; cpu++) {
		EXPECT_EQ(cpumask_weight(cpumask_of(cpu)), 1);
		EXPECT_EQ(cpumask_first(cpumask_of(cpu)), cpu);
	}
}

/* What the boot left behind. */
TEST(cpumask, cpus_of_this_machine)
{
	unsigned int cpu, n = 0;

	EXPECT(cpumask_subset(cpu_online_mask, cpu_present_mask));
	EXPECT(cpumask_subset(cpu_present_mask, cpu_possible_mask));
	EXPECT_EQ(cpumask_weight(cpu_online_mask), num_online_cpus());
	EXPECT(cpu_online(0));
	for_each_possible_cpu(cpu) {
		EXPECT_LT(cpu, nr_cpu_ids);
		EXPECT_EQ(cpu_from_apic_id(cpu_apic_id(cpu)), cpu);
		n++;
	}
	EXPECT_EQ(n, num_possible_cpus());
}

TEST(cpumask, cpus_are_on_the_nodes_that_the_firmware_says)
{
	for (unsigned int i = 0; i < acpi_info.nr_cpus; i++) {
		const struct acpi_cpu *c = &acpi_info.cpus[i];
		int cpu = cpu_from_apic_id(c->apic_id);

		if (cpu >= 0)
			EXPECT_EQ(cpu_to_node(cpu), c->node);
	}
	EXPECT_EQ(cpu_from_apic_id(0xfffffffe), -ENOENT);
}
