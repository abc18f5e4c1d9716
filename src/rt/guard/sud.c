/*
 * Syscall User Dispatch with the gate as the exempt range and no selector, so that nothing in the program's memory decides
 * which calls are caught.
 */
#include <linux/prctl.h>

#include "rt/base/copy.h"
#include "rt/base/gate.h"
#include "rt/base/mask.h"
#include "rt/guard/guard.h"
#include "rt/signal/action.h"
#include "rt/signal/deliver.h"

/* ctx: boot | entry, signals blocked */
long rt_guard_arm(void)
{
	return sys(prctl, PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, rt_gate_page,
		   rt_gate_page_end - rt_gate_page, 0);
}

/* ctx: sigsys */
bool rt_guard_owns(const siginfo_t *info, uint64_t ip)
{
	return info->si_code == SYS_USER_DISPATCH && (uint64_t)info->si_call_addr == ip;
}

/* The program may use Syscall User Dispatch itself (special/prctl.c keeps what it asked for): its own dispatch is asked as
 * the kernel would. ctx: sigsys, program's mask */
bool rt_guard_review(struct rt_thread *thread, siginfo_t *info, struct ucontext *uc)
{
	const struct rt_dispatch_request *dispatch = &thread->dispatch;
	uint8_t selector = SYSCALL_DISPATCH_FILTER_BLOCK;
	struct rt_sigaction action;
	bool readable;

	if (!dispatch->on || (uint64_t)info->si_call_addr - dispatch->start < dispatch->size)
		return true;
	readable = !dispatch->selector || !failed(rt_copy_from(&selector, dispatch->selector, 1));
	if (readable && selector == SYSCALL_DISPATCH_FILTER_ALLOW)
		return true;
	rt_mask_block_all();
	action = rt_action_force(thread, SIGSYS);
	if (!readable)
		rt_deliver_default(thread, SIGSEGV, NULL, uc);
	else if (selector != SYSCALL_DISPATCH_FILTER_BLOCK || thread->sigsys_blocked ||
		 action.handler <= (uint64_t)SIG_IGN)
		rt_deliver_default(thread, SIGSYS, selector == SYSCALL_DISPATCH_FILTER_BLOCK ? info : NULL, uc);
	else
		rt_deliver(thread, SIGSYS, info, &action, uc, uc->uc_sigmask);
	rt_deliver_noted(thread, uc, uc->uc_sigmask);
	return false;
}
