/*
 * Where the world, or the chain of hooks, enters the runtime's code for the world: see world/switch.h.
 *
 * ctx: boot | entry, for all here.
 */
#include "offsets.h"

	.cfi_sections .debug_frame

	.text

/* rt_world_called: the world makes a system call that `k23 cc` has patched (k23_world.entered).
 * in:  %rcx world, %r11 the address behind the call, the others as at the call.   out: the world goes on. */
	.globl rt_world_called
	.type rt_world_called, @function
rt_world_called:
	.cfi_startproc
	.cfi_undefined %rip
	mov	%rax, WORLD_REGS + REGS_RAX(%rcx)
	mov	%rbx, WORLD_REGS + REGS_RBX(%rcx)
	mov	%rdx, WORLD_REGS + REGS_RDX(%rcx)
	mov	%rsi, WORLD_REGS + REGS_RSI(%rcx)
	mov	%rdi, WORLD_REGS + REGS_RDI(%rcx)
	mov	%rbp, WORLD_REGS + REGS_RBP(%rcx)
	mov	%rsp, WORLD_REGS + REGS_RSP(%rcx)
	mov	%r8, WORLD_REGS + REGS_R8(%rcx)
	mov	%r9, WORLD_REGS + REGS_R9(%rcx)
	mov	%r10, WORLD_REGS + REGS_R10(%rcx)
	mov	%r12, WORLD_REGS + REGS_R12(%rcx)
	mov	%r13, WORLD_REGS + REGS_R13(%rcx)
	mov	%r14, WORLD_REGS + REGS_R14(%rcx)
	mov	%r15, WORLD_REGS + REGS_R15(%rcx)
	mov	%r11, WORLD_REGS + REGS_RIP(%rcx)
	mov	WORLD_HOST_SP(%rcx), %rsp
	pushfq
	pop	WORLD_REGS + REGS_EFLAGS(%rcx)
	cld
	/* and on into rt_world_entered */
	.cfi_endproc
	.size rt_world_called, . - rt_world_called

/* rt_world_entered: the world has made a system call, and its registers are in world->regs.
 * in:  %rsp the thread's runtime stack, aligned.   out: the world goes on. */
	.globl rt_world_entered
	.type rt_world_entered, @function
rt_world_entered:
	.cfi_startproc
	.cfi_undefined %rip
	call	rt_world_answer		/* returns the world */
	mov	%rax, %rdi
	jmp	rt_world_go_on
	.cfi_endproc
	.size rt_world_entered, . - rt_world_entered

/* rt_world_first: rt_world_call, for the chain (base/entry_points.h). */
	.globl rt_world_first
	.type rt_world_first, @function
rt_world_first:
	.cfi_startproc
	jmp	rt_world_call
	.cfi_endproc
	.size rt_world_first, . - rt_world_first

/* long rt_world_out(struct rt_world *world, const void *function, const unsigned long arguments[7]): k23_world.out,
 * which the world calls.   keeps: what a C function keeps. */
	.globl rt_world_out
	.type rt_world_out, @function
rt_world_out:
	.cfi_startproc
	push	%rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbp, 0
	push	%rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbx, 0
	mov	%rdi, %rbx
	mov	%rsp, %rbp
	.cfi_def_cfa_register %rbp
	/* Functions of the hook that are called meanwhile begin below, and change world->sp no more when they end. */
	push	WORLD_SP(%rdi)
	mov	%rsp, WORLD_SP(%rdi)
	mov	WORLD_HOST_SP(%rdi), %rsp
	call	rt_world_out_call
	mov	WORLD_SP(%rbx), %rsp
	pop	WORLD_SP(%rbx)
	pop	%rbx
	pop	%rbp
	.cfi_def_cfa %rsp, 8
	ret
	.cfi_endproc
	.size rt_world_out, . - rt_world_out

	.section .note.GNU-stack, "", @progbits
