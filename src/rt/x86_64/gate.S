/*
 * The gate: the only page whose system call instructions reach the kernel. It is Syscall User Dispatch's exempt
 * range, so what is here decides what gets past the guard.
 *
 * The first half serves the runtime's own calls, the second those of the program: a seccomp filter that the
 * program installs tells them apart by address (special/seccomp.c).
 */
#include "cfi.h"
#include "gs.h"

#define EFLAGS_INITIAL 0x202	/* interrupts on, and the bit that is always set */
#define EFLAGS_NT 0x4000
#define EFLAGS_AC 0x40000

/* The processor predicts returns by a stack of its own, which comes back from the kernel full of the kernel's addresses.
 * A `ret` that meets one of those takes some 30 ns longer, one that meets any other wrong address a tenth of that. So
 * what is made often does not return by `ret` behind its system call, and the next ones find as many addresses of ours.
 * in: a stack.   clobbers: flags. */
.macro fill_returns count
.rept \count
	call	771f
	int3				/* only ever speculated */
771:	.cfi_adjust_cfa_offset 8
.endr
	add	$8 * \count, %rsp
	.cfi_adjust_cfa_offset -8 * \count
.endm

	.section .text.gate, "ax", @progbits
	.balign 4096
	.globl rt_gate_page
rt_gate_page:

/* long raw_syscall(long nr, a1 ... a6): a call of the runtime's own, in C's calling convention.
 * in:  %rdi nr, %rsi %rdx %rcx %r8 %r9 8(%rsp) arguments.   out: %rax result.
 * keeps: what a C function keeps. */
	.globl raw_syscall
	.type raw_syscall, @function
raw_syscall:
	.cfi_startproc
	mov	%rdi, %rax
	mov	%rsi, %rdi
	mov	%rdx, %rsi
	mov	%rcx, %rdx
	mov	%r8, %r10
	mov	%r9, %r8
	mov	8(%rsp), %r9
	syscall
	fill_returns 8			/* its callers' */
	pop	%rcx
	.cfi_adjust_cfa_offset -8
	.cfi_register %rip, %rcx
	jmp	*%rcx
	.cfi_endproc
	.size raw_syscall, . - raw_syscall

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

/* in:  %rdi the ucontext of a signal frame, as rt_sigreturn expects it at %rsp.   out: does not return. */
	.globl rt_sigreturn_to
	.type rt_sigreturn_to, @function
rt_sigreturn_to:
	.cfi_startproc
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

/* void rt_gate_stop(long kind): a system call that does not exist, for a tracer to stop at (trace.h).
 * in:  %rdi kind.   keeps: what a C function keeps. */
	.globl rt_gate_stop
	.type rt_gate_stop, @function
rt_gate_stop:
	.cfi_startproc
	mov	$-1, %rax
	syscall
	.globl rt_gate_stop_ip
rt_gate_stop_ip:
	ret
	.cfi_endproc
	.size rt_gate_stop, . - rt_gate_stop

/* Ends the thread and gives its region back. From the store on the region may be another thread's, so
 * nothing after it uses a stack, and all signals are blocked.
 * in:  %rdi state of the region's slot, %rsi exit status.   out: does not return. */
	.globl rt_thread_end
	.type rt_thread_end, @function
rt_thread_end:
	.cfi_startproc
	.cfi_undefined %rip
	mov	%rdi, %rdx
	mov	%rsi, %rdi
	mov	$NR_EXIT, %eax
	movl	$0, (%rdx)
	syscall
	hlt
	.cfi_endproc
	.size rt_thread_end, . - rt_thread_end

/* The first instruction of k23 in a new image: makes the part of the bundle that is written to, and the first stack, which
 * is what will be the first thread's signal stack.
 * in:  %rdi bundle; struct start_block: %rsi entry, %rsp stack, %rdx eflags, %r10 sigmask, %r8 helper and ptracer, %r9 the
 *      rest; every signal blocked.   out: the program starts. */
	.globl rt_start
	.type rt_start, @function
rt_start:
	.cfi_startproc
	.cfi_signal_frame
	.cfi_undefined %rip
	mov	%rdi, %rbx
	mov	%rsi, %r12
	mov	%rdx, %r13
	mov	%r10, %r14
	mov	%r8, %r15
	mov	%r9, %rbp
	mov	BUNDLE_PRIVATE_START(%rbx), %eax
	mov	BUNDLE_STORE(%rbx), %esi
	sub	%eax, %esi
	lea	(%rbx, %rax), %rdi
	mov	$READ_WRITE, %edx
	mov	$FIXED_ANONYMOUS, %r10d
	mov	$-1, %r8
	xor	%r9d, %r9d
	mov	$NR_MMAP, %eax
	syscall
	cmp	%rdi, %rax
	jne	1f
	mov	%r12, rt_start_block + START_ENTRY(%rip)
	mov	%rsp, rt_start_block + START_STACK(%rip)
	mov	%r13, rt_start_block + START_EFLAGS(%rip)
	mov	%r14, rt_start_block + START_SIGMASK(%rip)
	mov	%r15, rt_start_block + START_HELPER(%rip)
	mov	%rbp, rt_start_block + START_REST(%rip)
	mov	BUNDLE_REGIONS(%rbx), %eax
	lea	2 * REGION_SIZE - 1(%rbx, %rax), %rsp
	and	$-REGION_SIZE, %rsp
	sub	$REGION_TAIL, %rsp
	xor	%ebp, %ebp
	mov	%rbx, %rdi
	call	rt_start_image		/* returns the first thread */
	mov	THREAD_STACK_TOP(%rax), %rsp
	cfi_regs_in_thread
	mov	%rax, %rbx
	mov	%rax, %rdi
	call	rt_start_thread
	mov	%rbx, %rdi
	jmp	rt_return
