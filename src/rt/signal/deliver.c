#include "rt/signal/deliver.h"

#include <asm/errno.h>

#include "core/string.h"
#include "rt/base/mask.h"
#include "rt/signal/action.h"
#include "rt/signal/altstack.h"
#include "rt/signal/frame.h"
#include "rt/signal/sigsys.h"

/* ctx: entry | sigsys */
void rt_deliver_queue(struct rt_thread *thread, int sig, siginfo_t *info)
{
	siginfo_t plain;

	if (!info) {
		memset(&plain, 0, sizeof(plain));
		plain.si_signo = sig;
		plain.si_code = SI_KERNEL;
		info = &plain;
	}
	/* At RLIMIT_SIGPENDING only what comes from kill(2) still gets through. */
	if (sys(rt_tgsigqueueinfo, thread->pid, thread->tid, sig, info) == -EAGAIN)
		sys(kill, thread->pid, sig);
}

/* ctx: sigsys, signals blocked */
static void tell(struct rt_thread *thread, int sig, const siginfo_t *info, bool handled)
{
	siginfo_t plain;

	if (!rt.tell || thread->strict)
		return;
	if (!info) {
		memset(&plain, 0, sizeof(plain));
		plain.si_signo = sig;
		plain.si_code = SI_KERNEL;
		info = &plain;
	}
	if (rt.tells_apart)
		rt_altstack_tell_apart(thread, sig, info, handled);
	else
		rt.tell(thread, sig, info, handled);
}

/* ctx: sigsys */
void rt_deliver_default(struct rt_thread *thread, int sig, siginfo_t *info, struct ucontext *uc)
{
	struct rt_sigaction action = { .handler = (uint64_t)SIG_DFL };

	/* The first process of a PID namespace takes none that it does not handle, unless the kernel forces it to. */
	if (thread->pid == 1 && info && (info->si_code <= 0 || (sig == SIGSYS && !rt_sigsys_is_forced(info))))
		return;
	tell(thread, sig, info, false);
	sys(rt_sigaction, sig, &action, 0, 8);
	thread->dies_of = (uint32_t)sig;
	rt_deliver_queue(thread, sig, info);
	uc->uc_sigmask &= ~SIGBIT(sig);
}

/* Whether the program blocks SIGSYS, as a mask. ctx: any */
static uint64_t sigsys_view(const struct rt_thread *thread)
{
	return thread->sigsys_blocked ? SIGBIT(SIGSYS) : 0;
}

static void deliver(struct rt_thread *thread, int sig, siginfo_t *info, const struct rt_sigaction *action,
		    struct ucontext *uc, uint64_t *handler_mask);

/* The kernel's force_sigsegv: a signal frame could not be made. ctx: sigsys */
static void frame_failed(struct rt_thread *thread, int sig, struct ucontext *uc)
{
	struct rt_sigaction action;
	siginfo_t info;

	if (sig == SIGSEGV || uc->uc_sigmask & SIGBIT(SIGSEGV) ||
	    thread->sighand->actions[SIGSEGV].handler <= (uint64_t)SIG_IGN) {
		rt_deliver_default(thread, SIGSEGV, NULL, uc);
		thread->dies_of = 0; /* a tracer is told */
		return;
	}
	if (rt.ptraced & RT_PTRACED) {
		rt_deliver_queue(thread, SIGSEGV, NULL);
		return;
	}
	memset(&info, 0, sizeof(info));
	info.si_signo = SIGSEGV;
	info.si_code = SI_KERNEL;
	action = rt_action_force(thread, SIGSEGV);
	rt_deliver(thread, SIGSEGV, &info, &action, uc, uc->uc_sigmask);
}

/* *handler_mask, with the program's view of SIGSYS, becomes the handler's mask if there is one to run. ctx: sigsys */
static void deliver(struct rt_thread *thread, int sig, siginfo_t *info, const struct rt_sigaction *action,
		    struct ucontext *uc, uint64_t *handler_mask)
{
	uint64_t mask = uc->uc_sigmask | sigsys_view(thread);
	uint64_t blocks = action->mask | (action->flags & SA_NODEFER ? 0 : SIGBIT(sig));

	if (action->handler == (uint64_t)SIG_IGN)
		return;
	if (action->handler == (uint64_t)SIG_DFL) {
		rt_deliver_default(thread, sig, info, uc);
		return;
	}
	if (failed(rt_frame_build(thread, action, sig, info, uc, mask))) {
		frame_failed(thread, sig, uc);
		return;
	}
	tell(thread, sig, info, true);
	*handler_mask |= blocks;
	thread->sigsys_blocked = *handler_mask & SIGBIT(SIGSYS);
	thread->faults_blocked = *handler_mask & RT_MEMORY_FAULTS;
	uc->uc_sigmask = *handler_mask & ~SIGBIT(SIGSYS);
}

