; SPDX-License-Identifier: MIT
;
; trap_entry.asm - 256 ways in, one way on, two ways out.
;
; In.    Each vector has a 16-byte stub that makes the stack look the same for
;        all: an error code (0 where the CPU pushes none), the vector.
; On.    The general registers complete a struct trap_frame.  Below it goes an
;        ordinary stack frame whose return address is the interrupted
;        instruction, so that a walk along RBP passes through.
; Out.   IRETQ.  But IRETQ also tells the CPU that an NMI is over, and a fault
;        or breakpoint taken inside the NMI handler is not its end: the next
;        NMI would start on top of the same stack.  trap_dispatch() says so, and
;        then the same return is made of MOV, POPFQ and RET, which it can be
;        because ring and segments never change here.
;
; Alignment: the CPU aligns RSP to 16 before it pushes five words; error,
; vector, fifteen registers and the frame's two make 24 words, so the call
; is made with RSP aligned as the ABI wants.
;
extern	trap_dispatch			; arch/x86_64/trap.c

; Offsets into struct trap_frame (include/arch/trap.h).
FRAME_ERROR	equ 16 * 8
FRAME_RIP	equ 17 * 8
FRAME_RFLAGS	equ 19 * 8
FRAME_RSP	equ 20 * 8

; The general registers of struct trap_frame, the last one lowest.
%macro push_registers 0
	push	rdi
	push	rsi
	push	rdx
	push	rcx
	push	rax
	push	r8
	push	r9
	push	r10
	push	r11
	push	rbx
	push	rbp
	push	r12
	push	r13
	push	r14
	push	r15
%endmacro

%macro pop_registers 0
	pop	r15
	pop	r14
	pop	r13
	pop	r12
	pop	rbp
	pop	rbx
	pop	r11
	pop	r10
	pop	r9
	pop	r8
	pop	rax
	pop	rcx
	pop	rdx
	pop	rsi
	pop	rdi
%endmacro

section .text

; The vectors for which the CPU pushes an error code.
%define HAS_ERROR(v) ((v) = 8 || ((v) >= 10 && (v) <= 14) || (v) = 17 || \
	(v) = 21 || (v) = 29 || (v) = 30)

align 16
global trap_stubs
trap_stubs:
%assign vector 0
%rep 256
	align	16
  %if HAS_ERROR(vector) == 0
	push	qword 0
  %endif
	push	qword vector
	jmp	trap_common
  %assign vector vector + 1
%endrep

align 16
trap_common:
	cld
	push_registers
	mov	rdi, rsp		; struct trap_frame
	push	qword [rdi + FRAME_RIP]
	push	rbp
	mov	rbp, rsp
	call	trap_dispatch
global trap_return_address
trap_return_address:
	add	rsp, 16
	test	al, al
	jnz	.inside_nmi

	pop_registers
	add	rsp, 16			; vector, error
	iretq

; Put RFLAGS and RIP on the interrupted stack.  They may land on this frame's
; own RSP and SS words, which have been read by then.
.inside_nmi:
	mov	rax, [rsp + FRAME_RSP]
	mov	rcx, [rsp + FRAME_RIP]
	mov	rdx, [rsp + FRAME_RFLAGS]
	sub	rax, 16
	mov	[rax + 8], rcx
	mov	[rax], rdx
	mov	[rsp + FRAME_ERROR], rax
	pop_registers
	mov	rsp, [rsp + 8]
	popfq
	ret

; -- int probe_copy(void *dst, const void *src, size_t len) -------------------
; One instruction that may fault, and where to go on if it does.
%define EFAULT 14

global probe_copy
probe_copy:
	mov	rcx, rdx
.access:
	rep movsb
	xor	eax, eax
	ret
.fault:
	mov	eax, -EFAULT
	ret

section .extable alloc noexec nowrite align=4
	dd	probe_copy.access - $
	dd	probe_copy.fault - $

section .note.GNU-stack noalloc noexec nowrite progbits
