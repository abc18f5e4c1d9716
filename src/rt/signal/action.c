#include "rt/signal/action.h"

#include <asm/errno.h>

#include "core/string.h"
#include "rt/base/entry_points.h"
#include "rt/base/gate.h"
#include "rt/base/lock.h"

/* The flags that the kernel keeps; others read back as 0, which is how programs ask for them. */
#define KNOWN_FLAGS                                                                                          \
	(SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER | SA_RESETHAND |     \
	 SA_RESTORER | 0x800 /* SA_EXPOSE_TAGBITS */)
#define PASSED_FLAGS (SA_NOCLDSTOP | SA_NOCLDWAIT | SA_RESTART | 0x800)

/* Makes an action that enters the runtime, with some of the program's flags. Not an initialiser: a compiler may keep
 * one with addresses in it as data to be relocated. ctx: any */
static void enter_runtime(struct rt_sigaction *action, uint64_t flags)
{
	action->handler = (uint64_t)rt_signal_entry;
	action->flags = SA_SIGINFO | SA_ONSTACK | SA_RESTORER | flags;
	action->restorer = (uint64_t)rt_restorer;
	action->mask = ~0ul;
}

/* Makes SIGSYS enter the runtime. It leaves the mask as it is, so that the way to the dispatcher need not restore it. A
 * SIGSYS that a process sends makes calls restart, unless the program has a handler that says otherwise. ctx: boot | entry */
static long install_sigsys(bool restarts)
{
	struct rt_sigaction action = { 0 };

	enter_runtime(&action, SA_NODEFER | (restarts ? SA_RESTART : 0));
	action.mask = 0;
	return sys(rt_sigaction, SIGSYS, &action, 0, 8);
}

/* ctx: boot | entry, signals blocked */
long rt_actions_install(void)
{
	static const uint8_t faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP };
	struct rt_sigaction action = { 0 };
	long r;

	r = install_sigsys(true);
	enter_runtime(&action, 0);
	if (failed(r) || !rt.bundle->hook_count)
		return r;
	for (size_t i = 0; i < sizeof(faults); i++) {
		struct rt_sigaction old;

		r = sys(rt_sigaction, faults[i], 0, &old, 8);
		if (!failed(r) && old.handler != (uint64_t)SIG_IGN)
			r = sys(rt_sigaction, faults[i], &action, 0, 8);
		if (failed(r))
			return r;
	}
	return 0;
}

/* Faults enter the runtime even when the program does not handle them, so that a crash of a hook is reported. ctx: any */
static bool always_entered(int sig)
{
	return rt.bundle->hook_count && SIGBIT(sig) & RT_FAULTS;
}

/* Tells the kernel. ctx: entry; locked */
static long install_action(int sig, const struct rt_sigaction *action)
{
	struct rt_sigaction ours = *action;

	if (sig == SIGSYS)
		return install_sigsys(action->handler <= (uint64_t)SIG_IGN || action->flags & SA_RESTART);
	if (action->handler > (uint64_t)SIG_IGN ||
	    (always_entered(sig) && action->handler == (uint64_t)SIG_DFL)) {
		/* Not SA_RESETHAND: the table and the kernel change together, with the lock held. */
		enter_runtime(&ours, action->flags & PASSED_FLAGS);
	}
	return sys(rt_sigaction, sig, &ours, 0, 8);
}

/* What was set before: by the program, or before its execve. ctx: entry; locked */
static void current_action(struct rt_sighand *sighand, int sig, struct rt_sigaction *action)
{
	if (!(sighand->known & SIGBIT(sig)))
		sys(rt_sigaction, sig, 0, action, 8);
	else
		*action = sighand->actions[sig];
	if (action->handler == (uint64_t)rt_signal_entry)
		memset(action, 0, sizeof(*action));
}

/* ctx: entry */
long rt_action_set(struct rt_thread *thread, int sig, const struct rt_sigaction *wanted,
			struct rt_sigaction *old)
{
	struct rt_sighand *sighand = thread->sighand;
	long r = 0;

	if (sig < 1 || sig > RT_SIGNALS || (wanted && (sig == SIGKILL || sig == SIGSTOP)))
		return -EINVAL;
	/* A filter of the program judges its calls, not the runtime's: let it see one. */
	if (sighand->seccomp)
		r = rt_gate_forward(thread, __NR_rt_sigaction, (uint64_t)sig, 0, 0, 8, 0, 0);
	if (r)
		return r;
	rt_lock(&sighand->action_lock);
	if (old)
		current_action(sighand, sig, old);
	if (wanted) {
		struct rt_sigaction action = *wanted;

		action.flags &= KNOWN_FLAGS;
		action.mask &= ~(SIGBIT(SIGKILL) | SIGBIT(SIGSTOP));
		/* In the table first: the signal may come as soon as the kernel knows. */
		sighand->actions[sig] = action;
		sighand->known |= SIGBIT(sig);
		r = install_action(sig, &action);
		if (sig == SIGSYS && action.handler == (uint64_t)SIG_IGN)
			sighand->sigsys_pending = 0;
	}
	rt_unlock(&sighand->action_lock);
	return r;
}

/* ctx: sigsys */
struct rt_sigaction rt_action_take(struct rt_thread *thread, int sig)
{
	struct rt_sighand *sighand = thread->sighand;
	struct rt_sigaction *action = &sighand->actions[sig], taken;

	rt_lock(&sighand->action_lock);
	taken = *action;
	if (taken.flags & SA_RESETHAND && taken.handler > (uint64_t)SIG_IGN) {
		action->handler = (uint64_t)SIG_DFL;
		if (!thread->strict)
			(void)install_action(sig, action);
	}
	rt_unlock(&sighand->action_lock);
	return taken;
}
