/*
 * The guard: Syscall User Dispatch with the gate as the exempt range and no selector, so that nothing in the
 * program's memory decides which calls are caught. Its SIGSYS runs no hook: the thread goes on in the dispatcher, on the
 * runtime's stack (rt_guard_enter).
 */
#include <linux/prctl.h>

#include "core/string.h"
#include "rt/rt.h"

/* The kernel inherits it to nobody: each thread and process arms its own. ctx: entry, signals blocked */
long rt_guard_arm(void)
{
	return sys(prctl, PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, rt_gate_page,
		   rt_gate_page_end - rt_gate_page, 0);
}

/* ctx: entry, signals blocked */
long rt_guard_signal_stack(struct rt_thread *thread)
{
	struct rt_sigstack stack = { .base = thread->stack_top, .size = RT_SIGNAL_STACK_SIZE };

	return sys(sigaltstack, &stack, 0);
}

/* Makes an action that enters the runtime, with some of the program's flags. Not an initialiser: a compiler may keep
 * one with addresses in it as data to be relocated. */
void rt_signal_action(struct rt_sigaction *action, uint64_t flags)
{
	action->handler = (uint64_t)rt_signal_entry;
	action->flags = SA_SIGINFO | SA_ONSTACK | SA_RESTORER | flags;
	action->restorer = (uint64_t)rt_restorer;
	action->mask = ~0ul;
}

/* Makes SIGSYS enter the runtime. It leaves the mask as it is, so that the way to the dispatcher need not restore it. A
 * SIGSYS that a process sends makes calls restart, unless the program has a handler that says otherwise. */
long rt_guard_restarts(bool restarts)
{
	struct rt_sigaction action = { 0 };

	rt_signal_action(&action, SA_NODEFER | (restarts ? SA_RESTART : 0));
	action.mask = 0;
	return sys(rt_sigaction, SIGSYS, &action, 0, 8);
}

/* Makes SIGSYS, and if there are hooks the faults, enter the runtime. ctx: entry, signals blocked */
long rt_guard_install(void)
{
	static const uint8_t faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP };
	struct rt_sigaction action = { 0 };
	long r;

	r = rt_guard_restarts(true);
	rt_signal_action(&action, 0);
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

/* The program may use Syscall User Dispatch itself (special/prctl.c keeps what it asked for): whether its own
 * dispatch, asked as the kernel would, takes this call. It has been dealt with then. ctx: sigsys */
static bool program_dispatches(struct rt_thread *thread, siginfo_t *info, struct ucontext *uc)
{
	const struct rt_dispatch_request *dispatch = &thread->dispatch;
	uint8_t selector = 1;

	if (!dispatch->on || uc->uc_mcontext.rip - dispatch->start < dispatch->size)
		return false;
	if (dispatch->selector && failed(rt_copy_from(&selector, dispatch->selector, 1))) {
		rt_give_back(thread, uc);
		rt_kill_self(thread, SIGSEGV, NULL, uc);
		return true;
	}
	if (selector == 0)
		return false;
	rt_give_back(thread, uc);
	if (selector != 1 || thread->sigsys_blocked ||
	    thread->process->actions[SIGSYS].handler <= (uint64_t)SIG_IGN)
		rt_kill_self(thread, SIGSYS, selector == 1 ? info : NULL, uc);
	else
		rt_deliver(thread, SIGSYS, info, uc, uc->uc_sigmask);
	return true;
}

/* A system call outside the gate. Returns whether the thread, whose registers are saved then, is to enter the
 * dispatcher. A signal may come meanwhile: it is noted, as everywhere in the runtime. ctx: sigsys, program's mask */
bool rt_guard_trap(struct rt_thread *thread, siginfo_t *info, struct ucontext *uc)
{
	struct sigcontext *regs = &uc->uc_mcontext;

	if (regs->rip == (uint64_t)rt_selftrap_done) {
		rt_deliver_deferred(thread, uc);
		return false;
	}
	if (rt_in_image(regs->rip)) {
		/* A hook with a system call instruction of its own. */
		rt_panic("a hook makes system calls without k23_syscall", (long)regs->rip);
	}
	if (program_dispatches(thread, info, uc))
		return false;
	rt_copy_regs(&thread->regs, regs);
	thread->call.arch = info->si_arch;
	thread->call.way = K23_BY_GUARD;
	return true;
}
