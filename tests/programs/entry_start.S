/* Store every register as the kernel left it at the entry point, before anything can change one. */

	.bss
	.balign 64
	.globl entry_gprs, entry_fxsave
entry_gprs:	.skip 18 * 8
entry_fxsave:	.skip 512

	.text
	.globl _start
	.type _start, @function
/* in: the state after execve.   out: never returns; calls entry_main(stack pointer). */
_start:
	mov	%rax, entry_gprs + 0 * 8(%rip)
	mov	%rbx, entry_gprs + 1 * 8(%rip)
	mov	%rcx, entry_gprs + 2 * 8(%rip)
	mov	%rdx, entry_gprs + 3 * 8(%rip)
	mov	%rsi, entry_gprs + 4 * 8(%rip)
	mov	%rdi, entry_gprs + 5 * 8(%rip)
	mov	%rbp, entry_gprs + 6 * 8(%rip)
	mov	%r8, entry_gprs + 7 * 8(%rip)
	mov	%r9, entry_gprs + 8 * 8(%rip)
	mov	%r10, entry_gprs + 9 * 8(%rip)
	mov	%r11, entry_gprs + 10 * 8(%rip)
	mov	%r12, entry_gprs + 11 * 8(%rip)
	mov	%r13, entry_gprs + 12 * 8(%rip)
	mov	%r14, entry_gprs + 13 * 8(%rip)
	mov	%r15, entry_gprs + 14 * 8(%rip)
	mov	%rsp, %rdi
	pushfq
	popq	entry_gprs + 15 * 8(%rip)
	mov	%ds, entry_gprs + 16 * 8(%rip)
	mov	%es, entry_gprs + 16 * 8 + 2(%rip)
	mov	%fs, entry_gprs + 16 * 8 + 4(%rip)
	mov	%gs, entry_gprs + 16 * 8 + 6(%rip)
	mov	%cs, entry_gprs + 17 * 8(%rip)
	mov	%ss, entry_gprs + 17 * 8 + 2(%rip)
	fxsave64 entry_fxsave(%rip)
	call	entry_main
	hlt
	.size _start, . - _start
	.section .note.GNU-stack, "", @progbits
