; SPDX-License-Identifier: MIT
;
; entry.asm - from 32-bit protected mode, paging off, to the first line of C.
;
; Problem.   QEMU's PVH loader and GRUB's multiboot2 loader (on BIOS and on
;            UEFI alike) enter in the same machine state, but hand over their
;            information differently.
; Idea.      Each door only notes which one it is and where its information
;            lies; everything after that is common.  C sorts out the rest.
; Map.       4 GiB by 2 MiB pages, seen three times: at 0 (to survive turning
;            paging on), at the direct map's base (so phys_to_virt() works from
;            the start) and, its first GiB, at the image's base.  paging_init()
;            replaces all of it.
; Refusal.   What cannot run Tally is told so on COM1, in words.  Everything
;            this needs lies in .boot, low in memory: with less memory than
;            LEAST_MEMORY, the image may not be there, or the BIOS in it.
;
%include "arch/x86_64/layout.inc"

BOOT_DOOR_PVH		equ 1
BOOT_DOOR_MULTIBOOT2	equ 2

COM1			equ 0x3f8
LEAST_MEMORY		equ 0x2000000	; less 2 MiB, for what firmware keeps
CR0_INITIAL		equ 0x80010033	; PG WP NE ET MP PE
CR4_INITIAL		equ 0x000000a0	; PAE PGE
EFER			equ 0xc0000080
EFER_LME_NXE		equ 0x900

MSR_GS_BASE		equ 0xc0000101

extern	boot_main			; boot/boot_info.c
extern	__percpu_start, __percpu_end, __percpu_boot	; linker.ld
extern	__per_cpu_offset, this_cpu_offset		; percpu.c

; -- PVH: an ELF note names the 32-bit physical entry ------------------------
section .note.pvh note alloc noexec nowrite align=4
	dd	4			; name size
	dd	8			; descriptor size
	dd	18			; XEN_ELFNOTE_PHYS32_ENTRY
	db	"Xen", 0
	dq	PHYS(pvh_entry)

section .boot.text exec alloc nowrite align=16
bits 32
global pvh_entry
pvh_entry:
	mov	edi, BOOT_DOOR_PVH
	mov	esi, ebx		; struct hvm_start_info
	jmp	enter_long_mode

global multiboot2_entry
multiboot2_entry:
	mov	edi, BOOT_DOOR_MULTIBOOT2
	mov	esi, ebx		; multiboot2 information
	cmp	eax, 0x36d76289
	je	enter_long_mode
	mov	esi, PHYS(text_bad_loader)
	jmp	refuse

; -- common: EDI = door, ESI = its information (physical) --------------------
enter_long_mode:
	cli
	cld
	; Is there memory?  Two words, so that what the bus still holds of one is
	; not taken for the other; firmware may have use for what was there.
	mov	ebx, LEAST_MEMORY - 0x200000
	mov	eax, [ebx]
	mov	edx, [ebx + 4]
	mov	dword [ebx], 0x7461116c
	mov	dword [ebx + 4], ~0x7461116c
	cmp	dword [ebx], 0x7461116c
	jne	.no_memory
	mov	[ebx], eax
	mov	[ebx + 4], edx
	mov	esp, PHYS(boot_stack_top)

	mov	eax, 0x80000000
	cpuid
	cmp	eax, 0x80000001
	jb	.no_long_mode
	mov	eax, 0x80000001
	cpuid
	bt	edx, 29
	jnc	.no_long_mode
	bt	edx, 20
	jnc	.no_nx
	mov	eax, 1
	cpuid
	bt	ecx, 13
	jnc	.no_cx16

	mov	eax, CR4_INITIAL	; absolutely: UEFI leaves bits behind
	mov	cr4, eax
	mov	eax, PHYS(boot_pml4)
	mov	cr3, eax
	mov	ecx, EFER
	rdmsr
	or	eax, EFER_LME_NXE
	wrmsr
	mov	eax, CR0_INITIAL
	mov	cr0, eax
	lgdt	[PHYS(boot_gdt_pointer)]
	jmp	0x08:PHYS(long_mode_low)

.no_memory:
	mov	esi, PHYS(text_no_memory)
	jmp	refuse
.no_long_mode:
	mov	esi, PHYS(text_no_long_mode)
	jmp	refuse
