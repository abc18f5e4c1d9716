/*
 * Into hook code. The fast path does the same without a note of the hook (x86_64/hook/enter_hook.h has the instruction that
 * both use).
 */
#ifndef RT_HOOK_ENTER_H
#define RT_HOOK_ENTER_H

#include "rt/base/thread.h"

/* x86_64/hook/enter.S: goes to the function, which returns to the caller. ctx: boot | entry */
long rt_hook_enter(uint64_t argument, const void *function);

/* Calls a function of the hook with this index. ctx: boot | entry */
static inline long rt_hook_run(struct rt_thread *thread, uint32_t index, const void *function, uint64_t argument)
{
	uint32_t caller = thread->runs;
	long result;

	thread->runs = rt_runs_hook(index);
	result = rt_hook_enter(argument, function);
	thread->runs = caller;
	return result;
}

#endif
