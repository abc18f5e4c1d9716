#include "rt/base/lock.h"
#include "rt/signal/action.h"

/* ctx: entry */
void rt_actions_exec(struct rt_thread *thread, bool over)
{
	struct rt_sighand *sighand = thread->sighand;

	if (!rt.entered)
		return;
	rt_lock(&sighand->action_lock);
	for (int sig = 1; sig <= RT_SIGNALS; sig++) {
		struct rt_sigaction action = sighand->actions[sig];

		if (!(rt.entered & SIGBIT(sig)) || action.handler != (uint64_t)SIG_IGN)
			continue;
		if (over)
			action = rt_action_of_kernel(sig, &action);
		sys(rt_sigaction, sig, &action, 0, 8);
	}
	rt_unlock(&sighand->action_lock);
}
