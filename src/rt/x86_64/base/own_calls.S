/*
 * The runtime's own calls that C code makes, in the first half of the gate.
 *
 * ctx: any, for all here.
 */
#include "inject/x86_64/raw_syscall.h"
#include "rt/x86_64/base/load_call.h"
#include "rt/x86_64/base/own_context.h"
#include "rt/x86_64/cfi.h"
#include "rt/x86_64/returns.h"
#include "rt/x86_64/kept_flags.h"

	.section .text.gate.calls, "ax", @progbits

/* long raw_syscall(long nr, a1 ... a6): makes a call of the runtime's own.
 * in:  %rdi nr, %rsi %rdx %rcx %r8 %r9 8(%rsp) arguments.   out: %rax result.
 * keeps: what a C function keeps. */
	.globl raw_syscall
	.type raw_syscall, @function
raw_syscall:
	.cfi_startproc
	raw_system_call
	paired
	ret
	instead_of
	fill_returns 8			/* for the `ret` instructions of the callers */
	pop	%rcx
	.cfi_adjust_cfa_offset -8
	.cfi_register %rip, %rcx
	jmp	*%rcx
	.cfi_endproc
	.size raw_syscall, . - raw_syscall

/* long rt_clone_own(uint64_t flags, uint64_t stack, void (*begin)(void)): clone(2). The child calls begin() on the
 * stack, which is aligned.
 * in:  %rdi flags, %rsi stack, %rdx begin.   out: %rax result, in the parent.   keeps: what a C function keeps. */
	.globl rt_clone_own
	.type rt_clone_own, @function
rt_clone_own:
	.cfi_startproc
	mov	%rdx, %r9
	xor	%edx, %edx
	xor	%r10d, %r10d
	xor	%r8d, %r8d
	mov	$56, %eax		/* clone */
	syscall
	test	%eax, %eax
	jz	1f
	ret
1:	.cfi_undefined %rip
	xor	%ebp, %ebp
	call	*%r9
	.cfi_endproc
	.size rt_clone_own, . - rt_clone_own

/* long rt_gate_wait(const struct k23_call *call, struct rt_thread *thread): a call of a hook's own, which a signal for
 * the program ends. As at rt_gate_program, a signal that comes before the call, or makes the kernel go back to it,
 * moves the thread to rt_gate_wait_abort.
 * in:  %rdi call, %rsi thread.   out: %rax result, or -ERESTART when the call was not made.
 * keeps: what a C function keeps. */
	.globl rt_gate_wait
	.type rt_gate_wait, @function
rt_gate_wait:
	.cfi_startproc
	.globl rt_gate_wait_begin
rt_gate_wait_begin:
	cmpl	$0, THREAD_SIGNALS(%rsi)
	jne	rt_gate_wait_abort
	load_call
	syscall
	.globl rt_gate_wait_done
rt_gate_wait_done:
	paired
	ret
	instead_of
	fill_returns 8
	pop	%rcx
	.cfi_adjust_cfa_offset -8
	.cfi_register %rip, %rcx
	jmp	*%rcx
	.cfi_restore %rip
	.cfi_adjust_cfa_offset 8
	.globl rt_gate_wait_abort
rt_gate_wait_abort:
	mov	$-ERESTART, %rax
	ret
	.cfi_endproc
	.size rt_gate_wait, . - rt_gate_wait

/* void rt_sigreturn_to(uint64_t frame, uint64_t eflags): makes the call rt_sigreturn.
 * in:  %rdi the ucontext of a signal frame, which rt_sigreturn expects at %rsp; %rsi the program's flags, of which
 *      rt_sigreturn leaves some as they are.   out: does not return. */
	.globl rt_sigreturn_to
	.type rt_sigreturn_to, @function
rt_sigreturn_to:
	.cfi_startproc
	load_kept_flags %esi, %rsi
	mov	%rdi, %rsp
	.cfi_signal_frame
	cfi_regs_in_context 0
	mov	$NR_RT_SIGRETURN, %eax
	syscall
	.globl rt_gate_sigreturn_ip
rt_gate_sigreturn_ip:
	hlt
	.cfi_endproc
	.size rt_sigreturn_to, . - rt_sigreturn_to

/* void rt_sigreturn_here(struct ucontext *frame): makes the call rt_sigreturn, which goes on behind this one.
 * in:  %rdi frame, which says all but the registers that a C function keeps.
 * keeps: those, but not the vector state. */
	.globl rt_sigreturn_here
	.type rt_sigreturn_here, @function
rt_sigreturn_here:
	.cfi_startproc
	lea	1f(%rip), %rax
	mov	%rax, UC_REGS + REGS_RIP(%rdi)
	enter_own_context %rdi
	mov	$NR_RT_SIGRETURN, %eax
	syscall
	hlt
	.cfi_restore_state
1:	ret
	.cfi_endproc
	.size rt_sigreturn_here, . - rt_sigreturn_here

/* struct rt_stopped rt_gate_stop(long kind): a system call that does not exist, for a tracer to see a stop at
 * (tracer/ptraced.h), where it may set the registers of the result.
 * in:  %rdi kind.   out: %rax result, %rdx skipped.   keeps: what a C function keeps. */
	.globl rt_gate_stop
	.type rt_gate_stop, @function
rt_gate_stop:
	.cfi_startproc
	xor	%edx, %edx
	mov	$-1, %rax
	syscall
	.globl rt_gate_stop_ip
rt_gate_stop_ip:
	ret
	.cfi_endproc
	.size rt_gate_stop, . - rt_gate_stop

/* void rt_thread_end(uint32_t *slot_state, long nr, long status): ends the thread, or its process, and frees its
 * region. After the store the region may be another thread's. So no stack is used from then on, and all signals are
 * blocked.
 * in:  %rdi state of the region's slot, %rsi number of the call, %rdx exit status.   out: does not return. */
	.globl rt_thread_end
	.type rt_thread_end, @function
rt_thread_end:
	.cfi_startproc
	.cfi_undefined %rip
	mov	%rdi, %rcx
	mov	%rsi, %rax
	mov	%rdx, %rdi
	movl	$0, (%rcx)
	syscall
	hlt
	.cfi_endproc
	.size rt_thread_end, . - rt_thread_end

	.section .note.GNU-stack, "", @progbits
