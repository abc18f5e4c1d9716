/*
 * ctx: entry, for all here.
 */
#include "rt/special/world_end.h"

#include "rt/base/mask.h"
#include "rt/base/return.h"
#include "rt/hook/callbacks.h"
#include "rt/signal/sigsys.h"
#include "rt/world/kill.h"
#include "rt/world/world.h"

void rt_end_worlds(struct rt_thread *thread, bool others)
{
	if (!rt.bundle->world_count || thread->vforked || !(others || thread->shares_memory))
		return;
	if (thread->sighand->seccomp)
		rt_worlds_spare(thread);
	rt_worlds_abandon(thread);
	rt_worlds_end(thread, thread->worlds, thread->sighand->seccomp);
}

void rt_end_worlds_of_all(struct rt_thread *thread)
{
	rt_end_worlds(thread, false);
	thread->ends_threads = rt_kill_threads_begin(thread);
}

long rt_go_on_all(struct rt_thread *thread, long result)
{
	if (thread->ends_threads)
		rt_kill_end();
	if (thread->worlds[0].ended)
		return rt_go_on(thread, result, rt_mask_kept(thread));
	rt_mask_unblock(thread, rt_mask_kept(thread));
	return result;
}

long rt_go_on(struct rt_thread *thread, long result, uint64_t mask)
{
	bool ended = thread->worlds[0].ended;

	if (ended)
		rt_worlds_renew(thread);
	rt_callbacks_thread_start();
	rt_mask_unblock(thread, mask);
	if (!ended)
		return result;
	rt_sigsys_release(thread);
	thread->in_call = 0;
	thread->runs = RT_RUNS_FIRST;
	if (result == -K23_ERESTART)
		rt_regs_again(&thread->regs, rt_regs_result(&thread->regs));
	else
		rt_regs_return(&thread->regs, thread->call.arch, result);
	rt_return(thread);
}
