/*
 * The way of a call from a hook to the kernel.
 *
 * ctx: entry, for all here.
 */
#include "rt/x86_64/cfi.h"

	.section .text.gate.forward, "ax", @progbits

/* long rt_forward(struct k23_call *call): the member `forward` of struct k23_api. If no other hook wants the call and
 * it is no special call, as mostly, it goes straight on into rt_gate_program. rt_forward_on refuses what is not to be
 * forwarded.
 * in:  %rdi call.   out: %rax result.
 * keeps: what a C function keeps. */
	.globl rt_forward
	.type rt_forward, @function
	.cfi_startproc
	.skip	64 - 5, 0xcc		/* rt_forward begins a cache line, and rt_gate_done lies where rt.lds says */
1:	jmp	rt_forward_on
rt_forward:
	mov	%rsp, %rsi
	or	$REGION_SIZE - 1, %rsi
	sub	$THREAD_SIZE - 1, %rsi
	cmpq	$0, THREAD_CALLBACK(%rsi)
	jne	1b
	mov	CALL_NR(%rdi), %rax
	mov	CALL_NEXT(%rdi), %ecx
	test	%ecx, %ecx
	jz	1b
	cmpl	$ARCH_X86_64, CALL_ARCH(%rdi)
	jne	1b
	cmp	$NUMBERS, %rax
	jae	1b
	lea	rt_chains(%rip), %rdx
	mov	CHAIN_WHO(%rdx, %rax, 8), %eax
	shr	%cl, %eax
	jnz	1b		/* else on into rt_gate_program, which rt.lds puts behind it */
	.cfi_endproc
	.size rt_forward, . - rt_forward
	.globl rt_forward_end
rt_forward_end:

	.section .note.GNU-stack, "", @progbits
