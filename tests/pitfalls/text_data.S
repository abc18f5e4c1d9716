/* Data in .text that looks like calls, and code with such bytes in its immediates and displacements.
 * Built into a program and into a library.
 */

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
	/* constants alone: the instructions themselves, and with the instruction that comes before them */
	.balign	16
	.globl	data_constants, data_constants_end
data_constants:
	.byte	0x0f, 0x05, 0x0f, 0x34, 0xcd, 0x80
	.byte	0xb8, 0x6e, 0, 0, 0, 0x0f, 0x05, 0xc3
	.byte	0xb8, 0x27, 0, 0, 0, 0xcd, 0x80, 0xc3
	.byte	0x48, 0xc7, 0xc0, 0x6e, 0, 0, 0, 0x0f, 0x05, 0x48, 0x3d, 0x01, 0xf0, 0xff, 0xff
	.quad	0x050f050f050f050f, 0x0f050f050f050f05, 0x340f340f340f340f
	.ascii	"\x0f\x05 is no call \x0f\x05"
data_constants_end:

	/* the same in the middle of a function, jumped over: it sums them */
	.balign	16
	begin	data_in_function
	xor	%eax, %eax
	xor	%ecx, %ecx
	lea	.Linside(%rip), %rdx
	jmp	2f
	.globl	data_inside, data_inside_end
.Linside:
data_inside:
	.byte	0xb8, 0x6e, 0, 0, 0, 0x0f, 0x05
	.byte	0xb8, 0x6e, 0, 0, 0, 0x0f, 0x05, 0xc3
	.byte	0x31, 0xc0, 0xb8, 0x3c, 0, 0, 0, 0x0f, 0x05
.Linside_end:
data_inside_end:
2:
	movzbl	(%rdx, %rcx), %esi
	imul	$31, %rax, %rax
	add	%rsi, %rax
	inc	%rcx
	cmp	$(.Linside_end - .Linside), %rcx
	jb	2b
	ret
	end	data_in_function

	/* a jump table whose entries have the bytes: 0x050f and 0x50f00 from the table */
	.balign	16
	begin	jump_table
	lea	.Ltable(%rip), %rdx
	movslq	(%rdx, %rdi, 4), %rax
	add	%rdx, %rax
	jmp	*%rax
	.balign	4
	.globl	data_table, data_table_end
.Ltable:
data_table:
	.long	.Lcase0 - .Ltable, .Lcase1 - .Ltable, .Lcase2 - .Ltable, .Lcase3 - .Ltable
data_table_end:
.Lcase2:
	mov	$222, %eax
	ret
	.org	.Ltable + 0x50f, 0xcc
.Lcase0:
	mov	$200, %eax
	ret
	.org	.Ltable + 0x340f, 0xcc
.Lcase3:
	mov	$233, %eax
	ret
	.org	.Ltable + 0x50f00, 0xcc
.Lcase1:
	mov	$211, %eax
	ret
	end	jump_table

	/* immediates: syscall, sysenter and int $0x80 as values; each function returns a sum of them */
	begin	code_immediates
	mov	$0x050f, %eax
	add	$0x050f050f, %eax
	xor	$0x0f050000, %eax
	sub	$0x340f, %eax
	add	$0x80cd, %eax
	movabs	$0x050f340f80cd050f, %rdx
	add	%rdx, %rax
	cmp	$0x050f, %ax
	je	1f
	push	$0x0005050f
	pop	%rdx
	xor	%rdx, %rax
	movw	$0x050f, -8(%rsp)
	movzwl	-8(%rsp), %edx
	add	%rdx, %rax
1:	ret
	end	code_immediates

	/* displacements: of memory, of lea, of a conditional jump over 0x50f bytes, and relative to rip */
	begin	code_displacements
	lea	0x050f(%rdi), %rax
	lea	0x050f0000(%rax, %rdi, 2), %rax
	lea	(%rdi), %rdx
	sub	$0x050f, %rdx
	add	0x050f(%rdx), %rax
	cmp	$0, %rdi
	jmp	code_far
	.skip	0x50f, 0xcc
code_far:
	ret
	end	code_displacements

	/* the bytes are the end of one instruction and the start of the next */
	begin	code_split
	mov	$0x0f000000, %eax
	add	$0x000000c3, %eax
	mov	$0x0f, %cl
	add	$0x0500, %eax
	ret
	end	code_split

	/* a call whose number is loaded by an instruction with the bytes in it */
	begin	code_number
	mov	$0x050f, %eax
	syscall
	ret
	end	code_number

	/* and one with them right behind it */
	begin	code_behind
	mov	$110, %eax
	syscall
	xor	$0x050f050f, %eax
	xor	$0x050f050f, %eax
	ret
	end	code_behind

	.section .note.GNU-stack, "", @progbits
