#include "rt/entry/traced_call.h"

#include "core/string.h"
#include "rt/base/run_memory.h"
#include "rt/tracer/ptraced.h"

/* ctx: entry */
struct rt_stopped rt_traced_call(struct rt_thread *thread)
{
	struct k23_call before = thread->call, after = thread->call;
	struct rt_stopped stopped;

	rt_regs_call(&thread->regs, &before);
	stopped = rt_ptraced_stop(thread, RT_STOP_ENTRY);
	rt_regs_call(&thread->regs, &after);
	/* Hooks see the call that is made, not the one that the program meant. */
	if (stopped.skipped || before.nr != after.nr || memcmp(before.args, after.args, sizeof(before.args)) != 0)
		rt_run_memories_gap_here(GAP_TRACER_CALLS, 1);
	return stopped;
}
