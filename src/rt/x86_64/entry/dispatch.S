/*
 * From the guard, and from a new task's first instruction, into C code.
 *
 * ctx: entry, for all here.
 */
#include "rt/x86_64/cfi.h"

	.text

/* Where the signal entry sends a thread whose system call the guard caught. What rt_sigreturn would do is done here, in a
 * fraction of its time: SIGSYS alone comes with the signal mask unchanged, so that only the vector state, which the
 * kernel has reset for the handler, is to be put back; leaving the signal stack is no more than leaving it.
 * in:  %rax thread, whose registers are saved, %rbx ucontext.   out: the program goes on. */
	.globl rt_guard_enter
	.type rt_guard_enter, @function
rt_guard_enter:
	.cfi_startproc
	.cfi_signal_frame
	cfi_regs_in_thread
	mov	%rax, %rdi
	mov	UC_FPSTATE(%rbx), %rsi
	test	%rsi, %rsi
	jz	1f
	cmpl	$XSTATE_MAGIC, FPSTATE_MAGIC(%rsi)
	jne	2f
	mov	FPSTATE_FEATURES(%rsi), %eax
	mov	FPSTATE_FEATURES + 4(%rsi), %edx
	xrstor64 (%rsi)
1:
	mov	THREAD_STACK_TOP(%rdi), %rsp
	push	REGS_RIP(%rdi)		/* a frame of the site: see rt_fast_dispatch */
	push	REGS_RBP(%rdi)
	mov	%rsp, %rbp
	call	rt_dispatch_guarded	/* goes to rt_return */
2:
	fxrstor64 (%rsi)
	jmp	1b
	.cfi_endproc
	.size rt_guard_enter, . - rt_guard_enter

/* Where a thread or process that the program created starts, on its own runtime stack. */
	.globl rt_child_entry
	.type rt_child_entry, @function
rt_child_entry:
	.cfi_startproc
	.cfi_signal_frame
	cfi_regs_in_thread
	xor	%ebp, %ebp		/* its creator's frames are not here */
	call	rt_child_start		/* returns the thread */
	mov	%rax, %rdi
	jmp	rt_return
	.cfi_endproc
	.size rt_child_entry, . - rt_child_entry

	.section .note.GNU-stack, "", @progbits
