/*
 * Copying from or to memory of the program, which may be unmapped meanwhile.
 *
 * ctx: any, for all here.
 */
#include <asm/errno.h>

	.cfi_sections .debug_frame

	.text

/* long rt_peek(void *to, uint64_t from, size_t size): a fault between rt_peek_begin and rt_peek_end, if the thread has
 * not blocked its signal, goes on at rt_peek_fault (entry/signal.c).
 * out: %rax 0 or -EFAULT; then part of it may have been copied.   keeps: what a C function keeps. */
	.globl rt_peek
	.type rt_peek, @function
rt_peek:
	.cfi_startproc
	mov	%rdx, %rcx
	.globl rt_peek_begin
rt_peek_begin:
	rep movsb
	.globl rt_peek_end
rt_peek_end:
	xor	%eax, %eax
	ret
	.globl rt_peek_fault
rt_peek_fault:
	mov	$-EFAULT, %rax
	ret
	.cfi_endproc
	.size rt_peek, . - rt_peek

	.section .note.GNU-stack, "", @progbits
