#include "rt/special/tracing.h"

#include "rt/base/chain.h"
#include "rt/base/mask.h"
#include "rt/signal/action.h"
#include "rt/tracer/watch.h"

/* ctx: entry */
static void watch(struct rt_thread *thread)
{
	uint64_t mask = rt_mask_block();

	if (!failed(rt_action_enter(thread, SIGCHLD))) {
		rt_chain_claim();
		__atomic_fetch_or(&rt.ptraced, RT_PTRACED_TRACES, __ATOMIC_RELAXED);
		rt_watch_later(thread);
	}
	rt_mask_unblock(thread, mask);
}

/* ctx: entry */
void tracing_begin(struct rt_thread *thread)
{
	thread->tracing = true;
}

/* ctx: entry */
void tracing_end(struct rt_thread *thread)
{
	if (!(rt.entered & SIGBIT(SIGCHLD)) && tracee_next(NULL))
		watch(thread);
	rt_watch_end(thread);
}