1:	mov	$EXIT_RUNTIME, %edi	/* no memory, and nothing to say it with */
	mov	$NR_EXIT_GROUP, %eax
	syscall
	hlt
	.cfi_endproc
	.size rt_start, . - rt_start
	.globl rt_start_end
rt_start_end:

	.balign 64
	.globl rt_gate_own_end
rt_gate_own_end:

/* long rt_forward(struct k23_call *call): struct k23_api's forward. Nobody but the kernel has to do with most calls after
 * the first hook: these go straight on into rt_gate_program.
 * in:  %rdi call.   out: %rax result.   keeps: what a C function keeps. */
	.globl rt_forward
	.type rt_forward, @function
rt_forward:
	.cfi_startproc
	mov	CALL_NR(%rdi), %rax
	mov	CALL_NEXT(%rdi), %ecx
	cmpl	$ARCH_X86_64, CALL_ARCH(%rdi)
	jne	rt_forward_on
	cmp	$NUMBERS, %rax
	jae	rt_forward_on
	lea	rt_chains(%rip), %rdx
	mov	CHAIN_WHO(%rdx, %rax, 8), %eax
	shr	%cl, %eax
	jnz	rt_forward_on
	mov	%rsp, %rsi
	or	$REGION_SIZE - 1, %rsi
	sub	$THREAD_SIZE - 1, %rsi	/* and on into rt_gate_program */
	.cfi_endproc
	.size rt_forward, . - rt_forward

/* long rt_gate_program(const struct k23_call *call, struct rt_thread *thread): a call of the program.
 *
 * A signal that arrives between rt_gate_begin and the syscall instruction, or that makes the kernel go back to
 * that instruction, must neither be forgotten while the call blocks nor run a handler in here: the signal entry
 * notes it in thread->signal and moves the thread to rt_gate_abort. At rt_gate_done the call has happened.
 *
 * in:  %rdi call, %rsi thread.   out: %rax result, or -ERESTART when the call was not made.
 * keeps: what a C function keeps. %rsp points at the return address throughout: a new thread or process
 *        created by the call goes on at rt_gate_done, and so to the address on top of its own stack. */
	.globl rt_gate_program
	.type rt_gate_program, @function
rt_gate_program:
	.cfi_startproc
	.globl rt_gate_begin
rt_gate_begin:
	cmpl	$0, THREAD_SIGNAL(%rsi)
	jne	rt_gate_abort
	mov	CALL_NR(%rdi), %rax
	mov	CALL_ARGS + 8(%rdi), %rsi
	mov	CALL_ARGS + 16(%rdi), %rdx
	mov	CALL_ARGS + 24(%rdi), %r10
	mov	CALL_ARGS + 32(%rdi), %r8
	mov	CALL_ARGS + 40(%rdi), %r9
	mov	CALL_ARGS(%rdi), %rdi
	syscall
	.globl rt_gate_done
rt_gate_done:
	fill_returns 1			/* mostly the hook's */
	pop	%rcx
	.cfi_adjust_cfa_offset -8
	.cfi_register %rip, %rcx
	jmp	*%rcx
	.cfi_restore %rip
	.cfi_adjust_cfa_offset 8
	.globl rt_gate_abort
rt_gate_abort:
	mov	$-ERESTART, %rax
	ret
	.cfi_endproc
	.size rt_gate_program, . - rt_gate_program

/* The same for a call that the program made with int $0x80: its arguments are 32 bits each. */
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
	cmpl	$0, THREAD_SIGNAL(%rsi)
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

/* From a stub whose window says which call it is, where nobody but the kernel has to do with it: see fast.S.
 * in:  %r11 the address after the site's `syscall`, all other registers the program's.   out: the program goes on.
 *
 * What comes after the `syscall` has a cache line of its own: 1 % of a call's time. */
	.balign 64
	.skip 22, 0x90			/* rt.lds looks whether it is right */
	.globl rt_fast_direct
	.type rt_fast_direct, @function
rt_fast_direct:
	.cfi_startproc
	.cfi_signal_frame
	cfi_regs_in_place %r11
	need_gs
	mov	rt + IMAGE_TRACED(%rip), %ecx
	jrcxz	2f
	jmp	rt_fast_dispatch
2:	mov	%r11, %gs:GS_RETURN	/* and on into rt_gate_direct */
	.cfi_endproc
	.size rt_fast_direct, . - rt_fast_direct

/* A call of the program that nobody but the kernel has to do with. A signal finds its site in the thread's fast_return: see
 * rollback.c.
 *
 * The program's next `ret`, mostly right behind the call, is given an address as in fill_returns; by our stack, since below
 * the program's may be a red zone.
 * in:  the program's registers, the call's.   out: the program goes on. */
	.globl rt_gate_direct
	.type rt_gate_direct, @function
rt_gate_direct:
	syscall
	.globl rt_gate_direct_done
rt_gate_direct_done:
	mov	%rsp, %rcx
	mov	%gs:GS_STACK_TOP, %rsp
	.globl rt_gate_direct_switched
rt_gate_direct_switched:
	call	4f
	int3				/* only ever speculated */
4:	mov	%rcx, %rsp
	.globl rt_gate_direct_back
rt_gate_direct_back:
	mov	%gs:GS_RETURN, %rcx
	jmp	*%rcx
	.globl rt_gate_direct_end
rt_gate_direct_end:
	.size rt_gate_direct, . - rt_gate_direct

	.balign 4096
	.globl rt_gate_page_end
rt_gate_page_end:

	.section .note.GNU-stack, "", @progbits
