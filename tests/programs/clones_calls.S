/* Raw clone with a stack of the child's own. */
#include <sys/syscall.h>

	.text
	.globl raw_clone, raw_clone3
	.type raw_clone, @function
/* long raw_clone(unsigned long flags, void *stack, int *ptid, int *ctid, unsigned long tls,
 *                int (*fn)(void *), void *arg)
 * The child calls fn(arg) on its stack and exits with its result. */
raw_clone:
	push	%rbx
	mov	%r9, %rbx
	mov	16(%rsp), %rax
	/* both travel on the child's stack */
	sub	$16, %rsi
	mov	%rbx, (%rsi)
	mov	%rax, 8(%rsi)
	mov	%rcx, %r10
	mov	$SYS_clone, %eax
	syscall
	test	%rax, %rax
	jz	child_start
	pop	%rbx
	ret
	.size raw_clone, . - raw_clone

/* in: %rsp -> function, argument. */
	.type child_start, @function
child_start:
	xor	%ebp, %ebp
	pop	%rax
	pop	%rdi
	call	*%rax
	mov	%eax, %edi
	mov	$SYS_exit, %eax
	syscall
	hlt
	.size child_start, . - child_start

	.type raw_clone3, @function
/* long raw_clone3(struct clone_args *args, size_t size, int (*fn)(void *), void *arg)
 * args->stack + args->stack_size must be the end of a stack when the child gets its own. */
raw_clone3:
	mov	%rdx, %r8
	mov	%rcx, %r9
	mov	$SYS_clone3, %eax
	syscall
	test	%rax, %rax
	jz	1f
	ret
1:	and	$-16, %rsp
	push	%r9
	push	%r8
	jmp	child_start
	.size raw_clone3, . - raw_clone3

	.section .note.GNU-stack, "", @progbits
