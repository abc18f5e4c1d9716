/*
 * raw_syscall for src/inject/ in the command line tool: in the runtime it is the gate.
 */
	.text

/* long raw_syscall(long nr, a1 ... a6), in C's calling convention. keeps: what a C function keeps. */
	.globl raw_syscall
	.type raw_syscall, @function
raw_syscall:
	.cfi_startproc
	mov	%rdi, %rax
	mov	%rsi, %rdi
	mov	%rdx, %rsi
	mov	%rcx, %rdx
	mov	%r8, %r10
	mov	%r9, %r8
	mov	8(%rsp), %r9
	syscall
	ret
	.cfi_endproc
	.size raw_syscall, . - raw_syscall

	.section .note.GNU-stack, "", @progbits
