/* SPDX-License-Identifier: MIT */
/*
 * ioapic.h - lead a device's wire to a vector on a CPU.
 *
 * A vector comes from irq_alloc(); then the wire is routed to it.  Wires are
 * named as ISA numbers them (the serial ports are 4 and 3), or by their global
 * number.  May be called at any time after ioapic_init(), not from NMI.
 */
#pragma once
#include <lib/types.h>

/* Turn the 8259s off and mask every wire.  Boot CPU, once. */
void ioapic_init(void);

/*
 * Raise @vector on @cpu when ISA interrupt @irq comes; the firmware's overrides
 * say which wire that is and how it signals.  -ENODEV if no I/O APIC has the
 * wire, -EINVAL if the CPU cannot be named (an APIC id above 254).
 */
int ioapic_route_isa(unsigned int irq, unsigned int vector, unsigned int cpu);

/* The same for a global interrupt, level-triggered and active low: PCI's. */
int ioapic_route_pci(u32 gsi, unsigned int vector, unsigned int cpu);

/* No interrupts from it any more; one may still be on its way. */
void ioapic_mask_isa(unsigned int irq);
void ioapic_mask_pci(u32 gsi);
