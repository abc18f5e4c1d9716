/*
 * The way of a call from a hook to the kernel.
 *
 * ctx: entry, for all here.
 */
#include "rt/x86_64/cfi.h"

	.section .text.gate.forward, "ax", @progbits

/* long rt_forward(struct k23_call *call): the member `forward` of struct k23_api. If no other hook wants the call and
 * it is no special call, as mostly, it goes straight on into rt_gate_program.
 * in:  %rdi call.   out: %rax result.
 * keeps: what a C function keeps. */
	.globl rt_forward
	.type rt_forward, @function
rt_forward:
	.cfi_startproc
	mov	CALL_NR(%rdi), %rax
	mov	CALL_NEXT(%rdi), %ecx
	cmpl	$ARCH_X86_64, CALL_ARCH(%rdi)
	jne	rt_forward_on
	cmp	$NUMBERS, %rax
	jae	rt_forward_on
	lea	rt_chains(%rip), %rdx
	mov	CHAIN_WHO(%rdx, %rax, 8), %eax
	shr	%cl, %eax
	jnz	rt_forward_on
	mov	%rsp, %rsi
	or	$REGION_SIZE - 1, %rsi
	sub	$THREAD_SIZE - 1, %rsi	/* and on into rt_gate_program, which rt.lds puts behind it */
	.cfi_endproc
	.size rt_forward, . - rt_forward
	.globl rt_forward_end
rt_forward_end:

	.section .note.GNU-stack, "", @progbits
