#include "rt/signal/heard.h"

#include <linux/sched.h>

#include "rt/signal/action.h"

/* Signals that by default end the process, but for those that enter the runtime for other reasons. */
#define FATAL                                                                                                \
	(~(SIGBIT(SIGKILL) | SIGBIT(SIGSTOP) | SIGBIT(SIGCHLD) | SIGBIT(SIGCONT) | SIGBIT(SIGURG) |          \
	   SIGBIT(SIGWINCH) | SIGBIT(SIGTSTP) | SIGBIT(SIGTTIN) | SIGBIT(SIGTTOU) | SIGBIT(SIGSYS) | RT_FAULTS))

/* Those that by default dump core, but for faults. */
#define DUMPING (SIGBIT(SIGQUIT) | SIGBIT(SIGABRT) | SIGBIT(SIGXCPU) | SIGBIT(SIGXFSZ))

/* ctx: boot | entry, signals blocked */
long rt_signals_hear(void)
{
	uint64_t faults = rt_faults_enter() ? 0 : RT_FAULTS;
	struct rt_sigaction action = { 0 }, old;
	long r = 0;

	/* The first process of a PID namespace takes none that it does not handle. */
	if (sys(getpid) == 1)
		return 0;
	rt.heard = rt.tell ? FATAL : DUMPING | faults;
	rt_action_of_runtime(&action, 0);
	action.restorer = rt_heard_restorer();
	for (int sig = 1; sig <= RT_SIGNALS && !failed(r); sig++) {
		if (!(rt.heard & ~faults & SIGBIT(sig)))
			continue;
		r = sys(rt_sigaction, sig, 0, &old, 8);
		if (!failed(r) && old.handler != (uint64_t)SIG_IGN)
			r = sys(rt_sigaction, sig, &action, 0, 8);
	}
	return r;
}

/* ctx: entry */
void rt_signals_unhear(void)
{
	struct rt_sigaction action = { 0 }, old;

	for (int sig = 1; sig <= RT_SIGNALS; sig++)
		if (rt.heard & SIGBIT(sig) && !rt_self()->sighand->actions[sig].handler &&
		    !failed(sys(rt_sigaction, sig, 0, &old, 8)) && old.handler == (uint64_t)rt_signal_entry)
			sys(rt_sigaction, sig, &action, 0, 8);
	rt.heard = 0;
}

/* ctx: entry, signals blocked */
long rt_signals_hear_child(const struct rt_thread *child, uint64_t flags)
{
	if (flags & CLONE_CLEAR_SIGHAND)
		return rt_signals_hear();
	if (child->pid == 1 && !(flags & CLONE_VM))
		rt_signals_unhear();
	return 0;
}
