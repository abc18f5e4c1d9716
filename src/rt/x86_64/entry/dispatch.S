/*
 * Entering C code from the guard, and at the first instruction of a new task.
 *
 * ctx: entry, for all here.
 */
#include "rt/x86_64/cfi.h"

	.text

/* rt_guard_enter: leaves the handler of a SIGSYS by which the guard caught a call, and enters the dispatcher. It does
 * the work of rt_sigreturn in less time. The handler has put the mask back, so only the vector state is left, which the
 * kernel has reset for the handler. The signal stack is left by loading %rsp.
 * in:  %rax thread, whose registers are saved, %rbx ucontext.   out: the program goes on.
 *
 * rt_guard_entered: where rt_sigreturn goes on instead.   in: %rdi thread. */
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
	je	2f
	fxrstor64 (%rsi)
	jmp	1f
2:
	mov	FPSTATE_FEATURES(%rsi), %eax
	mov	FPSTATE_FEATURES + 4(%rsi), %edx
	xrstor64 (%rsi)
	.globl rt_guard_entered
rt_guard_entered:
1:
	mov	THREAD_STACK_TOP(%rdi), %rsp
	push	REGS_RIP(%rdi)		/* a frame of the site, as in rt_fast_dispatch */
	push	REGS_RBP(%rdi)
	mov	%rsp, %rbp
	call	rt_dispatch_guarded
	lea	FRAME_TO_THREAD(%rsp), %rdi
	jmp	rt_return
	.cfi_endproc
	.size rt_guard_enter, . - rt_guard_enter

/* rt_child_entry: the first instruction of a task that the program created, on the task's own runtime stack. */
	.globl rt_child_entry
	.type rt_child_entry, @function
rt_child_entry:
	.cfi_startproc
	.cfi_signal_frame
	cfi_regs_in_thread
	xor	%ebp, %ebp		/* ends the chain of frames: the creator's are not on this stack */
	call	rt_child_start		/* returns the thread */
	mov	%rax, %rdi
	jmp	rt_return
	.cfi_endproc
	.size rt_child_entry, . - rt_child_entry

	.section .note.GNU-stack, "", @progbits
