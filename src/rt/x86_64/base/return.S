/*
 * The return to the program: see base/return.h.
 *
 * ctx: entry, for all here.
 */
#include "rt/x86_64/arithmetic_flags.h"
#include "rt/x86_64/cfi.h"
#include "rt/x86_64/returns.h"

#define EFLAGS_ALWAYS 0x202	/* IF, and the bit that has no name */
#define EFLAGS_TF 0x100
#define EFLAGS_RF 0x10000

	.text

/* Loads all registers of the program but %rax, %rcx, %rdx, %rdi and %rsp. in: %rdi thread. */
.macro load_registers
	mov	REGS_R8(%rdi), %r8
	mov	REGS_R9(%rdi), %r9
	mov	REGS_R10(%rdi), %r10
	mov	REGS_R11(%rdi), %r11
	mov	REGS_R12(%rdi), %r12
	mov	REGS_R13(%rdi), %r13
	mov	REGS_R14(%rdi), %r14
	mov	REGS_R15(%rdi), %r15
	mov	REGS_RSI(%rdi), %rsi
	mov	REGS_RBP(%rdi), %rbp
	mov	REGS_RBX(%rdi), %rbx
.endm

/* void rt_return(struct rt_thread *thread): goes on in the program. Loads all registers and the flags from
 * thread->regs, without use of the program's memory.
 *
 * After a `syscall`, %rcx has the address where the program goes on, so the last step can be a jump. Of the flags
 * mostly only arithmetic ones are set: sahf and an overflow restore these in a fraction of popfq's time. In all other
 * cases, as after int $0x80 or when the program single-steps itself, iretq loads the last five registers at once. So it
 * does after a call that took the guard, with RF set: as long as that is so, the program has not made its next call
 * (guard/sud.c).
 *
 * Between rt_return_begin and rt_return_end the call is over. A signal that arrives here is delivered at once, with
 * thread->regs as the program's registers. thread->signals counts those that arrived before.
 * in:  %rdi thread, %rsp its runtime stack. */
	.globl rt_return
	.type rt_return, @function
rt_return:
	.cfi_startproc
	.cfi_signal_frame
	cfi_regs_in_thread
	.cfi_remember_state
	.globl rt_return_begin
rt_return_begin:
	cmpl	$0, THREAD_SIGNALS(%rdi)
	jne	2f
	fill_unless_paired PROGRAMS_RETURNS
	mov	REGS_RCX(%rdi), %rcx
	mov	REGS_EFLAGS(%rdi), %rdx
	cmpl	$BY_SITE, THREAD_CALL + CALL_WAY(%rdi)
	jne	3f
4:	cmp	REGS_RIP(%rdi), %rcx
	jne	1f
	test	$~(EFLAGS_ARITHMETIC | EFLAGS_ALWAYS), %edx
	jnz	1f
	load_registers
	load_arithmetic_flags
	mov	REGS_RAX(%rdi), %rax
	mov	REGS_RDX(%rdi), %rdx
	mov	REGS_RSP(%rdi), %rsp
	.cfi_def_cfa %rsp, 0		/* but for %rdi all registers are in place */
	.cfi_same_value %rax
	.cfi_same_value %rdx
	.cfi_same_value %rcx
	.cfi_same_value %rbx
	.cfi_same_value %rsi
	.cfi_same_value %rbp
	.cfi_same_value %r8
	.cfi_same_value %r9
	.cfi_same_value %r10
	.cfi_same_value %r11
	.cfi_same_value %r12
	.cfi_same_value %r13
	.cfi_same_value %r14
	.cfi_same_value %r15
	.cfi_same_value DW_EFLAGS
	.cfi_register %rip, %rcx
	.cfi_escape DW_CFA_expression, 5, 3, DW_OP_breg5, REGS_RDI & 0x7f | 0x80, REGS_RDI >> 7
	mov	REGS_RDI(%rdi), %rdi
	.cfi_same_value %rdi
	jmp	*%rcx
	.cfi_restore_state
3:	/* By iretq the program would be lost to a debugger that steps here: the trap flag is gone then. */
	pushfq
	pop	%rax
	test	$EFLAGS_TF, %eax
	jnz	4b
	or	$EFLAGS_RF, %edx
1:
	movzwl	REGS_SS(%rdi), %eax
	movzwl	REGS_CS(%rdi), %esi
	push	%rax
	push	REGS_RSP(%rdi)
	push	%rdx
	push	%rsi
	push	REGS_RIP(%rdi)
	load_registers
	mov	REGS_RAX(%rdi), %rax
	mov	REGS_RDX(%rdi), %rdx
	mov	REGS_RDI(%rdi), %rdi
	iretq
	.globl rt_return_end
rt_return_end:

/* There is a deferred signal. Its frame needs the vector registers, which only the kernel can save, by raising a
 * signal. So this system call is outside the gate: the guard raises SIGSYS for it, whose handler delivers the deferred
 * signal. */
2:
	syscall
	.globl rt_selftrap_done
rt_selftrap_done:
	hlt
	.cfi_endproc
	.size rt_return, . - rt_return

/* The compiler's name for the code by which a function returns that must not use `ret` (entry/dispatch.c). */
	.globl __x86_return_thunk
	.type __x86_return_thunk, @function
__x86_return_thunk:
	.cfi_startproc
	paired
	ret
	instead_of
	pop	%rcx
	.cfi_adjust_cfa_offset -8
	.cfi_register %rip, %rcx
	jmp	*%rcx
	.cfi_endproc
	.size __x86_return_thunk, . - __x86_return_thunk

	.section .note.GNU-stack, "", @progbits
