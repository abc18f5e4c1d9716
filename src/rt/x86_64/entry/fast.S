/*
 * The entries of the fast path, to which the stub of a patched site leads (core/patch.h). They lead to the dispatcher,
 * or straight to the kernel. The shortest, rt_fast_direct, is in the gate page, as it goes on into the gate.
 *
 * in:  %r11 the address after the site's `syscall`; all other registers are the program's, and its stack is untouched.
 *      Only %rcx and %r11 may be used, because a system call destroys them anyway.
 * out: the program goes on at that address.
 *
 * If the base of %gs is not the runtime's, because the program has set it or because the thread is to take the guard,
 * the thread goes to the site's own `syscall`: the guard needs no %gs. A signal that arrives here finds the program at
 * its `syscall`: rollback.c knows where the program's registers are, for each range between two labels.
 *
 * ctx: entry, for all here.
 */
#include "rt/x86_64/cfi.h"
#include "rt/x86_64/hook/enter_hook.h"
#include "rt/x86_64/need_gs.h"
#include "rt/x86_64/returns.h"

#define EFLAGS_INITIAL 0x202
#define EFLAGS_TF 0x100
#define EFLAGS_UNUSUAL 0x44400	/* DF, NT, AC: must be off in C code */

	.text

	.globl rt_fast_begin
rt_fast_begin:
	.globl rt_fast_to_guard
	.type rt_fast_to_guard, @function
rt_fast_to_guard:
	.cfi_startproc
	.cfi_signal_frame
	cfi_regs_in_place %r11
	lea	-2(%r11), %r11
	.globl rt_fast_guard
rt_fast_guard:
	jmp	*%r11
	.cfi_endproc
	.size rt_fast_to_guard, . - rt_fast_to_guard

/* rt_fast_number: chooses one of the other two entries by the number in %eax. The comparison changes flags, so %ax
 * keeps the program's flags meanwhile, and %r11 keeps %rax. */
	.globl rt_fast_number
	.type rt_fast_number, @function
rt_fast_number:
	.cfi_startproc
	.cfi_signal_frame
	cfi_regs_in_place %r11	/* until rt_fast_number_moved; then tools/k23-gdb.py knows */
	need_gs
	mov	%r11, %gs:GS_RETURN
	mov	%rax, %r11
	.globl rt_fast_number_moved
rt_fast_number_moved:
	lahf
	seto	%al
	mov	%r11d, %ecx
	cmp	$NUMBERS, %ecx
	.globl rt_fast_number_tested
rt_fast_number_tested:
	jae	1f
	bt	%ecx, rt_chain_indirect(%rip)
	jc	1f
	cmpl	$0, rt + IMAGE_PTRACED(%rip)
	jne	1f
	mov	%r11, %gs:GS_NUMBER
	lea	rt_gate_direct(%rip), %rcx
	jmp	2f
1:	lea	rt_fast_dispatch(%rip), %rcx
2:	add	$0x7f, %al		/* sets OF if %al is 1 */
	.globl rt_fast_number_added
rt_fast_number_added:
	sahf
	.globl rt_fast_number_flagged
rt_fast_number_flagged:
	mov	%r11, %rax
	.globl rt_fast_number_restored
rt_fast_number_restored:
	mov	%gs:GS_RETURN, %r11
	.globl rt_fast_number_end
rt_fast_number_end:
	jmp	*%rcx
	.cfi_endproc
	.size rt_fast_number, . - rt_fast_number

	.globl rt_fast_dispatch
	.type rt_fast_dispatch, @function
rt_fast_dispatch:
	.cfi_startproc
	.cfi_signal_frame
	cfi_regs_in_place %r11
	need_gs
	/* All stores go through %gs, since the result of rdgsbase takes longer to arrive. The flags first: they take
	 * long, too. */
	mov	%rsp, %gs:GS_THREAD + REGS_RSP
	mov	%rsp, %gs:GS_CALL + CALL_SP
	mov	%gs:GS_THREAD + THREAD_STACK_TOP, %rsp
	cfi_stack_in_thread
	.globl rt_fast_stacked
