/*
 * A call as C code describes it, for the kernel. For assembly.
 */
#ifndef RT_X86_64_BASE_LOAD_CALL_H
#define RT_X86_64_BASE_LOAD_CALL_H

#include "offsets.h"

/* in: %rdi call. */
	.macro load_call
	mov	CALL_NR(%rdi), %rax
	mov	CALL_ARGS + 8(%rdi), %rsi
	mov	CALL_ARGS + 16(%rdi), %rdx
	mov	CALL_ARGS + 24(%rdi), %r10
	mov	CALL_ARGS + 32(%rdi), %r8
	mov	CALL_ARGS + 40(%rdi), %r9
	mov	CALL_ARGS(%rdi), %rdi
	.endm

#endif
