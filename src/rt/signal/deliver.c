#include "rt/signal/deliver.h"

#include <asm/errno.h>

#include "core/string.h"
#include "rt/base/mask.h"
#include "rt/signal/action.h"
#include "rt/signal/frame.h"

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

/* ctx: sigsys */
void rt_deliver_default(struct rt_thread *thread, int sig, siginfo_t *info, struct ucontext *uc)
{
	struct rt_sigaction action = { .handler = (uint64_t)SIG_DFL };

	sys(rt_sigaction, sig, &action, 0, 8);
	rt_deliver_queue(thread, sig, info);
	uc->uc_sigmask &= ~SIGBIT(sig);
}

/* The kernel's force_sigsegv: a signal frame could not be made. ctx: sigsys */
static void frame_failed(struct rt_thread *thread, int sig, struct ucontext *uc)
{
	siginfo_t info;

	if (sig == SIGSEGV || uc->uc_sigmask & SIGBIT(SIGSEGV) ||
	    thread->sighand->actions[SIGSEGV].handler <= (uint64_t)SIG_IGN) {
		rt_deliver_default(thread, SIGSEGV, NULL, uc);
		return;
	}
	memset(&info, 0, sizeof(info));
	info.si_signo = SIGSEGV;
	info.si_code = SI_KERNEL;
	rt_deliver(thread, SIGSEGV, &info, uc, uc->uc_sigmask);
}

/* ctx: sigsys */
void rt_deliver(struct rt_thread *thread, int sig, siginfo_t *info, struct ucontext *uc, uint64_t handler_mask)
{
	struct rt_sigaction action;
	uint64_t mask = uc->uc_sigmask | (thread->sigsys_blocked ? SIGBIT(SIGSYS) : 0);

	action = rt_action_take(thread, sig);
	if (action.handler == (uint64_t)SIG_IGN)
		return;
	if (action.handler == (uint64_t)SIG_DFL) {
		rt_deliver_default(thread, sig, info, uc);
		return;
	}
	if (failed(rt_frame_build(thread, &action, sig, info, uc, mask))) {
		frame_failed(thread, sig, uc);
		return;
	}
	if (!(action.flags & SA_NODEFER))
		action.mask |= SIGBIT(sig);
	if (action.mask & SIGBIT(SIGSYS))
		thread->sigsys_blocked = true;
	uc->uc_sigmask = (handler_mask | action.mask) & ~SIGBIT(SIGSYS);
}

/* ctx: sigsys */
void rt_deliver_deferred(struct rt_thread *thread, struct ucontext *uc)
{
	uint64_t handler_mask = thread->temporary ? thread->temporary_mask : thread->saved_mask;
	int sig = (int)thread->signal;

	rt_copy_regs(&uc->uc_mcontext, &thread->regs);
	uc->uc_sigmask = thread->saved_mask;
	thread->temporary = false;
	thread->signal = 0;
	rt_deliver(thread, sig, &thread->siginfo, uc, handler_mask);
}

/* ctx: sigsys */
void rt_deliver_give_back(struct rt_thread *thread, struct ucontext *uc)
{
	rt_mask_block();
	if (thread->signal) {
		rt_deliver_queue(thread, (int)thread->signal, &thread->siginfo);
		thread->signal = 0;
		uc->uc_sigmask = thread->saved_mask;
	}
}