rt_fast_stacked:
	pushfq
	pop	%rcx
	mov	%r8, %gs:GS_THREAD + REGS_R8
	mov	%r9, %gs:GS_THREAD + REGS_R9
	mov	%r10, %gs:GS_THREAD + REGS_R10
	mov	%r12, %gs:GS_THREAD + REGS_R12
	mov	%r13, %gs:GS_THREAD + REGS_R13
	mov	%r14, %gs:GS_THREAD + REGS_R14
	mov	%r15, %gs:GS_THREAD + REGS_R15
	mov	%rdi, %gs:GS_THREAD + REGS_RDI
	mov	%rsi, %gs:GS_THREAD + REGS_RSI
	mov	%rbp, %gs:GS_THREAD + REGS_RBP
	mov	%rbx, %gs:GS_THREAD + REGS_RBX
	mov	%rdx, %gs:GS_THREAD + REGS_RDX
	mov	%rax, %gs:GS_THREAD + REGS_RAX
	mov	%r11, %gs:GS_THREAD + REGS_RIP
	mov	%r11, %gs:GS_THREAD + REGS_RCX	/* as a kernel entry leaves it */
	mov	%rdi, %gs:GS_CALL + CALL_ARGS
	mov	%rsi, %gs:GS_CALL + CALL_ARGS + 8
	mov	%rdx, %gs:GS_CALL + CALL_ARGS + 16
	mov	%r10, %gs:GS_CALL + CALL_ARGS + 24
	mov	%r8, %gs:GS_CALL + CALL_ARGS + 32
	mov	%r9, %gs:GS_CALL + CALL_ARGS + 40
	mov	%r11, %gs:GS_CALL + CALL_IP
	mov	%rcx, %gs:GS_THREAD + REGS_EFLAGS
	mov	%rcx, %gs:GS_THREAD + REGS_R11
	cfi_regs_in_thread
	.globl rt_fast_switched
rt_fast_switched:
	cltq
	mov	%rax, %gs:GS_CALL + CALL_NR
	movl	$ARCH_X86_64, %gs:GS_CALL + CALL_ARCH
	movl	$BY_SITE, %gs:GS_CALL + CALL_WAY
	/* %cs, %gs, %fs, %ss, as a kernel entry leaves them. There may be those of a call by 32-bit code, or with
	 * which a handler ended. */
	movabs	$USER_SS << 48 | USER_CS, %rdx
	mov	%rdx, %gs:GS_THREAD + REGS_CS
	test	$(EFLAGS_UNUSUAL | EFLAGS_TF), %ecx
	jnz	5f
4:	/* A frame of the site, for profilers that walk the stack by frame pointers. */
	push	%r11
	push	%rbp
	mov	%rsp, %rbp
	/* What rt_dispatch does, for calls that go to a hook first. */
	testb	$PTRACED_SLOWLY, rt + IMAGE_PTRACED(%rip)
	jnz	6f
	cmp	$NUMBERS, %rax
	jae	6f
	lea	rt_chains(%rip), %rcx
	mov	CHAIN_WHO(%rcx, %rax, 8), %edi
	movslq	CHAIN_FIRST(%rcx, %rax, 8), %rdx
	add	%rcx, %rdx
	tzcnt	%edi, %ecx
	test	%edi, %edi
	jle	6f			/* no hook, or a special call */
	add	$1, %ecx
	mov	%ecx, %gs:GS_CALL + CALL_NEXT
	lea	FRAME_TO_THREAD + THREAD_CALL(%rsp), %rdi
	.globl rt_fast_end