/* ctx: sigsys */
void rt_deliver(struct rt_thread *thread, int sig, siginfo_t *info, const struct rt_sigaction *action,
		struct ucontext *uc, uint64_t handler_mask)
{
	handler_mask |= sigsys_view(thread);
	deliver(thread, sig, info, action, uc, &handler_mask);
}

/* ctx: entry | sigsys */
bool rt_deliver_note(struct rt_thread *thread, int sig, const siginfo_t *info, const struct rt_sigaction *action)
{
	uint32_t count = thread->signals;
	struct rt_noted *noted = &thread->noted[count];

	for (uint32_t i = 0; i < count; i++)
		if (thread->noted[i].sig == (uint32_t)sig)
			return false;
	if (count == RT_NOTED)
		return false;
	noted->sig = (uint32_t)sig;
	noted->info = *info;
	noted->action = *action;
	__atomic_store_n(&thread->signals, count + 1, __ATOMIC_RELEASE);
	return true;
}

/* ctx: sigsys */
void rt_deliver_sigsys_first(struct rt_thread *thread)
{
	uint32_t last = thread->signals - 1;
	struct rt_noted sigsys = thread->noted[last];

	if (sigsys.sig != SIGSYS)
		return;
	for (; last; last--)
		thread->noted[last] = thread->noted[last - 1];
	thread->noted[0] = sigsys;
}

/* The program's mask is one that does not let it through. ctx: sigsys */
static void give_back(struct rt_thread *thread, struct rt_noted *noted)
{
	if (noted->sig == SIGSYS)
		rt_sigsys_keep(thread, &noted->info);
	else
		rt_deliver_queue(thread, (int)noted->sig, &noted->info);
}

/* What the kernel has never blocked or ignored is decided now: what the program wants done with a SIGSYS. A filter's
 * is forced. ctx: sigsys */
static void deliver_one(struct rt_thread *thread, struct rt_noted *noted, bool blocked, struct ucontext *uc,
			uint64_t *handler_mask)
{
	bool forced = noted->sig == SIGSYS && rt_sigsys_is(&noted->info, SYS_SECCOMP);

	if (*handler_mask & SIGBIT(noted->sig) && !forced) {
		give_back(thread, noted);
		return;
	}
	if (noted->sig == SIGSYS && !rt_sigsys_resolve(thread, &noted->info))
		return;
	if (noted->sig == SIGSYS)
		noted->action = rt_action_force(thread, SIGSYS);
	if (forced && (blocked || noted->action.handler == (uint64_t)SIG_IGN))
		noted->action.handler = (uint64_t)SIG_DFL;
	deliver(thread, (int)noted->sig, &noted->info, &noted->action, uc, handler_mask);
}

/* What is kept comes last. While a hook is told of one, another may be noted. ctx: sigsys */
static void deliver_noted(struct rt_thread *thread, struct ucontext *uc, uint64_t handler_mask)
{
	bool blocked = thread->sigsys_blocked;
	struct rt_sigaction action;
	siginfo_t kept;

	thread->early = false; /* a hook that is told may wait for calls of its own in the handler of SIGSYS */
	for (;;) {
		for (uint32_t i = 0; i < thread->signals; i++)
			deliver_one(thread, &thread->noted[i], blocked, uc, &handler_mask);
		thread->signals = 0;
		if (!rt_sigsys_kept(thread) || handler_mask & SIGBIT(SIGSYS) || !rt_sigsys_take(thread, &kept))
			break;
		action = rt_action_force(thread, SIGSYS);
		deliver(thread, SIGSYS, &kept, &action, uc, &handler_mask);
	}
	rt_sigsys_settle(thread);
}

/* ctx: sigsys */
void rt_deliver_noted(struct rt_thread *thread, struct ucontext *uc, uint64_t handler_mask)
{
	deliver_noted(thread, uc, handler_mask | sigsys_view(thread));
}

/* ctx: sigsys */
void rt_deliver_deferred(struct rt_thread *thread, struct ucontext *uc)
{
	uint64_t handler_mask;

	rt_mask_block_all();
	/* SIGSYS may have been held when the first signal came. */
	uc->uc_sigmask = thread->saved_mask & ~SIGBIT(SIGSYS);
	handler_mask = thread->temporary ? thread->temporary_mask : uc->uc_sigmask | sigsys_view(thread);
	rt_context_go_on(uc, &thread->regs);
	thread->temporary = false;
	deliver_noted(thread, uc, handler_mask);
}
