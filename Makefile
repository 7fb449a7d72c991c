# SPDX-License-Identifier: MIT
#
# Tally's build, to be read from top to bottom.
#
#   make               build $(OUT)/tally.elf
#   make run           boot it to the serial shell (leave with ^] x)
#   make test          boot it and let it test itself
#   make soak          all its stress tests, SEEDS=20 times on each of 8 machines
#   make host-test     test lib/ on the host, without a machine
#   make bench         what each operation costs, in instructions and in time
#   make shell-test    type everything at the shell, right and wrong
#   make harness-test  do the tests' own tools notice what goes wrong?
#   make iso           $(OUT)/tally.iso, for BIOS and UEFI machines
#   make debug         like run, but wait for gdb
#   make clean         drop what was built, but keep newlib; distclean drops all
#
# Settings, on the command line:
#   OUT=build  CC=gcc|clang  CROSS_COMPILE=  DEBUG=1  SANITIZE=undefined
#   EXTRA=dir
#   CFLAGS= CPPFLAGS= LDFLAGS=  (added to what is here)
#   CPUS=4  MEM=512M  NODES=1  BOOT=pvh|bios|uefi  CMDLINE="..."
#   T=glob  SEED=n  REPEAT=n  SHUFFLE=1  SEEDS=n  FAULT="failslab=every:100"

OUT	?= build
CPUS	?= 4
MEM	?= 512M
NODES	?= 1
BOOT	?= pvh
CMDLINE	?=
DEBUG	?= 0
SANITIZE ?=
EXTRA	?=

# What cannot work, or would be dangerous, is said before anything is done.
wrong = $(error $(1)=$($(1)): expected $(2))
$(if $(filter 1,$(words $(OUT))),,$(call wrong,OUT,a folder without spaces))
$(if $(realpath $(OUT)),$(if $(filter $(patsubst %/,%,$(realpath $(OUT)))/%,\
	$(CURDIR)/),$(call wrong,OUT,a folder of its own)))
