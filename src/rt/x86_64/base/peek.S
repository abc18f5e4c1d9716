/*
 * Copying from or to memory of the program, which may be unmapped meanwhile.
 *
 * ctx: any, for all here.
 */
#include <asm/errno.h>

	.cfi_sections .debug_frame

	.text

/* Moves the first and the last bytes, which may be the same.
 * in: %rdi to, %rsi from, %rdx size, at least that of a register.   clobbers: both registers. */
	.macro move_ends first, last, size
	mov	(%rsi), \first
	mov	-\size(%rsi, %rdx), \last
	mov	\first, (%rdi)
	mov	\last, -\size(%rdi, %rdx)
	.endm

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
	cmp	$16, %rdx
	ja	.Lstring	/* takes a while to begin */
	cmp	$8, %rdx
	jb	.Lbelow_8
	move_ends %rax, %rcx, 8
	jmp	.Ldone
.Lbelow_8:
	cmp	$4, %rdx
	jb	.Lbelow_4
	move_ends %eax, %ecx, 4
	jmp	.Ldone
.Lbelow_4:
	cmp	$1, %rdx
	jne	.Lstring
	movzbl	(%rsi), %eax
	mov	%al, (%rdi)
	jmp	.Ldone
.Lstring:
	rep movsb
.Ldone:
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
