/*
 * int own_stack_call(void *top, int (*function)(int, char **), int argc, char **argv): calls function(argc, argv) on
 * the stack that ends at `top`, which is aligned.
 */
	.text

	.globl own_stack_call
	.type own_stack_call, @function
own_stack_call:
	.cfi_startproc
	push	%rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbx, 0
	mov	%rsp, %rbx
	.cfi_def_cfa_register %rbx
	mov	%rdi, %rsp
	mov	%rsi, %rax
	mov	%edx, %edi
	mov	%rcx, %rsi
	call	*%rax
	mov	%rbx, %rsp
	.cfi_def_cfa_register %rsp
	pop	%rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbx
	ret
	.cfi_endproc
	.size own_stack_call, . - own_stack_call

	.section .note.GNU-stack, "", @progbits
