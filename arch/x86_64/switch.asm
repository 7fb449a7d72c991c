; SPDX-License-Identifier: MIT
;
; switch.asm - from one stack to another.
;
; The call has saved what C does not keep; what C keeps goes on the stack, and
; the stack pointer into the task.  Whoever walks the stack of a task that is
; switched out finds its RBP in the sixth word from struct arch_task's sp.
;
extern	task_entry			; an upcall

section .text

; struct arch_task *switch_stacks(struct arch_task *prev, struct arch_task *next)
global switch_stacks
switch_stacks:
	push	rbp
	push	rbx
	push	r12
	push	r13
	push	r14
	push	r15
	mov	[rdi], rsp		; arch_task.sp
	mov	rsp, [rsi]
	pop	r15
	pop	r14
	pop	r13
	pop	r12
	pop	rbx
	pop	rbp
	mov	rax, rdi		; who was left
	ret

; A new task's first switch "returns" here: arch_task_init() put the function
; in R12, its argument in R13, and 0 in RBP, where backtraces end.
global task_start
task_start:
	mov	rdi, rax
	mov	rsi, r12
	mov	rdx, r13
	call	task_entry
	ud2

section .note.GNU-stack noalloc noexec nowrite progbits
