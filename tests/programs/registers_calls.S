/* Load every register with given values, make one call in one of several ways, store every register.
 *
 * The frame is struct regs_frame of registers.c, which asserts these offsets.
 * gpr order: rax rbx rcx rdx rsi rdi rbp rsp r8..r15. rsp is ours in both directions.
 */

#include <sys/syscall.h>

#define GPR(n)		((n) * 8)
#define FLAGS		128
#define RED_ZONE	136
#define MXCSR		264
#define FCW		268
#define X87		272
#define VECTOR		384

	.bss
	.balign 16
saved_rsp:	.skip 8

	.text
/* in: %rdi frame.   out: every register loaded from it but rsp; red zone filled; flags last. */
	.macro	load_frame width
	.ifc \width, avx
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	vmovdqu	VECTOR + 32 * \n(%rdi), %ymm\n
	.endr
	.else
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	movdqu	VECTOR + 32 * \n(%rdi), %xmm\n
	.endr
	.endif
	fninit
	.irp n, 7, 6, 5, 4, 3, 2, 1, 0
	fldl	X87 + 8 * \n(%rdi)
	.endr
	fldcw	FCW(%rdi)
	ldmxcsr	MXCSR(%rdi)
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	mov	RED_ZONE + 8 * \n(%rdi), %rax
	mov	%rax, -128 + 8 * \n(%rsp)
	.endr
	mov	GPR(0)(%rdi), %rax
	mov	GPR(1)(%rdi), %rbx
	mov	GPR(2)(%rdi), %rcx
	mov	GPR(3)(%rdi), %rdx
	mov	GPR(4)(%rdi), %rsi
	mov	GPR(6)(%rdi), %rbp
	mov	GPR(8)(%rdi), %r8
	mov	GPR(9)(%rdi), %r9
	mov	GPR(10)(%rdi), %r10
	mov	GPR(11)(%rdi), %r11
	mov	GPR(12)(%rdi), %r12
	mov	GPR(13)(%rdi), %r13
	mov	GPR(14)(%rdi), %r14
	mov	GPR(15)(%rdi), %r15
	/* flags through a stack of our own: a push would tear the red zone */
	lea	flags_stack_top(%rip), %rsp
	pushq	FLAGS(%rdi)
	mov	GPR(5)(%rdi), %rdi
	popfq
	mov	saved_rsp(%rip), %rsp
	.endm

/* in: any state after the call.   out: all of it in call_out; own rsp. */
	.macro	store_frame width
	mov	%rsp, call_out + GPR(7)(%rip)
	mov	%rax, call_out + GPR(0)(%rip)
	lea	flags_stack_top(%rip), %rsp
	pushfq
	popq	call_out + FLAGS(%rip)
	pushq	$0x202
	popfq
	mov	call_out + GPR(7)(%rip), %rsp
	mov	%rbx, call_out + GPR(1)(%rip)
	mov	%rcx, call_out + GPR(2)(%rip)
	mov	%rdx, call_out + GPR(3)(%rip)
	mov	%rsi, call_out + GPR(4)(%rip)
	mov	%rdi, call_out + GPR(5)(%rip)
	mov	%rbp, call_out + GPR(6)(%rip)
	mov	%r8, call_out + GPR(8)(%rip)
	mov	%r9, call_out + GPR(9)(%rip)
	mov	%r10, call_out + GPR(10)(%rip)
	mov	%r11, call_out + GPR(11)(%rip)
	mov	%r12, call_out + GPR(12)(%rip)
	mov	%r13, call_out + GPR(13)(%rip)
	mov	%r14, call_out + GPR(14)(%rip)
	mov	%r15, call_out + GPR(15)(%rip)
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	mov	-128 + 8 * \n(%rsp), %rax
	mov	%rax, call_out + RED_ZONE + 8 * \n(%rip)
	.endr
	stmxcsr	call_out + MXCSR(%rip)
	fnstcw	call_out + FCW(%rip)
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7
	fstpl	call_out + X87 + 8 * \n(%rip)
	.endr
	.ifc \width, avx
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	vmovdqu	%ymm\n, call_out + VECTOR + 32 * \n(%rip)
	.endr
	vzeroupper
	.else
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	movdqu	%xmm\n, call_out + VECTOR + 32 * \n(%rip)
	.endr
	.endif
	mov	saved_rsp(%rip), %rsp
	.endm

/* void regs_KIND_WIDTH(const struct regs_frame *in): the result is in call_out, the address after
 * the instruction in call_next. */
	.macro	define_call kind, width, insn:vararg
	.globl	regs_\kind\()_\width
	.type	regs_\kind\()_\width, @function
regs_\kind\()_\width:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	sub	$24, %rsp
	stmxcsr	8(%rsp)
	fnstcw	12(%rsp)
	mov	%rsp, saved_rsp(%rip)
	lea	.Lnext_\kind\()_\width(%rip), %rax
	mov	%rax, call_next(%rip)
	load_frame \width
	\insn
.Lnext_\kind\()_\width:
	store_frame \width
	.ifc \kind, vfork
	/* the child shares our stack: it may not return before the parent has */
	cmpq	$0, call_out + GPR(0)(%rip)
	jne	.Lparent_\kind\()_\width
	mov	$SYS_exit, %eax
	xor	%edi, %edi
	syscall
.Lparent_\kind\()_\width:
	.endif
	fninit
	ldmxcsr	8(%rsp)
	fldcw	12(%rsp)
	add	$24, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret
	.size	regs_\kind\()_\width, . - regs_\kind\()_\width
	.endm

	define_call syscall, avx, syscall
	define_call syscall, sse, syscall
	define_call vfork, sse, syscall
	define_call int80, avx, int $0x80
	define_call int80, sse, int $0x80

	.bss
	.balign 64
	.globl	call_out, call_next
call_out:	.skip 384 + 32 * 16
call_next:	.skip 8
	.skip 256
flags_stack_top: .skip 8

	.section .note.GNU-stack, "", @progbits
