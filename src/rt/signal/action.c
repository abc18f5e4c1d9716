#include "rt/signal/action.h"

#include <asm/errno.h>

#include "core/string.h"
#include "rt/base/entry_points.h"
#include "rt/base/gate.h"
#include "rt/base/lock.h"
#include "rt/signal/heard.h"
#include "rt/signal/sigsys.h"

/* The flags that the kernel keeps; others read back as 0, which is how programs ask for them. */
#define KNOWN_FLAGS                                                                                          \
	(SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER | SA_RESETHAND |     \
	 SA_RESTORER | 0x800 /* SA_EXPOSE_TAGBITS */)
#define PASSED_FLAGS (SA_NOCLDSTOP | SA_NOCLDWAIT | SA_RESTART | 0x800)

/* Not an initialiser: a compiler may keep one with addresses in it as data to be relocated. ctx: any */
void rt_action_of_runtime(struct rt_sigaction *action, uint64_t flags)
{
	action->handler = (uint64_t)rt_signal_entry;
	action->flags = SA_SIGINFO | SA_ONSTACK | SA_RESTORER | flags;
	action->restorer = (uint64_t)rt_restorer;
	action->mask = ~0ul;
}

/* For SIGSYS the kernel blocks nothing but SIGSYS, so that the way to the dispatcher has little to restore; many that
 * processes send, one on top of the other, would fill the signal stack. It makes calls restart, unless the program has
 * a handler that says otherwise. ctx: any */
static void make_sigsys(struct rt_sigaction *action, bool restarts)
{
	rt_action_of_runtime(action, restarts ? SA_RESTART : 0);
	action->mask = 0;
}

/* ctx: any */
bool rt_faults_enter(void)
{
	return rt.bundle->hook_count || rt.bundle->flags & BUNDLE_GS_BY_CALL;
}

/* ctx: boot | entry, signals blocked */
long rt_actions_install(void)
{
	static const uint8_t faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP };
	struct rt_sigaction action = { 0 };
	long r;

	make_sigsys(&action, true);
	r = sys(rt_sigaction, SIGSYS, &action, 0, 8);
	rt_action_of_runtime(&action, 0);
	if (failed(r) || !rt_faults_enter())
		return r;
	for (size_t i = 0; i < sizeof(faults); i++) {
		struct rt_sigaction old;

		r = sys(rt_sigaction, faults[i], 0, &old, 8);
		if (!failed(r) && old.handler == (uint64_t)SIG_IGN && SIGBIT(faults[i]) & RT_MEMORY_FAULTS)
			rt.faults_ignored = true;
		if (!failed(r) && old.handler != (uint64_t)SIG_IGN)
			r = sys(rt_sigaction, faults[i], &action, 0, 8);
		if (failed(r))
			return r;
	}
	return 0;
}

/* Whether a signal enters the runtime even when the program does not handle it. ctx: any */
static bool always_entered(int sig)
{
	return sig == SIGSYS || rt.entered & SIGBIT(sig) || (rt_faults_enter() && SIGBIT(sig) & RT_FAULTS);
}

/* The runtime of a tracer is told of each stop. Who ignores SIGCHLD has no zombies. ctx: any */
static void make_sigchld(struct rt_sigaction *action)
{
	uint64_t flags = action->flags & PASSED_FLAGS & ~(uint64_t)SA_NOCLDSTOP;

	if (action->handler <= (uint64_t)SIG_IGN)
		flags |= SA_RESTART;
	if (action->handler == (uint64_t)SIG_IGN)
		flags |= SA_NOCLDWAIT;
	rt_action_of_runtime(action, flags);
}

/* ctx: any */
struct rt_sigaction rt_action_of_kernel(int sig, const struct rt_sigaction *action)
{
	struct rt_sigaction ours = *action;

	if (sig == SIGSYS) {
		make_sigsys(&ours, action->handler <= (uint64_t)SIG_IGN || action->flags & SA_RESTART);
	} else if (sig == SIGCHLD && rt.entered & SIGBIT(sig)) {
		make_sigchld(&ours);
	} else if (action->handler > (uint64_t)SIG_IGN ||
		   (always_entered(sig) && action->handler == (uint64_t)SIG_DFL) || rt.entered & SIGBIT(sig)) {
		/* Not SA_RESETHAND: the table and the kernel change together, with the lock held. */
		rt_action_of_runtime(&ours, action->flags & PASSED_FLAGS);
	} else if (rt.heard & SIGBIT(sig) && action->handler == (uint64_t)SIG_DFL) {
		rt_action_of_runtime(&ours, action->flags & PASSED_FLAGS);
		ours.restorer = rt_heard_restorer();
	}
	return ours;
}

/* ctx: entry | sigsys; locked */
void rt_action_current(struct rt_sighand *sighand, int sig, struct rt_sigaction *action)
{
	if (!(sighand->known & SIGBIT(sig)))
		sys(rt_sigaction, sig, 0, action, 8);
	else
		*action = sighand->actions[sig];
	if (action->handler == (uint64_t)rt_signal_entry)
		memset(action, 0, sizeof(*action));
}

