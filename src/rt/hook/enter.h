/*
 * Entering the code of a hook. The fast path enters hooks without rt_hook_run, and does not note which hook runs.
 * x86_64/hook/enter_hook.h has the instruction that both use.
 */
#ifndef RT_HOOK_ENTER_H
#define RT_HOOK_ENTER_H

#include "rt/base/thread.h"

/* x86_64/hook/enter.S: jumps to the function, which returns to the caller. ctx: boot | entry */
long rt_hook_enter(uint64_t argument, const void *function);

/* Calls a function of the hook with an index, and notes meanwhile that this hook runs. ctx: boot | entry */
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
