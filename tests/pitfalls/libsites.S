/* A library of call sites: in the forms that C libraries have, and at the edges of pages.
 * Each function makes one call; site_any(nr, a, b, c) any.
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
	/* (function, a, b): function(a, b), called with an %rbp that is no address */
	begin	without_frame
	push	%rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbp, 0
	mov	%rdi, %rax
	mov	%rsi, %rdi
	mov	%rdx, %rsi
	mov	$1, %ebp
	call	*%rax
	pop	%rbp
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbp
	ret
	end	without_frame

	begin	site_getppid
	mov	$110, %eax
	syscall
	ret
	end	site_getppid

	begin	site_close
	mov	$3, %eax
	syscall
	ret
	end	site_close

	begin	site_beyond
	mov	$500, %eax
	syscall
	ret
	end	site_beyond

	/* fewer than five bytes before the instruction */
	begin	site_short
	push	$102
	pop	%rax
	syscall
	ret
	end	site_short

	begin	site_any
	mov	%rdi, %rax
	mov	%rsi, %rdi
	mov	%rdx, %rsi
	mov	%rcx, %rdx
	syscall
	ret
	end	site_any

	/* the number is set in one page, the call made from the next */
	.balign	4096
	.skip	4096 - 5
	begin	site_next_page
	mov	$110, %eax
	.globl	site_first_in_page
site_first_in_page:
	syscall
	ret
	end	site_next_page

	/* the instruction before straddles the pages */
	.balign	4096
	.skip	4096 - 3
	begin	site_window_straddles
	mov	$110, %eax
	syscall
	ret
	end	site_window_straddles

	/* the instruction itself straddles them */
	.balign	4096
	.skip	4096 - 6
	begin	site_straddles
	mov	$110, %eax
	syscall
	ret
	end	site_straddles

	/* as many bytes as a whole page, so that one can be mapped alone */
	.balign	4096
	.skip	64
	begin	site_alone
	mov	$110, %eax
	syscall
	ret
	end	site_alone
	.balign	4096

	.section .note.GNU-stack, "", @progbits
