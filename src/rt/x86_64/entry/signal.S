/*
 * Signals enter here, and leave.
 *
 * ctx: sigsys, for all here.
 */
#include "rt/x86_64/cfi.h"

#define EFLAGS_INITIAL 0x202	/* interrupts on, and the bit that is always set */
#define EFLAGS_NT 0x4000
#define EFLAGS_AC 0x40000

	.section .text.gate.signal, "ax", @progbits

/* Every signal enters here, on the thread's signal stack; all but SIGSYS with all signals blocked.
 * in:  %rsp the kernel's signal frame, %rdi signal, %rsi siginfo, %rdx ucontext: what rt_signal takes.
 * out: does not return; rt_sigreturn goes to whatever rt_signal made of the ucontext. A call that the guard caught
 *      goes to the dispatcher without it: see rt_guard_enter. */
	.globl rt_signal_entry
	.type rt_signal_entry, @function
rt_signal_entry:
	.cfi_startproc
	.cfi_signal_frame
	cfi_regs_in_context 8		/* behind pretcode */
	testl	$(EFLAGS_AC | EFLAGS_NT), UC_EFLAGS(%rdx)
	jnz	1f			/* the kernel leaves them on; C code and iretq want them off */
0:
	mov	%rdx, %rbx
	call	rt_signal		/* returns a thread that is to enter the dispatcher, or NULL */
	test	%rax, %rax
	jnz	rt_guard_enter
	add	$8, %rsp		/* pretcode: rt_sigreturn wants %rsp just above it */
	.cfi_remember_state
	cfi_regs_in_context 0
	.globl rt_restorer
rt_restorer:
	mov	$NR_RT_SIGRETURN, %eax
	syscall
	hlt
	.cfi_restore_state
1:
	push	$EFLAGS_INITIAL
	popfq
	jmp	0b
	.cfi_endproc
	.size rt_signal_entry, . - rt_signal_entry

	.section .note.GNU-stack, "", @progbits
