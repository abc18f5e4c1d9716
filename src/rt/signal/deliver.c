#include "rt/signal/deliver.h"

#include <asm/errno.h>

#include "core/string.h"
#include "rt/base/mask.h"
#include "rt/base/queue.h"
#include "rt/signal/action.h"
#include "rt/signal/altstack.h"
#include "rt/signal/frame.h"
#include "rt/signal/sigsys.h"

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
	rt_queue_signal(thread, sig, info);
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
		rt_queue_signal(thread, SIGSEGV, NULL);
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
	thread->blocked = *handler_mask;
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
	uint32_t count = thread->signals, place = 0;
	struct rt_noted *noted;

	while (place < count && thread->noted[place].sig)
		place++;
	if (place == RT_NOTED || rt_thread_has_noted(thread, sig))
		return false;
	noted = &thread->noted[place];
	noted->sig = (uint32_t)sig;
	noted->info = *info;
	noted->action = *action;
	if (place == count)
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

/* Whether it was sent to the process. What kill and sigqueue send is for the process, if no thread has queued such a
 * signal to this one. ctx: sigsys */
static bool is_shared(const struct rt_thread *thread, const struct rt_noted *noted)
{
	if (noted->sig == SIGSYS)
		return !rt_sigsys_is(&noted->info, SYS_SECCOMP) && !rt_sigsys_is_own(thread, &noted->info);
	return noted->info.si_code == SI_USER ||
	       (noted->info.si_code == SI_QUEUE && !(thread->queued & SIGBIT(noted->sig)));
}

/* The program's mask is one that does not let it through. By its own id a thread may queue what kill sent, too. ctx:
 * sigsys */
static void give_back(struct rt_thread *thread, struct rt_noted *noted)
{
	int sig = (int)noted->sig;

	if (sig == SIGSYS)
		rt_sigsys_keep(thread, &noted->info);
	else if (!is_shared(thread, noted) || failed(sys(rt_sigqueueinfo, thread->tid, sig, &noted->info)))
		rt_queue_signal(thread, sig, &noted->info);
}

/* Those that the kernel takes last: what was sent to the process, and of that what is a fault's signal before others.
 * ctx: sigsys */
static uint32_t rank(const struct rt_thread *thread, const struct rt_noted *noted)
{
	bool other = !(SIGBIT(noted->sig) & RT_NOT_BLOCKED);

	return is_shared(thread, noted) ? (1 + other) * RT_SIGNALS + noted->sig : 0;
}

/* A SIGSYS that is kept, and let through, is as one that is noted. ctx: sigsys */
static void note_kept(struct rt_thread *thread, uint64_t handler_mask)
{
	struct rt_sigaction action = { 0 }; /* is looked up later */
	siginfo_t info;

	if (!rt_sigsys_kept(thread) || handler_mask & SIGBIT(SIGSYS))
		return;
	rt_sigsys_stand(thread, &info);
	(void)!rt_deliver_note(thread, SIGSYS, &info, &action);
}

/* The signal that comes next, or NULL. ctx: sigsys */
static struct rt_noted *find_next(struct rt_thread *thread, uint64_t handler_mask)
{
	struct rt_noted *next = NULL;

	note_kept(thread, handler_mask);
	for (uint32_t i = 0; i < thread->signals; i++) {
		struct rt_noted *noted = &thread->noted[i];

		if (noted->sig && (!next || rank(thread, noted) < rank(thread, next)))
			next = noted;
	}
	return next;
}

/* What the runtime does not block, SIGSYS above all, comes before what it blocks. Notes a signal that the kernel has,
 * and the program a handler for: it may come before `next`. Not a real-time signal, as it could not go back to its
 * place. Whether there is one. ctx: sigsys */
static bool note_earlier(struct rt_thread *thread, const struct rt_noted *next, uint64_t handler_mask)
{
	static const uint64_t now[2];
	uint64_t set = 0, earlier = 0;
	struct rt_sigaction action;
	siginfo_t info;
	long sig;

	if (SIGBIT(next->sig) & RT_NOT_BLOCKED && is_shared(thread, next))
		earlier = ~SIGBIT(SIGSYS);
	else if (next->sig == SIGSYS && !rt_sigsys_is(&next->info, SYS_SECCOMP))
		earlier = RT_FAULTS;
	for (int i = 1; i < SIGRTMIN; i++)
		if (thread->sighand->actions[i].handler > (uint64_t)SIG_IGN && !rt_thread_has_noted(thread, i))
			set |= SIGBIT(i);
	set &= earlier & ~(handler_mask | rt.entered);
	if (!set || thread->strict || rt.ptraced & RT_PTRACED)
		return false;
	sig = sys(rt_sigtimedwait, &set, &info, now, 8);
	if (failed(sig))
		return false;
	action = rt_action_force(thread, (int)sig);
	return rt_deliver_note(thread, (int)sig, &info, &action);
}

/* One of those that are noted. What the kernel has never blocked or ignored is decided now: what the program wants done
 * with a SIGSYS. A filter's is forced. ctx: sigsys */
static void deliver_next(struct rt_thread *thread, struct rt_noted *next, bool blocked, struct ucontext *uc,
			 uint64_t *handler_mask)
{
	struct rt_noted noted = *next;
	bool forced = noted.sig == SIGSYS && rt_sigsys_is(&noted.info, SYS_SECCOMP);

	next->sig = 0;
	if (*handler_mask & SIGBIT(noted.sig) && !forced) {
		give_back(thread, &noted);
		return;
	}
	if (noted.sig == SIGSYS && !rt_sigsys_resolve(thread, &noted.info))
		return;
	if (noted.sig == SIGSYS)
		noted.action = rt_action_force(thread, SIGSYS);
	if (forced && (blocked || noted.action.handler == (uint64_t)SIG_IGN))
		noted.action.handler = (uint64_t)SIG_DFL;
	deliver(thread, (int)noted.sig, &noted.info, &noted.action, uc, handler_mask);
}

/* ctx: sigsys */
static void deliver_noted(struct rt_thread *thread, struct ucontext *uc, uint64_t handler_mask)
{
	bool blocked = thread->sigsys_blocked;
	struct rt_noted *next;

	thread->early = false; /* a hook that is told may wait for calls of its own in the handler of SIGSYS */
	if (thread->signals)
		deliver_next(thread, thread->noted, blocked, uc, &handler_mask);
	while ((next = find_next(thread, handler_mask))) {
		if (note_earlier(thread, next, handler_mask))
			next = find_next(thread, handler_mask);
		deliver_next(thread, next, blocked, uc, &handler_mask);
	}
	thread->signals = 0;
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
