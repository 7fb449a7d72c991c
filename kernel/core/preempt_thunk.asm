; SPDX-License-Identifier: MIT
;
; preempt_thunk.asm - preempt_enable()'s way into the scheduler.
;
; preempt_enable() is inlined everywhere and calls this only when the count
; has reached 0, that is, when a switch is due.  Every register is kept, so the
; compiler need not save any around the usual case.  Vector registers are the
; switch's own business.
;
extern preempt_schedule

section .text
global preempt_schedule_thunk:function
preempt_schedule_thunk:
	push	rbp
	mov	rbp, rsp
	push	rax
	push	rcx
	push	rdx
	push	rsi
	push	rdi
	push	r8
	push	r9
	push	r10
	push	r11
	push	r12
	mov	r12, rsp
	and	rsp, -16		; inlined code promises no alignment
	call	preempt_schedule
	mov	rsp, r12
	pop	r12
	pop	r11
	pop	r10
	pop	r9
	pop	r8
	pop	rdi
	pop	rsi
	pop	rdx
	pop	rcx
	pop	rax
	pop	rbp
	ret

section .note.GNU-stack noalloc noexec nowrite progbits
