/*
 * The stack by which the processor predicts returns (rt/x86_64/returns.h): how addresses are put on it, and what
 * `k23 run` replaces where none are to be: an array from the symbol rt_paired to rt_paired_end of the runtime.
 */
#ifndef ABI_RETURNS_H
#define ABI_RETURNS_H

#define PAIRED_SIZE 16

#ifdef __ASSEMBLER__

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

#else

#include <stdint.h>

/* An instruction or two, and where they go. */
struct paired_code {
	int32_t distance; /* from this struct to the code that is replaced */
	uint8_t size;
	uint8_t code[PAIRED_SIZE - 5];
};

_Static_assert(sizeof(struct paired_code) == PAIRED_SIZE, "written by a macro, too");

#endif

#endif
