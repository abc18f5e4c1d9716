/*
 * The start of a carrier (abi/carrier.h).
 *
 * ctx: boot, for all here.
 */
#include "rt/x86_64/cfi.h"

	.text

/* rt_carried: the first instruction of a carrier. Loads the program, and goes on as a helper lets an image begin.
 * in:  %rsp the stack that the kernel has made.   out: rt_start. */
	.globl rt_carried
	.type rt_carried, @function
rt_carried:
	.cfi_startproc
	.cfi_signal_frame
	.cfi_undefined %rip
	mov	%rsp, %rdi
	sub	$START_SIZE, %rsp
	and	$-16, %rsp
	mov	%rsp, %rsi
	call	rt_load			/* returns the bundle */
	mov	%rax, %rdi
	mov	START_ENTRY(%rsp), %rsi
	mov	START_EFLAGS(%rsp), %rdx
	mov	START_SIGMASK(%rsp), %r10
	mov	START_HELPER(%rsp), %r8
	mov	START_FILTERS(%rsp), %rcx
	mov	START_REST(%rsp), %r9
	mov	START_VALUES(%rsp), %r11
	mov	START_EXE(%rsp), %rax
	mov	START_MEMORY(%rsp), %rbx
	mov	START_STACK(%rsp), %rsp
	jmp	rt_start
	.cfi_endproc
	.size rt_carried, . - rt_carried

	.section .note.GNU-stack, "", @progbits
