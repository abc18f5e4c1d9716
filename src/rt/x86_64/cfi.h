/*
 * Call frame information that says where the program's registers are, for the last frames of the runtime, from which a
 * backtrace goes on to the program's frames. It is for debuggers only, in .debug_frame, which is not loaded.
 *
 * A debugger takes such a frame for that of a signal handler: the address in the next frame is that of an instruction
 * still to be executed, not a return address, and the next frame may be on any stack.
 */
#ifndef RT_X86_64_CFI_H
#define RT_X86_64_CFI_H

#include "offsets.h"

	.cfi_sections .debug_frame

#define DW_CFA_def_cfa_expression 0x0f
#define DW_CFA_expression 0x10
#define DW_OP_deref 0x06
#define DW_OP_const4u 0x0c
#define DW_OP_const4s 0x0d
#define DW_OP_or 0x21
#define DW_OP_plus 0x22
#define DW_OP_breg5 0x75	/* %rdi plus an offset */
#define DW_OP_breg7 0x77	/* %rsp plus an offset */

#define DW_RIP 16
#define DW_EFLAGS 49

#define CFI_WORD(value) (value) & 0xff, (value) >> 8 & 0xff, (value) >> 16 & 0xff, (value) >> 24 & 0xff

/* 14 bytes: the address of a member of the thread block, which is at the end of the region that %rsp is in. */
#define CFI_IN_THREAD(offset) DW_OP_breg7, 0, DW_OP_const4u, CFI_WORD(REGION_SIZE - 1), DW_OP_or, \
	DW_OP_const4s, CFI_WORD(1 - THREAD_SIZE + offset), DW_OP_plus

/* 8 bytes: the address of a register in a ucontext that is `place` bytes above %rsp. */
#define CFI_IN_CONTEXT(place, offset) DW_OP_breg7, 0, DW_OP_const4u, CFI_WORD(place + UC_REGS + offset), DW_OP_plus

.macro cfi_thread_saves register, offset
	.cfi_escape DW_CFA_expression, \register, 14, CFI_IN_THREAD(\offset)
.endm

.macro cfi_context_saves register, place, offset
	.cfi_escape DW_CFA_expression, \register, 8, CFI_IN_CONTEXT(\place, \offset)
.endm

/* From here on the program's %rsp is in thread->regs, and %rsp is on a stack in the thread's region. */
.macro cfi_stack_in_thread
	.cfi_escape DW_CFA_def_cfa_expression, 15, CFI_IN_THREAD(REGS_RSP), DW_OP_deref
.endm

/* From here on the program's registers are in thread->regs, and %rsp is on a stack in the thread's region. */
.macro cfi_regs_in_thread
	cfi_stack_in_thread
	cfi_thread_saves 0, REGS_RAX
	cfi_thread_saves 1, REGS_RDX
	cfi_thread_saves 2, REGS_RCX
	cfi_thread_saves 3, REGS_RBX
	cfi_thread_saves 4, REGS_RSI
	cfi_thread_saves 5, REGS_RDI
	cfi_thread_saves 6, REGS_RBP
	cfi_thread_saves 8, REGS_R8
	cfi_thread_saves 9, REGS_R9
	cfi_thread_saves 10, REGS_R10
	cfi_thread_saves 11, REGS_R11
	cfi_thread_saves 12, REGS_R12
	cfi_thread_saves 13, REGS_R13
	cfi_thread_saves 14, REGS_R14
	cfi_thread_saves 15, REGS_R15
	cfi_thread_saves DW_RIP, REGS_RIP
	cfi_thread_saves DW_EFLAGS, REGS_EFLAGS
.endm

/* From here on the interrupted registers are in a ucontext, `place` bytes above %rsp. */
.macro cfi_regs_in_context place
	.cfi_escape DW_CFA_def_cfa_expression, 9, CFI_IN_CONTEXT(\place, REGS_RSP), DW_OP_deref
	cfi_context_saves 0, \place, REGS_RAX
	cfi_context_saves 1, \place, REGS_RDX
	cfi_context_saves 2, \place, REGS_RCX
	cfi_context_saves 3, \place, REGS_RBX
	cfi_context_saves 4, \place, REGS_RSI
	cfi_context_saves 5, \place, REGS_RDI
	cfi_context_saves 6, \place, REGS_RBP
	cfi_context_saves 8, \place, REGS_R8
	cfi_context_saves 9, \place, REGS_R9
	cfi_context_saves 10, \place, REGS_R10
	cfi_context_saves 11, \place, REGS_R11
	cfi_context_saves 12, \place, REGS_R12
	cfi_context_saves 13, \place, REGS_R13
	cfi_context_saves 14, \place, REGS_R14
	cfi_context_saves 15, \place, REGS_R15
	cfi_context_saves DW_RIP, \place, REGS_RIP
	cfi_context_saves DW_EFLAGS, \place, REGS_EFLAGS
.endm

/* From here on all registers but %rcx and %r11 are the program's, and it goes on at the address in `register`. */
.macro cfi_regs_in_place register
	.cfi_def_cfa %rsp, 0
	.cfi_register %rip, \register
	.cfi_undefined %rcx
	.cfi_undefined %r11
.endm

#endif
