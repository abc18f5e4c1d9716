/*
 * The entry of all signals into the runtime, and the way out of their handler.
 *
 * ctx: sigsys, for all here.
 */
#include "rt/x86_64/cfi.h"
#include "rt/x86_64/kept_flags.h"

#define EFLAGS_AC 0x40000

	.section .text.gate.signal, "ax", @progbits

/* rt_signal_entry: the handler of every signal, on the thread's signal stack. For SIGSYS the kernel blocks SIGSYS
 * alone; for any other signal it blocks all.
 * in:  %rsp the kernel's signal frame, %rdi signal, %rsi siginfo, %rdx ucontext: what rt_signal takes.
 * out: does not return; rt_sigreturn loads what rt_signal made of the ucontext. For a call that the guard caught,
 *      rt_guard_enter takes the place of rt_sigreturn. */
	.globl rt_signal_entry
	.type rt_signal_entry, @function
rt_signal_entry:
	.cfi_startproc
	.cfi_signal_frame
	cfi_regs_in_context 8		/* behind pretcode */
	testl	$(EFLAGS_AC | EFLAGS_NT), UC_EFLAGS(%rdx)
	jnz	1f			/* the kernel leaves these on; C code and iretq need them off */
0:
	mov	%rdx, %rbx
	call	rt_signal		/* returns a thread that is to enter the dispatcher, or NULL */
	test	%rax, %rax
	jnz	rt_guard_enter
	mov	UC_EFLAGS(%rbx), %eax
	load_kept_flags %eax, %rax
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
