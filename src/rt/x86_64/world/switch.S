/*
 * Switches between the runtime's stack of a thread and that of the thread of the world which stands for it: see
 * world/switch.h.
 *
 * ctx: boot | entry, for all here.
 */
#include "offsets.h"
#include "rt/x86_64/arithmetic_flags.h"

	.cfi_sections .debug_frame

	.text

/* Saves what a C function keeps, and the stack in world->host_sp, aligned. in: %rdi world. */
	.macro leave_host
	push	%rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbx, 0
	push	%rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbp, 0
	push	%r12
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r12, 0
	push	%r13
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r13, 0
	push	%r14
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r14, 0
	push	%r15
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r15, 0
	sub	$8, %rsp
	.cfi_adjust_cfa_offset 8
	mov	%rsp, WORLD_HOST_SP(%rdi)
	.endm

/* Undoes that, and returns. in: %rdi world. */
	.macro come_back
	mov	WORLD_HOST_SP(%rdi), %rsp
	add	$8, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret
	.endm

/* long rt_world_switch(struct rt_world *world, const void *function, const void *a2, uint64_t a3): calls
 * function(world, a2, a3) on the stack below world->sp.   keeps: what a C function keeps. */
	.globl rt_world_switch
	.type rt_world_switch, @function
rt_world_switch:
	.cfi_startproc
	leave_host
	mov	%rdi, %rbx
	mov	WORLD_SP(%rdi), %rsp
	and	$-16, %rsp
	mov	%rsi, %rax
	mov	%rdx, %rsi
	mov	%rcx, %rdx
	xor	%ebp, %ebp		/* ends the chain of frames */
	call	*%rax
	mov	%rbx, %rdi
	come_back
	.cfi_endproc
	.size rt_world_switch, . - rt_world_switch

/* long rt_world_resume(struct rt_world *world): goes on with world->regs. */
	.globl rt_world_resume
	.type rt_world_resume, @function
rt_world_resume:
	.cfi_startproc
	leave_host			/* and on into rt_world_go_on */
	.cfi_endproc
	.size rt_world_resume, . - rt_world_resume

/* rt_world_go_on: loads world->regs. in: %rdi world, %rsp a stack of the runtime.   out: the world goes on. */
	.globl rt_world_go_on
	.type rt_world_go_on, @function
rt_world_go_on:
	.cfi_startproc
	.cfi_undefined %rip
	/* Code of the world may keep these over a system call; others it has not changed. */
	mov	WORLD_REGS + REGS_EFLAGS(%rdi), %edx
	load_arithmetic_flags
	mov	WORLD_REGS + REGS_R8(%rdi), %r8
	mov	WORLD_REGS + REGS_R9(%rdi), %r9
	mov	WORLD_REGS + REGS_R10(%rdi), %r10
	mov	WORLD_REGS + REGS_R11(%rdi), %r11
	mov	WORLD_REGS + REGS_R12(%rdi), %r12
	mov	WORLD_REGS + REGS_R13(%rdi), %r13
	mov	WORLD_REGS + REGS_R14(%rdi), %r14
	mov	WORLD_REGS + REGS_R15(%rdi), %r15
	mov	WORLD_REGS + REGS_RSI(%rdi), %rsi
	mov	WORLD_REGS + REGS_RBP(%rdi), %rbp
	mov	WORLD_REGS + REGS_RBX(%rdi), %rbx
	mov	WORLD_REGS + REGS_RDX(%rdi), %rdx
	mov	WORLD_REGS + REGS_RAX(%rdi), %rax
	mov	WORLD_REGS + REGS_RIP(%rdi), %rcx
	mov	WORLD_REGS + REGS_RSP(%rdi), %rsp
	mov	WORLD_REGS + REGS_RDI(%rdi), %rdi
	jmp	*%rcx
	.cfi_endproc
	.size rt_world_go_on, . - rt_world_go_on

/* void rt_world_return(struct rt_world *world, long value): makes rt_world_resume return. */
	.globl rt_world_return
	.type rt_world_return, @function
rt_world_return:
	.cfi_startproc
	mov	%rsi, %rax
	come_back
	.cfi_endproc
	.size rt_world_return, . - rt_world_return

	.section .note.GNU-stack, "", @progbits
