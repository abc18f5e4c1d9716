/*
 * The stack by which the processor predicts returns (rt/x86_64/returns.h): how addresses are put on it.
 */
#ifndef ABI_RETURNS_H
#define ABI_RETURNS_H

/* Puts `count` addresses of the runtime on the stack by which the processor predicts returns.
 *
 * in: a stack.   clobbers: flags. */
.macro fill_returns count
.rept \count
	call	771f
	int3				/* only ever speculated */
771:	.cfi_adjust_cfa_offset 8
.endr
	add	$8 * \count, %rsp
	.cfi_adjust_cfa_offset -8 * \count
.endm

#endif
