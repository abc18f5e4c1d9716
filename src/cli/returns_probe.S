/*
 * What returns_measure() measures.
 */
#include "abi/returns.h"

/* FILL is more than the returns up to the clock: a single one of the kernel's addresses would cost what all save. */
#define DEPTH 6
#define FILL 16
#define NR_GETPID 39

	.text

/* void returns_probe(bool fill): makes the system call getpid DEPTH calls deep. fill: then puts FILL addresses on the
 * processor's stack of returns. in: %edi fill. keeps: what a C function keeps. */
	.globl returns_probe
	.type returns_probe, @function
returns_probe:
	.cfi_startproc
	mov	$DEPTH, %edx
1:	dec	%edx
	jz	2f
	call	1b
	ret
2:	mov	$NR_GETPID, %eax
	syscall
	test	%edi, %edi
	jz	3f
	fill_returns FILL
3:	ret
	.cfi_endproc
	.size returns_probe, . - returns_probe

	.section .note.GNU-stack, "", @progbits
