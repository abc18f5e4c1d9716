/*
 * The one way into hook code.
 */
#ifndef RT_X86_64_ENTER_HOOK_H
#define RT_X86_64_ENTER_HOOK_H

/* in: %rdi the function's argument, a stack of the runtime's.   out: %rax its result.   keeps: what a C function keeps.
 * how: call, or jmp when the function is to return to the caller's caller. */
.macro enter_hook how, function
	\how	*\function
.endm

#endif
