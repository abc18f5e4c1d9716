/*
 * Syscall User Dispatch with the gate as the exempt range and no selector, so that nothing in the program's memory
 * decides which calls are caught.
 */
#include <asm/errno.h>
#include <linux/prctl.h>

#include "rt/base/copy.h"
#include "rt/base/gate.h"
#include "rt/base/mask.h"
#include "rt/base/return.h"
#include "rt/guard/guard.h"
#include "rt/signal/action.h"
#include "rt/signal/deliver.h"
#include "rt/x86_64/base/gs.h"

/* The kernel's own, from the first to the last of them. */
#define ERESTARTSYS 512
#define ERESTART_RESTARTBLOCK 516

/* ctx: boot | entry, signals blocked */
long rt_guard_arm(void)
{
	return sys(prctl, PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, rt_gate_page,
		   rt_gate_page_end - rt_gate_page, 0);
}

/* There is one exempt range: it leads from the gate to there. ctx: entry, signals blocked */
long rt_guard_open(uint64_t ip)
{
	uint64_t start = (uint64_t)rt_gate_page, end = (uint64_t)rt_gate_page_end;

	start = ip < start ? ip : start;
	end = ip >= end ? ip + 1 : end;
	return sys(prctl, PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, start, end - start, 0);
}

/* The kernel raises SIGSYS with the number in the register of the result, and then looks there for the error of a call
 * that the signal has interrupted: for that it takes a few numbers that no call has. ctx: sigsys */
void rt_guard_undo_restart(const siginfo_t *info, struct core_regs *regs)
{
	uint64_t after = (uint64_t)info->si_call_addr, ip = rt_regs_ip(regs);

	if (info->si_code != SYS_USER_DISPATCH || info->si_syscall > -ERESTARTSYS ||
	    info->si_syscall < -ERESTART_RESTARTBLOCK || (ip != after && ip != after - RT_SYSCALL_SIZE))
		return;
	if (ip != after)
		rt_regs_set_ip(regs, after);
	else if ((long)rt_regs_result(regs) == -EINTR)
		rt_regs_set_result(regs, info->si_syscall);
}

/* ctx: sigsys */
bool rt_guard_owns(const siginfo_t *info, uint64_t ip)
{
	return rt_sigsys_is(info, SYS_USER_DISPATCH) && (uint64_t)info->si_call_addr == ip;
}

/* The kernel has one place in the queue of a thread for SIGSYS, and drops the guard's if another waits there. Then the
 * registers are as after a `syscall`. So they are when a call has been made, but then RF is set (x86_64/arch.h); or it
 * came by the fast path, for which %gs has to be ours. ctx: sigsys */
bool rt_guard_missed(const struct rt_thread *thread, const struct core_regs *regs)
{
	uint64_t ip = rt_regs_ip(regs);
	uint8_t code[RT_SYSCALL_SIZE];

	if (!rt_regs_missed(regs) || failed(rt_copy_from(code, ip - sizeof(code), sizeof(code))) ||
	    !rt_is_syscall(code))
		return false;
	/* With RF lost, the result tells: if it is not the call's number, another number would be in its place. */
	if (rt.bundle->flags & BUNDLE_FLAGS_LOST && thread->orig_nr != RT_NO_NR && rt_regs_same(regs, &thread->regs) &&
	    rt_regs_result(regs) != thread->orig_nr)
		return false;
	return !rt_gs_used() ||
	       !(ip == thread->fast_return || (thread->call.way == K23_BY_SITE && thread->call.ip == ip));
}

/* By rt_return, which sets it without the kernel. ctx: entry | sigsys */
void rt_guard_keep_mark(struct rt_thread *thread, struct core_regs *regs)
{
	if (rt.bundle->flags & BUNDLE_FLAGS_LOST && thread->call.way != K23_BY_SITE && rt_regs_behind_call(regs) &&
	    rt_regs_same(regs, &thread->regs))
		rt_regs_enter(regs, (uint64_t)rt_return, (uint64_t)thread, thread->stack_top);
}

/* The program may use Syscall User Dispatch itself (special/prctl.c keeps what it asked for): its own dispatch is
 * asked as the kernel would. ctx: sigsys, program's mask */
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

/* Linux 6.16: the kernel says EFAULT of this selector if it knows the mode, and EINVAL of the mode otherwise. ctx:
 * entry */
static bool knows_inclusive(void)
{
	return sys(prctl, PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_INCLUSIVE_ON, 1, 1, ~0ul) == -EFAULT;
}

/* The kernel's task_set_syscall_user_dispatch. ctx: entry */
long rt_guard_request(struct rt_dispatch_request *request, uint64_t mode, uint64_t start, uint64_t size,
		      uint64_t selector)
{
	switch (mode) {
	case PR_SYS_DISPATCH_OFF:
		if (start || size || selector)
			return -EINVAL;
		break;
	case PR_SYS_DISPATCH_ON:
		if (start && start + size <= start)
			return -EINVAL;
		break;
	case PR_SYS_DISPATCH_INCLUSIVE_ON:
		if (!size || start + size <= start || !knows_inclusive())
			return -EINVAL;
		/* All but the range. */
		start += size;
		size = -size;
		break;
	default:
		return -EINVAL;
	}
	if (selector >= KERNEL_TASK_SIZE_MAX)
		return -EFAULT;
	*request = (struct rt_dispatch_request){ start, size, selector, mode != PR_SYS_DISPATCH_OFF };
	return 0;
}
