/*
 * Returns that the processor predicts.
 */
#ifndef RT_X86_64_FILL_RETURNS_H
#define RT_X86_64_FILL_RETURNS_H

/* The processor predicts returns by a stack of its own, which comes back from the kernel full of the kernel's addresses.
 * A `ret` that meets one of those takes some 30 ns longer, one that meets any other wrong address a tenth of that. So
 * what is made often does not return by `ret` behind its system call, and the next ones find as many addresses of ours.
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
