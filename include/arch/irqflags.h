/* SPDX-License-Identifier: MIT */
/* irqflags.h - interrupts on this CPU, off and on. */
#pragma once
#include <arch/cpu.h>

#define local_irq_disable()	 arch_local_irq_disable()
#define local_irq_enable()	 arch_local_irq_enable()
#define local_irq_save(flags)	 ((flags) = arch_local_irq_save())
#define local_irq_restore(flags) arch_local_irq_restore(flags)
#define irqs_disabled()		 arch_irqs_disabled()