.no_nx:
	mov	esi, PHYS(text_no_nx)
	jmp	refuse
.no_cx16:
	mov	esi, PHYS(text_no_cx16)

; Print the text at ESI on COM1 and halt for good.
refuse:
	mov	dx, COM1 + 3
	mov	al, 0x03		; 8 bits, no parity, one stop bit
	out	dx, al
.next:
	lodsb
	test	al, al
	jz	.halt
	mov	ah, al
	mov	dx, COM1 + 5
	mov	ecx, 0x10000		; a machine without COM1 must not hang here
.wait:
	in	al, dx
	test	al, 0x20
	loopz	.wait
	mov	al, ah
	mov	dx, COM1
	out	dx, al
	jmp	.next
.halt:
	cli
	hlt
	jmp	.halt

text_bad_loader:
	db	"Tally cannot boot: started by neither PVH nor multiboot2."
	db	13, 10, 0
text_no_memory:
	db	"Tally cannot boot: memory is too small, 32 MiB are needed."
	db	13, 10, 0
text_no_long_mode:
	db	"Tally cannot boot: this CPU has no 64-bit long mode.", 13, 10, 0
text_no_nx:
	db	"Tally cannot boot: this CPU cannot mark pages no-execute (NX)."
	db	13, 10, 0
text_no_cx16:
	db	"Tally cannot boot: this CPU cannot exchange 16 bytes at once "
	db	"(CMPXCHG16B).", 13, 10, 0

bits 64
long_mode_low:
	mov	rax, long_mode_high
	jmp	rax

section .text
long_mode_high:
	mov	ax, 0x10
	mov	ds, ax
	mov	es, ax
	mov	ss, ax
	xor	eax, eax
	mov	fs, ax
	mov	gs, ax
	mov	rsp, boot_stack_top
	xor	ebp, ebp		; backtraces end here

	; The boot CPU's own copy of the per-CPU variables; the image's stays
	; as it is, for the other CPUs to start from.
	mov	r12d, edi
	mov	r13d, esi
	mov	rsi, __percpu_start
	mov	rdi, __percpu_boot
	mov	rcx, __percpu_end
	sub	rcx, rsi
	mov	rax, rdi
	sub	rax, rsi		; GS base: distance between the copies
	mov	r14, rax
	rep movsb
	mov	rdx, rax
	shr	rdx, 32
	mov	ecx, MSR_GS_BASE
	wrmsr
	mov	[__per_cpu_offset], r14
	mov	[gs:this_cpu_offset], r14

	mov	edi, r12d
	mov	esi, r13d
	call	boot_main
	ud2

section .rodata
align 8
boot_gdt:
	dq	0
	dq	0x00af9b000000ffff	; 0x08: 64-bit code
	dq	0x00cf93000000ffff	; 0x10: data
boot_gdt_end:
boot_gdt_pointer:
	dw	boot_gdt_end - boot_gdt - 1
	dq	PHYS(boot_gdt)

; -- early page tables -------------------------------------------------------
section .data
align 4096
global boot_pml4
boot_pml4:
	dq	PHYS(boot_pdpt_low) + 3
	times	DIRECT_MAP_SLOT - 1 dq 0
	dq	PHYS(boot_pdpt_low) + 3
	times	IMAGE_SLOT - DIRECT_MAP_SLOT - 1 dq 0
	dq	PHYS(boot_pdpt_high) + 3
boot_pdpt_low:
	dq	PHYS(boot_pd) + 0x0003
	dq	PHYS(boot_pd) + 0x1003
	dq	PHYS(boot_pd) + 0x2003
	dq	PHYS(boot_pd) + 0x3003
	times	508 dq 0
boot_pdpt_high:
	times	IMAGE_PDPT_SLOT dq 0
	dq	PHYS(boot_pd) + 0x0003
	dq	0
boot_pd:
%assign page 0
%rep 2048
	dq	page * 0x200000 + 0x83
%assign page page + 1
%endrep

; -- the boot CPU's first stack, which becomes its idle task's ---------------
section .bss
align 4096
global boot_stack_guard, boot_stack, boot_stack_top
boot_stack_guard:
	resb	4096			; unmapped by paging_init()
boot_stack:
	resb	16384
boot_stack_top:

section .note.GNU-stack noalloc noexec nowrite progbits
