/* SPDX-License-Identifier: MIT */
/*
 * ioapic.c - the I/O APICs: from a device's wire to a CPU's vector.
 *
 * Each I/O APIC has some pins, numbered on from its first global interrupt.  A
 * pin's entry says which vector it raises, on which CPU, and how the wire
 * signals: ISA's rise, PCI's stay low until served.  The end of interrupt
 * that the local APIC broadcasts ends a level-triggered one here, too.
 *
 * The registers are behind an index and a window: two accesses that belong
 * together, under one lock.
 */
#include <arch/io.h>
#include <arch/layout.h>
#include <arch/paging.h>
#include <arch/smp.h>
#include <boot/acpi.h>
#include <drivers/ioapic.h>
#include <errno.h>
#include <kernel/core/printk.h>
#include <kernel/core/spinlock.h>

#define REG_SELECT 0x00
#define REG_WINDOW 0x10

#define INDEX_VERSION  0x01
#define INDEX_ENTRY(n) (0x10 + 2 * (n))

#define ENTRY_ACTIVE_LOW (1u << 13)
#define ENTRY_LEVEL	 (1u << 15)
#define ENTRY_MASKED	 (1u << 16)

#define DESTINATION_ALL 0xff

#define PIC_MASTER_DATA 0x21
#define PIC_SLAVE_DATA	0xa1
#define PIC_ALL_MASKED	0xff

struct ioapic {
	volatile char *registers;
	u32 first, last; /* its global interrupts */
};

/* Fixed after ioapic_init(). */
static struct ioapic ioapics[ACPI_MAX_IOAPICS];
static unsigned int nr_ioapics;

static DEFINE_SPINLOCK(ioapic_lock);

static u32 ioapic_read(const struct ioapic *io, unsigned int index)
{
	writel(index, io->registers + REG_SELECT);
	return readl(io->registers + REG_WINDOW);
}

static void ioapic_write(const struct ioapic *io, unsigned int index, u32 value)
{
	writel(index, io->registers + REG_SELECT);
	writel(value, io->registers + REG_WINDOW);
}

/* Masked while its two halves disagree. */
static void write_entry(const struct ioapic *io, unsigned int pin, u32 low,
			u32 apic_id)
{
	unsigned long flags;

	spin_lock_irqsave(&ioapic_lock, flags);
	ioapic_write(io, INDEX_ENTRY(pin), ENTRY_MASKED);
	ioapic_write(io, INDEX_ENTRY(pin) + 1, apic_id << 24);
	ioapic_write(io, INDEX_ENTRY(pin), low);
	spin_unlock_irqrestore(&ioapic_lock, flags);
}

static const struct ioapic *find_ioapic(u32 gsi)
{
	for (unsigned int i = 0; i < nr_ioapics; i++)
		if (gsi >= ioapics[i].first && gsi <= ioapics[i].last)
			return &ioapics[i];
	return NULL;
}

static int route(u32 gsi, u32 low, unsigned int cpu)
{
	const struct ioapic *io = find_ioapic(gsi);

	if (!io)
		return -ENODEV;
	if (cpu_apic_id(cpu) >= DESTINATION_ALL)
		return -EINVAL;
	write_entry(io, gsi - io->first, low, cpu_apic_id(cpu));
	return 0;
}

static void mask(u32 gsi)
{
	const struct ioapic *io = find_ioapic(gsi);

	if (io)
		write_entry(io, gsi - io->first, ENTRY_MASKED, 0);
}

/* The wire of an ISA interrupt, and how it signals. */
static struct acpi_override isa_wire(unsigned int irq)
{
	for (unsigned int i = 0; i < acpi_info.nr_overrides; i++)
		if (acpi_info.overrides[i].irq == irq)
			return acpi_info.overrides[i];
	return (struct acpi_override){.irq = irq, .gsi = irq};
}

int ioapic_route_isa(unsigned int irq, unsigned int vector, unsigned int cpu)
{
	struct acpi_override wire = isa_wire(irq);

	return route(wire.gsi,
		     vector | (wire.active_low ? ENTRY_ACTIVE_LOW : 0) |
			     (wire.level ? ENTRY_LEVEL : 0),
		     cpu);
}

int ioapic_route_pci(u32 gsi, unsigned int vector, unsigned int cpu)
{
	return route(gsi, vector | ENTRY_ACTIVE_LOW | ENTRY_LEVEL, cpu);
}

void ioapic_mask_isa(unsigned int irq)
{
	mask(isa_wire(irq).gsi);
}

void ioapic_mask_pci(u32 gsi)
{
	mask(gsi);
}

static void add_ioapic(const struct acpi_ioapic *a)
{
	struct ioapic *io = &ioapics[nr_ioapics];
	u32 nr_pins;

	io->registers = mmio_map(a->base, PAGE_SIZE);
	if (!io->registers) {
		pr_err("I/O APIC at %#llx: cannot be mapped\n", a->base);
		return;
	}
	nr_pins = (ioapic_read(io, INDEX_VERSION) >> 16 & 0xff) + 1;
	io->first = a->gsi_base;
	io->last = a->gsi_base + nr_pins - 1;
	for (u32 pin = 0; pin < nr_pins; pin++)
		write_entry(io, pin, ENTRY_MASKED, 0);
	nr_ioapics++;
}

void ioapic_init(void)
{
	/* Also where the firmware says that there are none: nobody is hurt by
	 * two writes to ports that lead nowhere. */
	outb(PIC_ALL_MASKED, PIC_MASTER_DATA);
	outb(PIC_ALL_MASKED, PIC_SLAVE_DATA);

	for (unsigned int i = 0; i < acpi_info.nr_ioapics; i++)
		add_ioapic(&acpi_info.ioapics[i]);
}
