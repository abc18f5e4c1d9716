/*
 * The first part of both definitions of raw_syscall (abi/syscall.h): that of the gate, and that of the command line
 * tool. It must leave %rsp as it is, because the helper that inj_clone creates goes on behind it, on a stack of its
 * own.
 */

/* in:  %rdi nr, %rsi %rdx %rcx %r8 %r9 8(%rsp) arguments.   out: %rax result.
 * keeps: what a C function keeps. */
.macro raw_system_call
	mov	%rdi, %rax
	mov	%rsi, %rdi
	mov	%rdx, %rsi
	mov	%rcx, %rdx
	mov	%r8, %r10
	mov	%r9, %r8
	mov	8(%rsp), %r9
	syscall
.endm
