/*
 * Where the world, or the chain of hooks, enters the runtime's code for the world: see world/switch.h.
 *
 * ctx: boot | entry, for all here.
 */
#include "offsets.h"

	.cfi_sections .debug_frame

	.text

/* rt_world_entered: the world has made a system call, and its registers are in world->regs.
 * in:  %rdi thread, %rsp its runtime stack, aligned.   out: the world goes on. */
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
