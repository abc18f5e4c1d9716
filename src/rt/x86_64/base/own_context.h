/*
 * The registers that a C function keeps, in the frame of an rt_sigreturn by which it goes on.
 */
#ifndef RT_X86_64_BASE_OWN_CONTEXT_H
#define RT_X86_64_BASE_OWN_CONTEXT_H

#include "offsets.h"

/* Saves them, and the stack pointer, in the ucontext at `frame`, and makes it the stack. */
.macro enter_own_context frame
	mov	%rbx, UC_REGS + REGS_RBX(\frame)
	mov	%rbp, UC_REGS + REGS_RBP(\frame)
	mov	%r12, UC_REGS + REGS_R12(\frame)
	mov	%r13, UC_REGS + REGS_R13(\frame)
	mov	%r14, UC_REGS + REGS_R14(\frame)
	mov	%r15, UC_REGS + REGS_R15(\frame)
	mov	%rsp, UC_REGS + REGS_RSP(\frame)
	mov	\frame, %rsp
	.cfi_remember_state
	cfi_regs_in_context 0
.endm

#endif
