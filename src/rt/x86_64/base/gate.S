/*
 * The program's calls that C code makes, in the second half of the gate.
 *
 * ctx: entry, for all here.
 */
#include "rt/x86_64/base/load_call.h"
#include "rt/x86_64/base/own_context.h"
#include "rt/x86_64/cfi.h"
#include "rt/x86_64/returns.h"

	.section .text.gate.program, "ax", @progbits

/* long rt_gate_program(const struct k23_call *call, struct rt_thread *thread): makes a call of the program.
 *
 * A signal may arrive between rt_gate_begin and the syscall instruction, or make the kernel go back to that
 * instruction. It must not be forgotten while the call blocks, and no handler of the program may run here. So the
 * runtime's handler defers the signal and moves the thread to rt_gate_abort. At rt_gate_done the call has been made.
 *
 * in:  %rdi call, %rsi thread.   out: %rax result, or -ERESTART when the call was not made.
 * keeps: what a C function keeps. %rsp points at the return address throughout: a task that the call creates goes on at
 *        rt_gate_done too, and from there to the address on top of its own stack. */
	.globl rt_gate_program
	.type rt_gate_program, @function
rt_gate_program:
	.cfi_startproc
	cmpq	$0, THREAD_FILTERS(%rsi)
	jne	rt_gate_judged
	.globl rt_gate_begin
rt_gate_begin:
	cmpl	$0, THREAD_SIGNALS(%rsi)
	jne	rt_gate_abort
	load_call
	syscall
	.globl rt_gate_done
rt_gate_done:
	paired
	nop5				/* for the call frame information the same as the beginning of the others */
	nop9
	ret				/* in the next cache line: rt.lds checks that */
	instead_of
	fill_returns 1			/* for the next `ret`, which is mostly the hook's */
	pop	%rcx
	.cfi_adjust_cfa_offset -8
	.cfi_register %rip, %rcx
	jmp	*%rcx
	.cfi_restore %rip
	.cfi_adjust_cfa_offset 8
	int3
	int3
	.globl rt_gate_abort
rt_gate_abort:
	mov	$-ERESTART, %rax
	ret
	.cfi_endproc
	.size rt_gate_program, . - rt_gate_program

/* rt_gate_judged: as rt_gate_program, for a thread with filters that judge by the address of the call: the call is made
 * at one of the gates below (base/filters.h). Between rt_gate_judged_begin and rt_gate_verdicts_end it has not been
 * made, but for the address behind each `syscall`, which the runtime's handler takes for rt_gate_done. */
	.globl rt_gate_judged
	.type rt_gate_judged, @function
rt_gate_judged:
	.cfi_startproc
	push	%rdi
	.cfi_adjust_cfa_offset 8
	push	%rsi
	.cfi_adjust_cfa_offset 8
	sub	$8, %rsp
	.cfi_adjust_cfa_offset 8
	call	rt_filters_gate
	lea	rt_gate_verdicts(%rip), %r11
	lea	(%r11, %rax, VERDICT_GATE), %r11
	add	$8, %rsp
	.cfi_adjust_cfa_offset -8
	pop	%rsi
	.cfi_adjust_cfa_offset -8
	pop	%rdi
	.cfi_adjust_cfa_offset -8
	.globl rt_gate_judged_begin
rt_gate_judged_begin:
	cmpl	$0, THREAD_SIGNALS(%rsi)
	jne	rt_gate_abort
	load_call
	jmp	*%r11
	.globl rt_gate_verdicts
rt_gate_verdicts:
	.rept VERDICTS + 1		/* of VERDICT_GATE bytes each */
	syscall
	.byte	0xe9			/* jmp rt_gate_done, never the short form */
	.long	rt_gate_done - . - 4
	nop
	.endr
	.globl rt_gate_verdicts_end
rt_gate_verdicts_end:
	.if	rt_gate_verdicts_end - rt_gate_verdicts - (VERDICTS + 1) * VERDICT_GATE
	.error	"a gate has another size"
	.endif
	.cfi_endproc
	.size rt_gate_judged, . - rt_gate_judged

/* rt_gate_i386: as rt_gate_program, for a call that the program made by int $0x80. Its arguments have 32 bits each. */
	.globl rt_gate_i386
	.type rt_gate_i386, @function
rt_gate_i386:
	.cfi_startproc
	push	%rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbx, 0
	push	%rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbp, 0
	.globl rt_gate_i386_begin
rt_gate_i386_begin:
	cmpl	$0, THREAD_SIGNALS(%rsi)
	jne	rt_gate_i386_abort
	mov	CALL_NR(%rdi), %rax
	mov	CALL_ARGS(%rdi), %rbx
	mov	CALL_ARGS + 8(%rdi), %rcx
	mov	CALL_ARGS + 16(%rdi), %rdx
	mov	CALL_ARGS + 24(%rdi), %rsi
	mov	CALL_ARGS + 40(%rdi), %rbp
	mov	CALL_ARGS + 32(%rdi), %rdi
	int	$0x80
	.globl rt_gate_i386_done
rt_gate_i386_done:
	.cfi_remember_state
	pop	%rbp
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbp
	pop	%rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbx
	ret
	.cfi_restore_state
	.globl rt_gate_i386_abort
rt_gate_i386_abort:
	mov	$-ERESTART, %rax
	jmp	rt_gate_i386_done
	.cfi_endproc
	.size rt_gate_i386, . - rt_gate_i386

/* long rt_gate_sigreturn(const struct k23_call *call, struct ucontext *frame): see base/gate.h. The frame is the
 * stack during the call. No signal finds it in the way, since those come on a stack of their own. in: %rdi call,
 * %rsi frame. out: %rax result. keeps: what a C function keeps; the vector state only if the call is not made. */
	.globl rt_gate_sigreturn
	.type rt_gate_sigreturn, @function
rt_gate_sigreturn:
	.cfi_startproc
	enter_own_context %rsi
	load_call
	syscall
	.globl rt_gate_sigreturn_done
rt_gate_sigreturn_done:
	mov	UC_REGS + REGS_RSP(%rsp), %rsp
	.cfi_restore_state
	nop				/* what is called here would return behind it */
	.globl rt_gate_sigreturn_made
rt_gate_sigreturn_made:
	ret
	.cfi_endproc
	.size rt_gate_sigreturn, . - rt_gate_sigreturn

	.section .note.GNU-stack, "", @progbits
