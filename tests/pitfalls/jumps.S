/* Code with more than one way through its bytes: every label is entered by somebody. */

	.macro	begin name
	.globl	\name
	.type	\name, @function
\name:
	.cfi_startproc
	.endm

	.macro	end name
	.cfi_endproc
	.size	\name, . - \name
	.endm

	.text
	/* to the call instruction itself, past the one before it */
	begin	to_call
	test	%edi, %edi
	mov	%esi, %eax
	jnz	1f
	mov	$110, %eax
1:	syscall
	ret
	end	to_call

	/* to the last instruction before it, past others that are in its window */
	begin	to_last
	xor	%ecx, %ecx
	test	%edi, %edi
	mov	$110, %eax
	jz	1f
	nop
	mov	%esi, %eax
1:	mov	%eax, %eax
	syscall
	ret
	end	to_last

	/* to the second of three short ones, by a jump that comes later in the code */
	begin	to_second
	test	%edi, %edi
	jnz	3f
	push	$3
1:	pop	%rax
2:	mov	%esi, %edi
	syscall
	ret
3:	push	$110
	cmp	$2, %edi
	je	4f
	jmp	1b
4:	pop	%rax
	jmp	2b
	end	to_second

	/* a loop whose head is in the window */
	begin	loop_head
	mov	%rdi, %rdx
	xor	%r8d, %r8d
1:	mov	$110, %eax
	syscall
	add	%rax, %r8
	dec	%rdx
	jnz	1b
	mov	%r8, %rax
	ret
	end	loop_head

	begin	loop_call
	mov	%rdi, %rdx
	xor	%r8d, %r8d
	mov	$110, %r9d
	mov	%r9d, %eax
1:	syscall
	add	%rax, %r8
	mov	%r9d, %eax
	dec	%rdx
	jnz	1b
	mov	%r8, %rax
	ret
	end	loop_call

	/* through a table of addresses, into the window and to the call */
	begin	by_table
	lea	.Ltable(%rip), %rdx
	movslq	(%rdx, %rdi, 4), %rcx
	add	%rdx, %rcx
	mov	%esi, %eax
	jmp	*%rcx
.Lentry0:
	mov	$3, %eax
.Lentry1:
	mov	%edx, %edx
	mov	%esi, %edi
.Lentry2:
	syscall
	ret
	end	by_table
	.section .rodata
	.balign	4
.Ltable:
	.long	.Lentry0 - .Ltable, .Lentry1 - .Ltable, .Lentry2 - .Ltable
	.text

	/* through an address that only its relocation or its operand shows */
	begin	by_address
	lea	1f(%rip), %rcx
	test	%edi, %edi
	mov	%esi, %eax
	jz	2f
	jmp	*%rcx
2:	mov	$110, %eax
	mov	%eax, %edx
1:	mov	%edx, %edx
	syscall
	ret
	end	by_address

	/* the call is the target of a call, which returns to its window */
	begin	called
	mov	%edi, %eax
	call	1f
	mov	%eax, %esi
	mov	$110, %eax
1:	syscall
	ret
	end	called

	/* immediates that are code: at the offsets in the comments, `syscall; ret`, or code that runs into
	 * the call behind */
	begin	immediate		/* + 1 */
	mov	$0x90c3050f, %eax
	ret
	end	immediate

	begin	displacement		/* + 3 */
	lea	0x10c3050f(%rdi), %rax
	ret
	end	displacement

	begin	long_immediate		/* + 3, after a nop */
	movabs	$0x90909090c3050f90, %rax
	ret
	end	long_immediate

	begin	split			/* + 4 */
	mov	$0x0f000000, %ecx
	add	$0x000000c3, %eax
	ret
	end	split

	/* + 1: `xor %edi,%edi; mov %esi,%esi` run into the call */
	begin	hidden_code
	mov	$0xf689ff31, %eax
	syscall
	ret
	end	hidden_code

	/* + 1: `mov %esi,%eax; nop; nop` run into the call */
	begin	hidden_number
	mov	$0x9090f089, %eax
	syscall
	ret
	end	hidden_number

	/* + 1 is `syscall; ret`, in the instruction before another call */
	begin	overlapping
	mov	$0x90c3050f, %eax
	syscall
	ret
	end	overlapping

	/* + 6: `add $0xc3,%eax; ret` */
	begin	second_byte
	mov	$110, %eax
	syscall
	ret
	.byte	0, 0, 0, 0xc3
	end	second_byte

	.section .note.GNU-stack, "", @progbits
