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

/* ctx: entry | sigsys, signals blocked */
long rt_action_enter(struct rt_thread *thread, int sig, bool enters)
{
	struct rt_sighand *sighand = thread->sighand;
	struct rt_sigaction *action = &sighand->actions[sig], ours;
	long r;

	if (!(rt.entered & SIGBIT(sig)) == !enters)
		return 0;
	rt_lock(&sighand->action_lock);
	if (!(sighand->known & SIGBIT(sig))) {
		rt_action_current(sighand, sig, action);
		sighand->known |= SIGBIT(sig);
	}
	/* For one that has come to another thread, and was not looked at yet: see rt_action_take. */
	if (!enters && action->handler <= (uint64_t)SIG_IGN)
		sighand->handled[sig] = *action;
	rt.entered = enters ? rt.entered | SIGBIT(sig) : rt.entered & ~SIGBIT(sig);
	ours = rt_action_of_kernel(sig, action);
	r = sys(rt_sigaction, sig, &ours, 0, 8);
	rt_unlock(&sighand->action_lock);
	return r;
}
