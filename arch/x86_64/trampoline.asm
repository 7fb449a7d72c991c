; SPDX-License-Identifier: MIT
;
; trampoline.asm - from a start-up interrupt to the first line of C.
;
; A CPU starts in real mode at a page below 1 MiB.  This code is copied there,
; finds its data relative to the page, and goes to long mode in one step: with
; PAE, LME and the final page tables in place, setting PE and PG together is
; enough.  The page is mapped at its own address for the time being.
;
; All CPUs may come at once: nothing is written, and each finds its number by
; its APIC id and its stack by its number.
;
CR0_INITIAL	equ 0x80010033		; PG WP NE ET MP PE
CR4_INITIAL	equ 0x000000a0		; PAE PGE
EFER		equ 0xc0000080
EFER_LME_NXE	equ 0x900

%define AT(label) ((label) - trampoline_start)

extern	secondary_start				; smp_boot.c
extern	secondary_ids, secondary_stacks, secondary_count
extern	secondary_by_x2apic

section .rodata
align 16
bits 16
global trampoline_start
trampoline_start:
	cli
	cld
	mov	ax, cs
	mov	ds, ax
	o32 lgdt [AT(gdt_pointer)]
	mov	eax, CR4_INITIAL
	mov	cr4, eax
	mov	eax, [AT(cr3_value)]
	mov	cr3, eax
	mov	ecx, EFER
	rdmsr
	or	eax, EFER_LME_NXE
	wrmsr
	mov	eax, CR0_INITIAL
	mov	cr0, eax
	jmp	far dword [AT(far_pointer)]

bits 64
long_mode:
	mov	rax, secondary_entry
	jmp	rax

align 8
gdt:
	dq	0
	dq	0x00af9b000000ffff	; 0x08: 64-bit code
	dq	0x00cf93000000ffff	; 0x10: data
gdt_end:

; Filled in in the copy (struct trampoline_data, smp_boot.c).
global trampoline_data
trampoline_data:
gdt_pointer:
	dw	gdt_end - gdt - 1
	dd	AT(gdt)			; + page
far_pointer:
	dd	AT(long_mode)		; + page
	dw	0x08
cr3_value:
	dd	0
global trampoline_end
trampoline_end:

section .text
secondary_entry:
	mov	ax, 0x10
	mov	ds, ax
	mov	es, ax
	mov	ss, ax
	xor	eax, eax
	mov	fs, ax
	mov	gs, ax

	cmp	byte [secondary_by_x2apic], 0
	je	.xapic
	mov	eax, 0x0b
	xor	ecx, ecx
	cpuid
	mov	eax, edx
	jmp	.search
.xapic:
	mov	eax, 1
	cpuid
	mov	eax, ebx
	shr	eax, 24

.search:
	mov	ecx, [secondary_count]
	xor	edi, edi
.next:
	cmp	edi, ecx
	jae	.stranger
	cmp	eax, [secondary_ids + rdi * 4]
	je	.found
	inc	edi
	jmp	.next
.found:
	mov	rsp, [secondary_stacks + rdi * 8]
	test	rsp, rsp
	jz	.stranger
	xor	ebp, ebp		; backtraces end here
	call	secondary_start
	ud2

; A CPU that nobody expects.
.stranger:
	cli
	hlt
	jmp	.stranger

section .note.GNU-stack noalloc noexec nowrite progbits
