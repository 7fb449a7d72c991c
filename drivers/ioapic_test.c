/* SPDX-License-Identifier: MIT */
/*
 * ioapic_test.c - a real device's interrupt arrives where it was sent.
 *
 * The device is channel 0 of the PIT, which nobody else uses: ISA interrupt 0,
 * and on most machines an override leads it to another wire.
 */
#include <arch/cpumask.h>
#include <arch/io.h>
#include <arch/trap.h>
#include <drivers/ioapic.h>
#include <errno.h>
#include <kernel/core/irq.h>
#include <kernel/core/sched.h>
#include <lib/atomic.h>
#include <tests/test.h>

#define PIT_CHANNEL_0 0x40
#define PIT_COMMAND   0x43
#define PIT_ONE_SHOT  0x30 /* channel 0, both bytes, mode 0 */
#define PIT_IRQ	      0
#define PIT_TICKS     1193 /* 1 ms */

static atomic_t arrived;
static unsigned int arrived_on;

static void pit_interrupt(unsigned int nr, void *data)
{
	arrived_on = smp_processor_id();
	atomic_inc_return(&arrived);
}

static void pit_fire(void)
{
	outb(PIT_ONE_SHOT, PIT_COMMAND);
	outb(PIT_TICKS & 0xff, PIT_CHANNEL_0);
	outb(PIT_TICKS >> 8, PIT_CHANNEL_0);
}

static bool wait_arrived(int count)
{
	for (int ms = 0; ms < 1000 && atomic_read(&arrived) < count; ms++)
		msleep(1);
	return atomic_read(&arrived) == count;
}

TEST(ioapic, interrupt_comes_to_the_cpu_it_is_routed_to)
{
	int vector = irq_alloc(pit_interrupt, "pit-test", NULL);
	unsigned int cpu;
	int sent = 0;

	ASSERT_GE(vector, 0);
	atomic_set(&arrived, 0);
	for_each_online_cpu(cpu) {
		if (sent == 4)
			break;
		EXPECT_EQ(ioapic_route_isa(PIT_IRQ, vector, cpu), 0);
		pit_fire();
		EXPECT(wait_arrived(++sent));
		EXPECT_EQ(arrived_on, cpu);
	}

	ioapic_mask_isa(PIT_IRQ);
	pit_fire();
	msleep(5);
	EXPECT_EQ(atomic_read(&arrived), sent);
	free_irq(vector);
}

TEST(ioapic, wire_that_is_not_there_is_an_error)
{
	EXPECT_EQ(ioapic_route_pci(0xffff, VECTOR_DEVICE_LAST, 0), -ENODEV);
	ioapic_mask_pci(0xffff);
}
