/*
 * Creating the helper of an execve. This is assembly because the helper shares the caller's memory, and must not run on
 * the caller's stack.
 *
 * ctx: entry, for all here.
 */
	.cfi_sections .debug_frame
	.text

/* long inj_clone(unsigned long flags, uint64_t stack_top, struct inj_exec *exec): creates the helper.
 * in:  %rdi flags, %rsi stack, %rdx the argument of inj_helper.   out: %rax the helper's pid or -errno.
 * raw_syscall makes the system call, and returns in the helper, too: there to the address that is put on the stack. */
	.globl inj_clone
	.type inj_clone, @function
inj_clone:
	.cfi_startproc
	and	$-16, %rsi
	lea	1f(%rip), %rax
	mov	%rdx, -8(%rsi)
	mov	%rax, -16(%rsi)
	lea	-16(%rsi), %rdx		/* stack */
	mov	%rdi, %rsi		/* flags */
	mov	$56, %edi		/* clone */
	xor	%ecx, %ecx
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	push	$0
	.cfi_adjust_cfa_offset 8
	call	raw_syscall
	add	$8, %rsp
	.cfi_adjust_cfa_offset -8
	ret
	.cfi_endproc
1:
	xor	%ebp, %ebp
	pop	%rdi
	call	inj_helper
	hlt
	.size inj_clone, . - inj_clone

	.section .note.GNU-stack, "", @progbits
