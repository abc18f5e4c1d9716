/*
 * Entering a hook from C code: see hook/enter.h.
 *
 * ctx: boot | entry, for all here.
 */
#include "rt/x86_64/hook/enter_hook.h"

	.cfi_sections .debug_frame

	.text

/* long rt_hook_enter(uint64_t argument, const void *function)
 * in:  %rdi argument, %rsi function.   out: %rax its result.   keeps: what a C function keeps. */
	.globl rt_hook_enter
	.type rt_hook_enter, @function
rt_hook_enter:
	.cfi_startproc
	enter_hook jmp, %rsi
	.cfi_endproc
	.size rt_hook_enter, . - rt_hook_enter

	.section .note.GNU-stack, "", @progbits