rt_fast_end:
	movl	$1, %gs:GS_THREAD + THREAD_IN_CALL
	enter_hook call, %rdx
	lea	FRAME_TO_THREAD(%rsp), %rdi
	cmpl	$0, THREAD_SIGNALS(%rdi)	/* the call has not been made, or a filter has trapped it */
	jne	7f
	testb	$PTRACED_SLOWLY, rt + IMAGE_PTRACED(%rip)
	jnz	7f
	movl	$0, THREAD_IN_CALL(%rdi)
	mov	%rax, REGS_RAX(%rdi)
8:	jmp	rt_return

	/* If the trap flag is set, a debugger that steps here has set it: a program that single-steps itself does not
	 * come this far (rollback.c). So it must not become the program's. It is not cleared by popfq, after which the
	 * kernel would take the flag for the program's. */
5:	andl	$~EFLAGS_TF, %gs:GS_THREAD + REGS_EFLAGS
	andl	$~EFLAGS_TF, %gs:GS_THREAD + REGS_R11
	test	$EFLAGS_UNUSUAL, %ecx
	jz	4b
	push	$EFLAGS_INITIAL
	popfq
	jmp	4b
6:	lea	FRAME_TO_THREAD(%rsp), %rdi
	call	rt_dispatch
	lea	FRAME_TO_THREAD(%rsp), %rdi
	jmp	8b
7:	mov	%rax, %rsi
	call	rt_leave
	lea	FRAME_TO_THREAD(%rsp), %rdi
	jmp	8b
	.cfi_endproc
	.size rt_fast_dispatch, . - rt_fast_dispatch

	.section .text.gate.direct, "ax", @progbits

/* rt_fast_direct: for a stub whose window says which call it is, if no hook wants that call and it is no special call.
 * in:  %r11 the address after the site's `syscall`, all other registers the program's.   out: the program goes on.
 *
 * The code after the `syscall` begins a cache line, which saves 1 % of a call's time. */
	.balign 64
	.skip 11, 0x90			/* rt.lds checks that this is right */
	.globl rt_fast_direct
	.type rt_fast_direct, @function
rt_fast_direct:
	.cfi_startproc
	.cfi_signal_frame
	cfi_regs_in_place %r11
	need_gs
	mov	rt + IMAGE_PTRACED(%rip), %ecx
	jrcxz	2f
	jmp	rt_fast_dispatch
2:	mov	%eax, %gs:GS_NUMBER
	mov	%r11, %gs:GS_RETURN	/* and on into rt_gate_direct */
	.cfi_endproc
	.size rt_fast_direct, . - rt_fast_direct
	.globl rt_fast_direct_end
rt_fast_direct_end:

/* rt_gate_direct: makes a call of the program with all registers in place. thread->fast_return says where the site is,
 * for a signal (rollback.c).
 *
 * The program's next `ret` mostly comes right after the call, so addresses are put on the processor's stack of returns,
 * as by fill_returns. The calls for that are made on the runtime stack, since the program's stack may have a red zone.
 * Where returns are paired, the stack stays the program's, and nothing is done until the next cache line.
 * in:  the program's registers.   out: the program goes on. */
	.globl rt_gate_direct
	.type rt_gate_direct, @function
rt_gate_direct:
	syscall
	.globl rt_gate_direct_done
rt_gate_direct_done:
	mov	%rsp, %rcx
	paired
	nop9
	instead_of
	mov	%gs:GS_STACK_TOP, %rsp
	.globl rt_gate_direct_switched
rt_gate_direct_switched:
	.rept	PROGRAMS_RETURNS
	paired
	nop6
	instead_of
	call	4f
	int3				/* only ever speculated */
4:
	.endr
	mov	%rcx, %rsp
	.globl rt_gate_direct_back
rt_gate_direct_back:
	mov	%gs:GS_RETURN, %rcx
	.globl rt_gate_direct_leaves
rt_gate_direct_leaves:
	jmp	*%rcx
	.globl rt_gate_direct_end
rt_gate_direct_end:
	.size rt_gate_direct, . - rt_gate_direct

	.section .note.GNU-stack, "", @progbits
