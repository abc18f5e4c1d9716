/*
 * Leaving the signal stack for a while: see signal/altstack.h.
 *
 * ctx: sigsys, for all here.
 */
	.cfi_sections .debug_frame

	.text

/* void rt_stack_switch(void *argument, void (*function)(void *argument, uint64_t sp), uint64_t stack): calls the
 * function on another stack; sp: what is below it on this one is free.
 * in:  %rdi argument, %rsi function, %rdx stack, aligned.   keeps: what a C function keeps. */
	.globl rt_stack_switch
	.type rt_stack_switch, @function
rt_stack_switch:
	.cfi_startproc
	push	%rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbp, 0
	mov	%rsp, %rbp
	.cfi_def_cfa_register %rbp
	mov	%rdx, %rsp
	mov	%rsi, %rax
	mov	%rbp, %rsi
	call	*%rax
	mov	%rbp, %rsp
	pop	%rbp
	.cfi_def_cfa %rsp, 8
	ret
	.cfi_endproc
	.size rt_stack_switch, . - rt_stack_switch

	.section .note.GNU-stack, "", @progbits
