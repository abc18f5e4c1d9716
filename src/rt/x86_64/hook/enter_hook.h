/*
 * The only instruction that enters the code of a hook, for hook/enter.S and entry/fast.S.
 */
#ifndef RT_X86_64_ENTER_HOOK_H
#define RT_X86_64_ENTER_HOOK_H

/* in: %rdi the function's argument, %rsp a stack of the runtime.   out: %rax its result.   keeps: what a C function
 * keeps. how: call; or jmp, if the function is to return to the caller of the code that uses this macro. */
.macro enter_hook how, function
	\how	*\function
.endm

#endif