$(if $(filter 1,$(words $(CURDIR))),,$(error no part of the tree's path may \
	have spaces: $(CURDIR)))
$(if $(filter pvh bios uefi,$(BOOT)),,$(call wrong,BOOT,pvh or bios or uefi))
$(if $(filter 0 1,$(DEBUG)),,$(call wrong,DEBUG,0 or 1))

ifeq ($(origin CC),default)
CC	:= gcc
endif
ifneq ($(findstring clang,$(CC)),)
TARGET	:= --target=x86_64-linux-gnu
KCC	:= $(CC) $(TARGET)
else
KCC	:= $(CROSS_COMPILE)$(CC)
endif
LD	:= $(CROSS_COMPILE)ld
NM	:= $(CROSS_COMPILE)nm
OBJCOPY	:= $(CROSS_COMPILE)objcopy
NASM	:= nasm

MAKEFLAGS += --no-builtin-rules
# All CPUs at work; a make below this one takes its orders from it.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell getconf _NPROCESSORS_ONLN || echo 2)
endif
.SUFFIXES:
.DELETE_ON_ERROR:

# --- Sources, floor by floor --------------------------------------------------

# Floor 0: no locks, no allocation.
SRC_lib := \
	lib/bitmap.c \
	lib/checksum.c \
	lib/format.c \
	lib/glob.c \
	lib/list.c \
	lib/parse.c \
	lib/random.c \
	lib/rbtree.c \
	lib/refcount.c \
	lib/ring.c

# Its tests run in the guest like all others, and on the host.
SRC_lib_tests := \
	lib/atomic_test.c \
	lib/bitmap_test.c \
	lib/bitops_test.c \
	lib/checksum_test.c \
	lib/format_test.c \
	lib/glob_test.c \
	lib/list_test.c \
	lib/llist_test.c \
	lib/math_test.c \
	lib/parse_test.c \
	lib/random_test.c \
	lib/rbtree_test.c \
	lib/refcount_test.c \
	lib/ring_test.c

# Floor 1: the machine.
SRC_boot := \
	boot/acpi.c \
	boot/acpi_machine.c \
	boot/acpi_madt.c \
	boot/acpi_numa.c \
	boot/boot_info.c \
	boot/fw_cfg.c \
	boot/multiboot2_header.asm \
	boot/multiboot2.c \
	boot/note.c \
	boot/param.c \
	boot/pvh.c \
	boot/ranges.c

SRC_arch := \
	arch/x86_64/entry.asm \
	arch/x86_64/early_console.c \
	arch/x86_64/features.c \
	arch/x86_64/percpu.c \
	arch/x86_64/cpumask.c \
	arch/x86_64/topology.c \
	arch/x86_64/trap_entry.asm \
	arch/x86_64/trap.c \
	arch/x86_64/extable.c \
	arch/x86_64/descriptors.c \
	arch/x86_64/paging.c \
	arch/x86_64/paging_init.c \
	arch/x86_64/tlb.c \
	arch/x86_64/lapic.c \
	arch/x86_64/calibrate.c \
	arch/x86_64/clock.c \
	arch/x86_64/timer.c \
	arch/x86_64/patch.c \
	arch/x86_64/fpu.c \
	arch/x86_64/task.c \
	arch/x86_64/switch.asm \
	arch/x86_64/trampoline.asm \
	arch/x86_64/smp_boot.c \
	arch/x86_64/reboot.c

# Floor 2: never allocates.
SRC_core := \
	kernel/core/percpu.c \
	kernel/core/bringup.c \
	kernel/core/backtrace.c \
	kernel/core/exception.c \
	kernel/core/fault.c \
	kernel/core/nmi.c \
	kernel/core/panic.c \
	kernel/core/printk.c \
	kernel/core/printk_ring.c \
	kernel/core/rcu.c \
	kernel/core/rcu_callback.c \
	kernel/core/report.c \
	kernel/core/smp.c \
	kernel/core/spinlock.c \
	kernel/core/static_key.c \
	kernel/core/stop_machine.c \
	kernel/core/watchdog.c \
	kernel/core/fault_inject.c \
	kernel/core/symbols.c \
	kernel/core/undefined.c \
	kernel/core/preempt_thunk.asm \
	kernel/core/sched.c \
	kernel/core/sched_queue.c \
	kernel/core/sched_wake.c \
	kernel/core/sched_task.c \
	kernel/core/sched_fair.c \
	kernel/core/sched_rt.c \
	kernel/core/sched_balance.c \
	kernel/core/sched_params.c \
	kernel/core/idle.c \
	kernel/core/clock.c \
	kernel/core/timer.c \
	kernel/core/sleep.c \
	kernel/core/wait.c \
	kernel/core/completion.c \
	kernel/core/semaphore.c \
	kernel/core/mutex.c \
	kernel/core/irq.c \
	kernel/core/softirq.c
ifeq ($(DEBUG),1)
SRC_core += \
	kernel/core/assert.c \
	kernel/core/lockdep.c \
	kernel/core/lockdep_graph.c \
	kernel/core/lockdep_report.c
endif

# Floor 3: mechanism.
SRC_mm := \
	mm/page/memblock.c \
	mm/page/zone.c \
	mm/page/page_alloc.c \
	mm/page/pcp.c \
	mm/page/buddy.c \
	mm/page/page_bulk.c \
	mm/page/page_init.c \
	mm/page/page_info.c \
	mm/page/page_check.c \
	mm/page/page_debug.c \
	mm/virt/vmalloc.c \
	mm/virt/vmalloc_owner.c \
	mm/virt/vmap_area.c \
	mm/virt/arena.c \
	mm/virt/arena_area.c \
	mm/virt/arena_fault.c \
	mm/percpu/percpu.c \
	mm/percpu/area.c \
	mm/percpu/balance.c \
	mm/percpu/check.c \
	mm/percpu/chunk.c \
	mm/percpu/owner.c \
	mm/percpu/percpu_ref.c \
	mm/percpu/percpu_counter.c \
	mm/slab/slab.c \
	mm/slab/slub.c \
	mm/slab/sheaf.c \
	mm/slab/cmpxchg.c \
	mm/slab/slab_page.c \
	mm/slab/owner.c \
	mm/slab/slab_debug.c \
	mm/slab/cache.c \
	mm/slab/slab_info.c \
	mm/slab/kmalloc.c

# Floor 4: what needs allocation.
SRC_task := \
	kernel/task/task.c \
	kernel/task/task_area.c \
	kernel/task/task_fault.c \
	kernel/task/kthread.c \
	kernel/task/idr.c \
	kernel/task/workqueue.c \
	kernel/task/workqueue_pool.c \
	kernel/task/workqueue_sync.c \
	kernel/task/cpus.c \
	kernel/task/heap.c \
	kernel/task/malloc.c \
	kernel/task/reent.c \
	kernel/task/newlib_locks.c

SRC_cgroup := \
	kernel/cgroup/tree.c \
	kernel/cgroup/css.c \
	kernel/cgroup/walk.c \
	kernel/cgroup/tasks.c \
	kernel/cgroup/control.c \
	kernel/cgroup/file.c \
	kernel/cgroup/files.c \
	kernel/cgroup/seq_text.c \
	kernel/cgroup/rstat.c

# Floor 5: policy.
SRC_reclaim := \
	mm/reclaim/shrinker.c \
	mm/reclaim/reclaim_none.c
SRC_memcg := \
	mm/memcg/page_counter.c \
	mm/memcg/objcg.c \
	mm/memcg/sweep.c \
	mm/memcg/stock.c \
	mm/memcg/charge.c \
	mm/memcg/active.c \
	mm/memcg/reclaim.c \
	mm/memcg/memcg.c \
	mm/memcg/files.c \
	mm/memcg/stat.c \
	mm/memcg/events.c \
	mm/memcg/high.c \
	mm/memcg/protection.c \
	mm/memcg/audit.c \
	mm/memcg/audit_print.c \
	mm/memcg/anon.c \
	mm/memcg/oom.c \
	mm/memcg/oom_report.c

# Floor 6: the outside.
SRC_drivers := \
	drivers/ioapic.c \
	drivers/uart.c \
	drivers/ps2kbd.c \
	drivers/tty.c \
	drivers/tty_input.c \
	drivers/screen.c \
	drivers/fbcon.c \
	drivers/font.c \
	drivers/vgacon.c
SRC_fs := \
	fs/vfs.c \
	fs/root.c \
	fs/file.c \
	fs/files.c \
	fs/dev.c \
	fs/cgroupfs.c \
	fs/dirent.c \
	fs/poll.c \
	fs/syscall_file.c \
	fs/syscall_mem.c \
	fs/syscall_task.c \
	fs/syscall_none.c

# Floor 7: the top.
SRC_main := \
	kernel/main.c \
	apps/app.c
SRC_shell := \
	kernel/shell/shell.c \
	kernel/shell/edit.c \
	kernel/shell/history.c \
	kernel/shell/complete.c \
	kernel/shell/parse.c \
	kernel/shell/exec.c \
	kernel/shell/jobs.c \
	kernel/shell/print.c \
	kernel/shell/cmd_basic.c \
	kernel/shell/cmd_end.c \
	kernel/shell/cmd_log.c \
	kernel/shell/cmd_machine.c \
	kernel/shell/cmd_memory.c \
	kernel/shell/cmd_oom.c \
	kernel/shell/cmd_slab.c \
	kernel/shell/cmd_audit.c \
	kernel/shell/cmd_demo.c \
	kernel/shell/cmd_tasks.c \
	kernel/shell/cmd_test.c
SRC_tests := $(SRC_lib_tests) \
	arch/x86_64/features_test.c \
	arch/x86_64/paging_test.c \
	arch/x86_64/trap_test.c \
	arch/x86_64/clock_test.c \
	arch/x86_64/fpu_test.c \
	arch/x86_64/patch_test.c \
	arch/x86_64/cpumask_test.c \
	kernel/core/percpu_test.c \
	drivers/ioapic_test.c \
	kernel/core/symbols_test.c \
	kernel/core/sched_test.c \
	kernel/core/sched_wake_test.c \
	kernel/core/sched_balance_test.c \
	kernel/core/sched_bench.c \
	kernel/core/backtrace_test.c \
	kernel/core/printk_test.c \
	kernel/core/undefined_test.c \
	kernel/core/rcu_test.c \
	kernel/core/smp_test.c \
	kernel/core/spinlock_test.c \
	kernel/core/core_bench.c \
	kernel/core/static_key_test.c \
	kernel/core/fault_inject_test.c \
	kernel/core/watchdog_test.c \
	kernel/core/wait_test.c \
	kernel/core/mutex_test.c \
	kernel/core/timer_test.c \
	kernel/core/softirq_test.c \
	mm/page/page_bench.c \
	mm/virt/arena_bench.c \
	kernel/task/task_test.c \
	kernel/task/idr_test.c \
	kernel/task/workqueue_test.c \
	kernel/cgroup/mock_test.c \
	kernel/cgroup/cgroup_test.c \
	kernel/cgroup/tasks_test.c \
	kernel/cgroup/rstat_test.c \
	kernel/cgroup/stress_test.c \
	kernel/cgroup/cgroup_bench.c \
	mm/reclaim/shrinker_test.c \
	mm/memcg/page_counter_test.c \
	mm/memcg/memcg_test.c \
	mm/memcg/oom_test.c \
	mm/memcg/objcg_test.c \
	mm/memcg/sweep_test.c \
	mm/memcg/stock_test.c \
	mm/memcg/charge_test.c \
	mm/memcg/active_test.c \
	mm/memcg/group_test.c \
	mm/memcg/files_test.c \
	mm/memcg/stat_test.c \
	mm/memcg/high_test.c \
	mm/memcg/protection_test.c \
	mm/memcg/things_test.c \
	mm/memcg/audit_test.c \
	mm/memcg/stress_test.c \
	mm/memcg/removal_test.c \
	mm/memcg/removal_bench.c \
	tests/run.c \
	tests/plan.c \
	tests/body.c \
	tests/limit.c \
	tests/settle.c \
	tests/expect.c \
	tests/text.c \
	tests/tap.c \
	tests/seal.c \
	tests/exit.c \
	tests/bench.c \
	tests/bench_bench.c \
	tests/framework_test.c \
	drivers/screen_test.c \
	boot/acpi_test.c \
	boot/boot_info_test.c \
	boot/multiboot2_test.c \
	boot/param_test.c \
	boot/pvh_test.c \
	mm/page/memblock_test.c \
	mm/percpu/percpu_test.c \
	mm/percpu/percpu_stress_test.c \
	mm/percpu/area_test.c \
	mm/percpu/owner_test.c \
	mm/percpu/percpu_ref_test.c \
	mm/percpu/percpu_bench.c \
	mm/slab/slab_test.c \
	mm/slab/slab_info_test.c \
	mm/slab/slab_corrupt_test.c \
	mm/slab/owner_test.c \
	mm/slab/slab_memcg_test.c \
	mm/slab/slab_memcg_stress_test.c \
	mm/slab/slab_stress_test.c \
	mm/slab/slab_bench.c \
	mm/slab/slab_memcg_bench.c \
	mm/slab/slab_remote_bench.c \
	mm/page/page_shared_test.c \
	mm/page/page_test.c \
	mm/page/page_check_test.c \
	mm/page/page_stress_test.c \
	mm/memcg/charge_bench.c \
	mm/memcg/group_bench.c \
	mm/virt/vmalloc_test.c \
	mm/virt/vmalloc_owner_test.c \
	mm/virt/arena_test.c \
	kernel/task/heap_bench.c \
	kernel/task/heap_test.c \
	kernel/task/newlib_test.c \
	fs/syscall_test.c \
	fs/vfs_test.c \
	fs/cgroupfs_test.c \
	drivers/ps2kbd_test.c \
	drivers/tty_test.c \
	kernel/shell/edit_test.c \
	kernel/shell/parse_test.c \
	apps/app_test.c

# Tasks' code: may use floating point.
SRC_apps := \
	apps/hello.c \
	apps/files.c \
	apps/directories.c \
	apps/primes.c \
	apps/nbody.c \
	apps/spin.c \
	apps/sleepers.c \
	apps/options.c \
	apps/hog.c \
	apps/churn.c \
	apps/trees.c \
	apps/spawn.c \
	apps/cgexec.c \
	apps/float_test.c \
	apps/libc_test.c

# Tests from outside the tree: every *.c of the folder EXTRA names.  One with
# spaces in its name is reached through a link.
ifneq ($(words $(EXTRA)),0)
ifeq ($(words $(EXTRA)),1)
EXTRA_DIR := $(patsubst %/,%,$(EXTRA))
else
EXTRA_DIR := $(OUT)/extra.folder
$(shell mkdir -p $(OUT) && cd '$(EXTRA)' && dir=$$PWD && cd '$(CURDIR)' && \
	ln -sfn "$$dir" $(EXTRA_DIR))
endif
SRC_extra := $(wildcard $(EXTRA_DIR)/*.c)
$(if $(SRC_extra),,$(call wrong,EXTRA,a folder with *.c in it))
$(if $(filter-out $(EXTRA_DIR)/%,$(SRC_extra)),\
	$(call wrong,EXTRA,files without spaces in their names))
endif

ifeq ($(DEBUG),1)
SRC_tests += \
	kernel/core/lockdep_test.c \
	kernel/task/workqueue_lockdep_test.c
endif

SRC_kernel := $(SRC_lib) $(SRC_boot) $(SRC_arch) $(SRC_core) $(SRC_mm) \
	$(SRC_task) $(SRC_cgroup) $(SRC_reclaim) $(SRC_memcg) $(SRC_drivers) $(SRC_fs) \
	$(SRC_main) $(SRC_shell) \
	$(SRC_tests)

# --- How to compile -----------------------------------------------------------

NEWLIB	:= $(OUT)/newlib

# What somebody adds on make's command line.
given	= $(if $(filter command,$(origin $(1))),$($(1)))

override CPPFLAGS := -Iinclude -I. -isystem $(NEWLIB)/include \
	-D__DYNAMIC_REENT__ -D_POSIX_TIMERS=1 -D_POSIX_MONOTONIC_CLOCK=1 \
	-D_POSIX_PRIORITY_SCHEDULING=1 -D_POSIX_CPUTIME=1 \
	-D_POSIX_THREAD_CPUTIME=1 -DCONFIG_DEBUG=$(DEBUG) \
	$(call given,CPPFLAGS)
WARNINGS := -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes \
	-Wundef -Wvla -Wno-unused-parameter -Wno-sign-compare
override CFLAGS := -std=gnu11 -O2 -g -ffreestanding -fno-pic -fno-pie \
	-mcmodel=kernel -mno-red-zone -fno-stack-protector \
	-fcf-protection=none -fno-strict-aliasing -fno-common -fwrapv \
	-fno-delete-null-pointer-checks -fno-asynchronous-unwind-tables \
	-fno-omit-frame-pointer -momit-leaf-frame-pointer \
	-ffile-prefix-map=$(CURDIR)=. -ffile-prefix-map=$(OUT)/=build/ \
	$(WARNINGS) $(call given,CFLAGS)
KERNEL_ONLY := -mgeneral-regs-only

# Checks that the compiler puts in, and kernel/core/undefined.c answers to.  With
# them, an overflow that -fwrapv defines is a finding all the same.
CHECK_undefined := -fsanitize=undefined -fno-wrapv
ifneq ($(SANITIZE),)
$(if $(CHECK_$(SANITIZE)),,$(call wrong,SANITIZE,undefined))
override CFLAGS += $(CHECK_$(SANITIZE))
endif
ALL_FLAGS := $(KCC) $(CPPFLAGS) $(CFLAGS) $(KERNEL_ONLY)

override LDFLAGS := -nostdlib -static --build-id=none -z max-page-size=4096 \
	-z noexecstack --no-warn-rwx-segments --fatal-warnings \
	$(if $(SANITIZE),--defsym sanitized=1) $(call given,LDFLAGS)

obj	= $(addprefix $(OUT)/obj/,$(addsuffix .o,$(basename $(1))))
OBJ_kernel := $(call obj,$(SRC_kernel))
OBJ_apps := $(call obj,$(SRC_apps))
OBJ_extra := $(patsubst $(EXTRA_DIR)/%.c,$(OUT)/obj/extra/%.o,$(SRC_extra))
OBJ	:= $(OBJ_kernel) $(OBJ_apps) $(OBJ_extra)

.PHONY: all
all: $(OUT)/tally.elf

$(OBJ_kernel): override CFLAGS += $(KERNEL_ONLY)
$(OUT)/obj/kernel/core/undefined.o: override CFLAGS += -fno-sanitize=all
$(OUT)/obj/kernel/core/undefined_test.o: override CFLAGS += $(CHECK_undefined)

$(OUT)/obj/%.o: %.c $(OUT)/flags $(NEWLIB)/stamp
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(KCC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# Strangers' warnings are theirs to mind.  What cannot do without floating point
# may have it: it then runs in tasks only.
SOFT_FLOAT := ' __[a-z]+[sd]f[a-z]*[0-9]?$$'
$(OBJ_extra): override CFLAGS := $(filter-out $(WARNINGS),$(CFLAGS)) -Wall -Wextra \
	-Wno-unused-parameter
ifeq ($(EXTRA),tests/harness)
$(OUT)/obj/extra/undefined.o: override CFLAGS += $(CHECK_undefined)
endif
$(OUT)/obj/extra/%.o: $(EXTRA_DIR)/%.c $(OUT)/flags $(OUT)/extra $(NEWLIB)/stamp
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@if $(KCC) $(CPPFLAGS) $(CFLAGS) $(KERNEL_ONLY) -MMD -MP -c -o $@ $< \
		2>$@.log && ! $(NM) -u $@ | grep -qE $(SOFT_FLOAT); \
	then cat $@.log >&2; \
	else $(KCC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<; fi

$(OUT)/obj/%.o: %.asm $(OUT)/flags
	@mkdir -p $(@D)
	@echo "  NASM    $<"
	@$(NASM) -f elf64 -Werror -I . -MD $(@:.o=.d) -MP -o $@ $<

# Changed settings rebuild what they touch: each file holds one of them, and is
# rewritten only when it differs.
remember = @mkdir -p $(@D); echo '$(1)' | cmp -s - $@ || echo '$(1)' > $@

$(OUT)/flags: FORCE | doctor-build
	$(call remember,$(ALL_FLAGS))
$(OUT)/extra: FORCE
	$(call remember,$(EXTRA))
$(OUT)/objects: FORCE
	$(call remember,$(LINK))

# --- The tools ----------------------------------------------------------------

TOOL_ENV = OUT='$(OUT)' CC='$(CC)' CROSS_COMPILE='$(CROSS_COMPILE)' \
	MAKE='$(MAKE)'

# doctor-GROUP, to be asked for behind a "|".
doctor-%: FORCE
	@$(TOOL_ENV) tools/doctor --ensure $*

# What is wanted takes the most tools of all it needs: asked for first, so that
# whoever lacks some is told once, of all of them.
DOOR_pvh := run
DOOR_bios := iso
DOOR_uefi := uefi
MOST	:= $(strip $(foreach goal,$(MAKECMDGOALS),\
	$(if $(filter debug,$(goal)),debug) \
	$(if $(filter iso $(OUT)/tally.iso,$(goal)),iso) \
	$(if $(filter boot-test,$(goal)),uefi) \
	$(if $(filter run debug test quick-test soak bench bench-check \
		shell-test harness-test,$(goal)),$(DOOR_$(BOOT)))))
$(foreach group,build run iso,$(if $(filter $(group),$(MOST)),,$(eval \
	doctor-$(group): | $(addprefix doctor-,$(MOST)))))

# --- newlib, once -------------------------------------------------------------

# It looks for itself whether there is anything to do.
$(NEWLIB)/stamp: FORCE | doctor-build
	@$(TOOL_ENV) tools/build-newlib

# --- The image ----------------------------------------------------------------

# Linked twice: the second time with a table of the functions that the first
# time had, which must not have moved.
LINK	= $(LD) $(LDFLAGS) -T linker.ld $(OBJ) $(NEWLIB)/lib/libm.a \
	$(NEWLIB)/lib/libc.a

$(OUT)/tally.elf: $(OBJ) $(OUT)/objects linker.ld $(NEWLIB)/stamp tools/symbols
	@echo "  LD      $@"
	@tools/symbols --empty > $(OUT)/symbols.asm
	@cd $(OUT) && $(NASM) -f elf64 -o symbols.o symbols.asm
	@$(LINK) $(OUT)/symbols.o -o $(OUT)/tally.first.elf
	@NM=$(NM) tools/symbols $(OUT)/tally.first.elf > $(OUT)/symbols.asm
	@cd $(OUT) && $(NASM) -f elf64 -o symbols.o symbols.asm
	@$(LINK) $(OUT)/symbols.o -o $@
	@NM=$(NM) tools/symbols --check $@ $(OUT)/symbols.asm
	@rm $(OUT)/tally.first.elf

# --- The boot disc ------------------------------------------------------------

# For BIOS and UEFI machines, through GRUB; boots with CMDLINE.
$(OUT)/cmdline: FORCE
	$(call remember,$(CMDLINE))

$(OUT)/tally.iso: $(OUT)/tally.elf $(OUT)/cmdline tools/build-iso | doctor-iso
	@echo "  ISO     $@"
	@$(TOOL_ENV) OBJCOPY='$(OBJCOPY)' tools/build-iso $< $@

.PHONY: iso
iso: $(OUT)/tally.iso

# --- Running ------------------------------------------------------------------

# What the tools take from the environment.  Tests run on 2 CPUs unless told.
export OUT NM BOOT MEM NODES CMDLINE T SEED REPEAT SHUFFLE FAULT
run debug: export CPUS := $(CPUS)
TEST_CPUS := $(if $(filter file,$(origin CPUS)),2,$(CPUS))
test quick-test: export CPUS := $(TEST_CPUS)

IMAGE	= $(if $(filter pvh,$(BOOT)),$(OUT)/tally.elf,$(OUT)/tally.iso)

.PHONY: run debug test quick-test soak bench bench-check boot-test \
	harness-test check-floors
run: $(IMAGE) | doctor-run
	@tools/run-qemu

debug: $(IMAGE) | doctor-debug
	@tools/run-qemu --gdb

test: $(IMAGE) | doctor-run
	@tools/test-runner

# Without the tests that ask for extra time: what every change is held to.
quick-test: $(IMAGE) check-floors | doctor-run
	@tools/test-runner --quick

# Every stress test, seed after seed, in both shapes, on 1 to 8 CPUs: hours.
soak: export CPUS := $(if $(filter file,$(origin CPUS)),,$(CPUS))
soak: $(IMAGE) | doctor-run
	@SEEDS='$(SEEDS)' tools/soak

# Once counting instructions, and for wall time on 1 and on 2 CPUs.
bench: $(IMAGE) | doctor-run
	@tools/bench-runner

# The counted instructions alone, held to tests/bench_limits.
bench-check: $(IMAGE) | doctor-run
	@tools/bench-runner --check

# A session at the serial line, by a program that reads the answers.
.PHONY: shell-test
shell-test: $(IMAGE) | doctor-run
	@tools/shell-test

# Does the harness notice?  Culprits from tests/harness, in an image apart.
harness-test: $(NEWLIB)/stamp | doctor-run
	@mkdir -p $(OUT)/harness && ln -sfn ../newlib $(OUT)/harness/newlib
	@$(MAKE) --no-print-directory OUT=$(OUT)/harness EXTRA=tests/harness
	@OUT=$(OUT)/harness CPUS=2 tools/harness-selftest

# Machines good and bad: what does Tally say on them?
boot-test: $(OUT)/tally.elf $(OUT)/tally.iso | doctor-run
	@tools/boot-test

# No floor knows of the floors above it; the checker is checked first.
# Does the build's own machinery do what it says?
.PHONY: tools-test
tools-test: | doctor-build
	@$(TOOL_ENV) tools/tools-selftest

check-floors: $(OUT)/tally.elf
	@CC='$(KCC)' tools/check-floors --self-test
	@tools/check-floors

# Floor 0 and its tests as programs of the host, under its sanitizers.
include tests/host/host.mk

# --- Text ---------------------------------------------------------------------

FORMATTED = $(shell git ls-files '*.c' '*.h')

.PHONY: format format-check
format: | doctor-ci
	@clang-format -i $(FORMATTED)

format-check: | doctor-ci
	@clang-format --dry-run --Werror $(FORMATTED)

# --- Housekeeping -------------------------------------------------------------

# Only what is a build's.
MARKS := $(OUT)/doctor $(OUT)/flags $(OUT)/newlib

.PHONY: clean distclean FORCE
clean:
	@if ls -d $(MARKS) >/dev/null 2>&1; then find $(OUT) -mindepth 1 -maxdepth 1 \
		! -name 'newlib*' -exec rm -rf {} +; fi

distclean:
	@if ls -d $(MARKS) >/dev/null 2>&1; then rm -rf $(OUT); fi

FORCE:

-include $(OBJ:.o=.d)
