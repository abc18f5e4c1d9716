/*
 * The fast path: from a patched site's stub (core/patch.h) to the dispatcher, or straight to the kernel. Its shortest way,
 * rt_fast_direct, is in the gate page (gate.S), where it ends.
 *
 * in:  %r11 the address after the site's `syscall`, all other registers the program's, its stack untouched. %rcx and
 *      %r11 are those that a system call destroys.
 * out: the program goes on there, as after rt_return or after the kernel.
 *
 * If %gs is not ours (the program has set it, or the thread's calls are to take the guard) the site's own `syscall`
 * is executed: the guard needs no %gs. A signal that arrives in here finds the program at its `syscall`: rollback.c
 * knows, for each range between two labels, where the program's registers are.
 */
#include "cfi.h"
#include "gs.h"

#define EFLAGS_INITIAL 0x202
#define EFLAGS_TF 0x100
#define EFLAGS_UNUSUAL 0x44400	/* DF, NT, AC: C code wants them off */

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

/* By the number in %eax. The flags are the program's, so they are kept in %ax and the number in %r11 meanwhile. */
	.globl rt_fast_number
	.type rt_fast_number, @function
rt_fast_number:
	.cfi_startproc
	.cfi_signal_frame
	cfi_regs_in_place %r11	/* but see tools/k23-gdb.py */
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
	bt	%ecx, rt_indirect(%rip)
	jc	1f
	cmpl	$0, rt + IMAGE_TRACED(%rip)
	jne	1f
	lea	rt_gate_direct(%rip), %rcx
	jmp	2f
1:	lea	rt_fast_dispatch(%rip), %rcx
2:	add	$0x7f, %al		/* overflows if it was 1 */
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
	rdgsbase %rcx
	lea	GS_THREAD(%rcx), %rcx
	mov	%r8, REGS_R8(%rcx)
	mov	%r9, REGS_R9(%rcx)
	mov	%r10, REGS_R10(%rcx)
	mov	%r12, REGS_R12(%rcx)
	mov	%r13, REGS_R13(%rcx)
	mov	%r14, REGS_R14(%rcx)
	mov	%r15, REGS_R15(%rcx)
	mov	%rdi, REGS_RDI(%rcx)
	mov	%rsi, REGS_RSI(%rcx)
	mov	%rbp, REGS_RBP(%rcx)
	mov	%rbx, REGS_RBX(%rcx)
	mov	%rdx, REGS_RDX(%rcx)
	mov	%rax, REGS_RAX(%rcx)
	mov	%rsp, REGS_RSP(%rcx)
	mov	%r11, REGS_RIP(%rcx)
	mov	THREAD_STACK_TOP(%rcx), %rsp
	cfi_regs_in_thread
	.globl rt_fast_switched
rt_fast_switched:
	pushfq
	pop	%rdx
	mov	%rdx, REGS_EFLAGS(%rcx)
	.globl rt_fast_kept
rt_fast_kept:
	/* As a kernel entry leaves them, for what looks at the registers before the call is over. */
	mov	%rdx, REGS_R11(%rcx)
	mov	%r11, REGS_RCX(%rcx)
	movl	$ARCH_X86_64, CALL_ARCH(%rcx)
	movl	$BY_SITE, CALL_WAY(%rcx)
	test	$(EFLAGS_UNUSUAL | EFLAGS_TF), %edx
	jnz	3f
4:	/* A frame of the site, for those who walk the stack by frame pointers. */
	push	%r11
	push	%rbp
	mov	%rsp, %rbp
	mov	%rcx, %rdi
	.globl rt_fast_end
rt_fast_end:
	call	rt_dispatch		/* goes to rt_return */
	/* The trap flag is that of a debugger which steps here, and is not to become the program's: one that steps
	 * itself does not come this far (rollback.c). Without popfq, after which the kernel takes the flag for the
	 * program's. */
3:	andl	$~EFLAGS_TF, REGS_EFLAGS(%rcx)
	andl	$~EFLAGS_TF, REGS_R11(%rcx)
	test	$EFLAGS_UNUSUAL, %edx
	jz	4b
	push	$EFLAGS_INITIAL
	popfq
	jmp	4b
	.cfi_endproc
	.size rt_fast_dispatch, . - rt_fast_dispatch

	.section .note.GNU-stack, "", @progbits