/* ctx: entry, signals blocked */
long rt_actions_reinstall(struct rt_thread *thread)
{
	struct rt_sighand *sighand = thread->sighand;
	long r = 0;

	for (int sig = 1; sig <= RT_SIGNALS && !failed(r); sig++) {
		struct rt_sigaction ours = rt_action_of_kernel(sig, &sighand->actions[sig]);

		if (sighand->known & SIGBIT(sig))
			r = sys(rt_sigaction, sig, &ours, 0, 8);
	}
	return r;
}

/* The call that tells the kernel goes through the program's gate: it is not made when a signal has come that is to be
 * delivered before. Where the program has filters, they have judged it already. ctx: entry; locked */
static long change_action(struct rt_thread *thread, int sig, const struct rt_sigaction *wanted)
{
	struct rt_sighand *sighand = thread->sighand;
	struct rt_sigaction *action = &sighand->actions[sig], ours = rt_action_of_kernel(sig, wanted);
	uint64_t known = sighand->known;
	long r;

	thread->changed = *action;
	__atomic_store_n(&thread->changing, (uint32_t)sig, __ATOMIC_RELEASE);
	/* In the table first: the signal may come as soon as the kernel knows. */
	if (wanted->handler > (uint64_t)SIG_IGN)
		sighand->handled[sig].handler = 0;
	else if (action->handler > (uint64_t)SIG_IGN)
		sighand->handled[sig] = *action;
	*action = *wanted;
	sighand->known |= SIGBIT(sig);
	if (sighand->seccomp)
		r = sys(rt_sigaction, sig, &ours, 0, 8);
	else
		r = rt_gate_forward(thread, __NR_rt_sigaction, (uint64_t)sig, (uint64_t)&ours, 0, 8, 0, 0);
	if (r) {
		*action = thread->changed;
		sighand->known = known;
	}
	__atomic_store_n(&thread->changing, 0, __ATOMIC_RELEASE);
	return r;
}

/* ctx: entry */
long rt_action_set(struct rt_thread *thread, int sig, const struct rt_sigaction *wanted, struct rt_sigaction *old)
{
	struct rt_sighand *sighand = thread->sighand;
	long r = 0;

	rt_lock(&sighand->action_lock);
	if (old)
		rt_action_current(sighand, sig, old);
	if (wanted) {
		struct rt_sigaction action = *wanted;

		action.flags &= KNOWN_FLAGS;
		action.mask &= ~(SIGBIT(SIGKILL) | SIGBIT(SIGSTOP));
		r = change_action(thread, sig, &action);
		if (!r && sig == SIGSYS && action.handler == (uint64_t)SIG_IGN)
			rt_sigsys_discard(thread);
	}
	rt_unlock(&sighand->action_lock);
	return r;
}

/* Copies an action whose handler is about to run, and resets it if it is for one time only. ctx: entry | sigsys;
 * locked */
static struct rt_sigaction use_action(struct rt_thread *thread, int sig, struct rt_sigaction *action)
{
	struct rt_sigaction used = *action, ours;

	if (used.flags & SA_RESETHAND && used.handler > (uint64_t)SIG_IGN) {
		action->handler = (uint64_t)SIG_DFL;
		ours = rt_action_of_kernel(sig, action);
		/* One of those that are not in the table any more is not what the kernel has. */
		if (action == &thread->sighand->actions[sig] && !thread->strict)
			sys(rt_sigaction, sig, &ours, 0, 8);
	}
	return used;
}

/* ctx: sigsys */
struct rt_sigaction rt_action_take(struct rt_thread *thread, int sig, uint64_t ip, const struct ucontext *uc)
{
	struct rt_sighand *sighand = thread->sighand;
	bool interrupted = rt_lock_is_held(&sighand->action_lock);
	struct rt_sigaction *action = &sighand->actions[sig], taken = { 0 };

	if (rt_signal_is_heard(uc))
		return taken; /* the default */
	if (!interrupted)
		rt_lock(&sighand->action_lock);
	/* Until the call that changes it has been made the kernel goes by the action before. If that has no handler
	 * the kernel goes by the new one, or would not have entered the runtime. */
	if (interrupted && thread->changing == (uint32_t)sig && thread->changed.handler > (uint64_t)SIG_IGN &&
	    (ip != (uint64_t)rt_gate_done || action->handler <= (uint64_t)SIG_IGN))
		action = &thread->changed;
	else if (action->handler <= (uint64_t)SIG_IGN && !always_entered(sig))
		action = &sighand->handled[sig];
	taken = use_action(thread, sig, action);
	if (!interrupted)
		rt_unlock(&sighand->action_lock);
	return taken;
}

/* ctx: entry | sigsys */
struct rt_sigaction rt_action_force(struct rt_thread *thread, int sig)
{
	struct rt_sighand *sighand = thread->sighand;
	struct rt_sigaction forced;

	rt_lock(&sighand->action_lock);
	forced = use_action(thread, sig, &sighand->actions[sig]);
	rt_unlock(&sighand->action_lock);
	return forced;
}
