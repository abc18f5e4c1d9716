/*
 * Entering the code of a hook. The fast path enters hooks without rt_hook_run, and does not note which hook runs.
 * x86_64/hook/enter_hook.h has the instruction that both use.
 */
#ifndef RT_HOOK_ENTER_H
#define RT_HOOK_ENTER_H

#include <linux/prctl.h>

#include "abi/syscall.h"
#include "rt/base/thread.h"
#include "rt/world/world.h"

/* x86_64/hook/enter.S: jumps to the function, which returns to the caller. ctx: boot | entry */
long rt_hook_enter(uint64_t argument, const void *function);

/* Whether rdtsc raises SIGSEGV. ctx: boot | entry */
static inline void rt_hook_set_tsc(bool faults)
{
	sys(prctl, PR_SET_TSC, faults ? PR_TSC_SIGSEGV : PR_TSC_ENABLE);
}

/* Calls a function of the hook with an index, and notes meanwhile that this hook runs. ctx: boot | entry */
static inline long rt_hook_run(struct rt_thread *thread, uint32_t index, const void *function, uint64_t argument)
{
	uint32_t caller = thread->runs;
	long result;

	thread->runs = rt_runs_hook(index);
	if (__builtin_expect(thread->tsc_faults, 0))
		rt_hook_set_tsc(false);
	result = rt_in_world((uintptr_t)function) ? rt_world_run(thread, index, function, argument) :
						    rt_hook_enter(argument, function);
	if (__builtin_expect(thread->tsc_faults, 0))
		rt_hook_set_tsc(true);
	thread->runs = caller;
	return result;
}

/* The same for a function that is no call's, which is called `name`. A fault of its is reported, although the program
 * may block the signal. ctx: boot | entry | sigsys; signals blocked */
long rt_hook_tell(struct rt_thread *thread, uint32_t index, const char *name, const void *function, uint64_t argument);

#endif
