/*
 * The start of an image.
 *
 * ctx: boot, for all here.
 */
#include "rt/x86_64/cfi.h"

	.section .text.gate.start, "ax", @progbits

/* rt_start: the first instruction that runs in a new image. Maps the part of the bundle that is written to, unless the
 * helper has made a copy of all of it. The first stack is the signal stack of the first thread's region.
 * in:  %rdi bundle; of struct start_block: %rsi entry, %rsp stack, %rdx eflags, %r10 sigmask, %r8 helper and ptracer,
 *      %rcx filters, %r9 the rest, %rax exe, %rbx memory, %r11 values; every signal blocked.
 * out: the program starts. */
	.globl rt_start
	.type rt_start, @function
rt_start:
	.cfi_startproc
	.cfi_signal_frame
	.cfi_undefined %rip
	push	%rbx			/* under the program's stack, of which nothing changes */
	mov	%rdi, %rbx
	mov	%rsi, %r12
	mov	%rdx, %r13
	mov	%r10, %r14
	mov	%r8, %r15
	mov	%r9, %rbp
	push	%rcx
	push	%rax
	push	%r11
	cmpl	$0, BUNDLE_SHARED_ID(%rbx)
	jl	2f			/* a copy, which has it */
	mov	BUNDLE_PRIVATE_START(%rbx), %eax
	mov	BUNDLE_STORE(%rbx), %esi
	sub	%eax, %esi
	lea	(%rbx, %rax), %rdi
	mov	$READ_WRITE, %edx
	mov	$FIXED_ANONYMOUS, %r10d
	mov	$-1, %r8
	xor	%r9d, %r9d
	mov	$NR_MMAP, %eax
	syscall
	cmp	%rdi, %rax
	jne	1f
2:	pop	%rax
	mov	%rax, rt_start_block + START_VALUES(%rip)
	pop	%rax
	pop	%rcx
	pop	%rdx
	mov	%rdx, rt_start_block + START_MEMORY(%rip)
	mov	%rax, rt_start_block + START_EXE(%rip)
	mov	%rcx, rt_start_block + START_FILTERS(%rip)
	mov	%r12, rt_start_block + START_ENTRY(%rip)
	mov	%rsp, rt_start_block + START_STACK(%rip)
	mov	%r13, rt_start_block + START_EFLAGS(%rip)
	mov	%r14, rt_start_block + START_SIGMASK(%rip)
	mov	%r15, rt_start_block + START_HELPER(%rip)
	mov	%rbp, rt_start_block + START_REST(%rip)
	mov	BUNDLE_REGIONS(%rbx), %eax
	lea	2 * REGION_SIZE - 1(%rbx, %rax), %rsp
	and	$-REGION_SIZE, %rsp
	sub	$REGION_TAIL, %rsp
	xor	%ebp, %ebp
	mov	%rbx, %rdi
	call	rt_start_image		/* returns the first thread */
	mov	THREAD_STACK_TOP(%rax), %rsp
	cfi_regs_in_thread
	mov	%rax, %rbx
	mov	%rax, %rdi
	call	rt_start_thread
	mov	%rbx, %rdi
	jmp	rt_return
1:	mov	$EXIT_RUNTIME, %edi	/* no memory; a message would need a stack */
	mov	$NR_EXIT_GROUP, %eax
	syscall
	hlt
	.cfi_endproc
	.size rt_start, . - rt_start
	.globl rt_start_end
rt_start_end:

	.section .note.GNU-stack, "", @progbits
