/*
 * Keeping the processor's prediction of returns right after a system call.
 */
#ifndef RT_X86_64_FILL_RETURNS_H
#define RT_X86_64_FILL_RETURNS_H

/* Puts `count` addresses of the runtime on the stack by which the processor predicts returns.
 *
 * That stack comes back from the kernel full of the kernel's addresses. A `ret` that meets one of those takes some 30
 * ns longer, a `ret` that meets another wrong address a tenth of that. So functions that are called often do not use
 * `ret` right after their system call, and use this macro for the `ret` instructions that come next.
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
