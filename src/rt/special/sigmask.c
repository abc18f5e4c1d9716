/*
 * Calls with a signal mask or set: SIGSYS is taken out of what the kernel gets, and the program's view of it is
 * kept here. A mask is changed in the gate, so that a signal which comes before is not forgotten and one which
 * the new mask lets through finds the call done.
 *
 * ctx: entry, for all here.
 */
#include <asm/errno.h>

#include "core/string.h"
#include "rt/base/copy.h"
#include "rt/special/special.h"

static const uint64_t sigsys = SIGBIT(SIGSYS);

/* The program let SIGSYS through, and one had come. */
static void let_through(struct rt_thread *thread)
{
	if (!thread->sigsys_blocked &&
	    __atomic_exchange_n(&thread->sighand->sigsys_pending, 0, __ATOMIC_RELAXED))
		sys(tgkill, thread->pid, thread->tid, SIGSYS);
}

long special_rt_sigprocmask(struct rt_thread *thread, struct k23_call *call)
{
	uint64_t set = 0, masked, old = 0, from = call->args[1], to = call->args[2];
	bool blocked = thread->sigsys_blocked;
	long r;

	if (call->args[3] != 8)
		return -EINVAL;
	if (from && failed(rt_copy_from(&set, from, 8)))
		return -EFAULT;
	masked = set & ~sigsys;
	r = rt_gate_forward(thread, __NR_rt_sigprocmask, call->args[0], from ? (uint64_t)&masked : 0,
			    to ? (uint64_t)&old : 0, 8, 0, 0);
	if (r)
		return r;
	if (from) {
		if (call->args[0] == SIG_SETMASK)
			thread->sigsys_blocked = set & sigsys;
		else if (set & sigsys)
			thread->sigsys_blocked = call->args[0] == SIG_BLOCK;
		let_through(thread);
	}
	if (to) {
		old = (old & ~sigsys) | (blocked ? sigsys : 0);
		r = rt_copy_to(to, &old, 8);
	}
	return r;
}

long special_rt_sigpending(struct rt_thread *thread, struct k23_call *call)
{
	uint64_t set = 0;
	long r;

	if (call->args[1] > 8)
		return -EINVAL;
	r = rt_gate_forward(thread, call->nr, (uint64_t)&set, 8, 0, 0, 0, 0);
	if (r)
		return r;
	if (thread->sighand->sigsys_pending)
		set |= sigsys;
	return rt_copy_to(call->args[0], &set, call->args[1]);
}

long special_rt_sigtimedwait(struct rt_thread *thread, struct k23_call *call)
{
	uint64_t set;

	if (call->args[3] != 8)
		return -EINVAL;
	if (failed(rt_copy_from(&set, call->args[0], 8)))
		return -EFAULT;
	if (set & sigsys && __atomic_exchange_n(&thread->sighand->sigsys_pending, 0, __ATOMIC_RELAXED)) {
		siginfo_t info;

		memset(&info, 0, sizeof(info));
		info.si_signo = SIGSYS;
		if (call->args[1] && failed(rt_copy_to(call->args[1], &info, sizeof(info))))
			return -EFAULT;
		return SIGSYS;
	}
	set &= ~sigsys;
	return rt_gate_forward(thread, call->nr, (uint64_t)&set, call->args[1], call->args[2], 8, 0, 0);
}

long special_signalfd(struct rt_thread *thread, struct k23_call *call)
{
	uint64_t set;

	if (call->args[2] != 8)
		return -EINVAL;
	if (failed(rt_copy_from(&set, call->args[1], 8)))
		return -EFAULT;
	set &= ~sigsys;
	return rt_gate_forward(thread, call->nr, call->args[0], (uint64_t)&set, 8, call->args[3], 0, 0);
}

/* A call that waits with the mask at args[index], whose size is in the argument after it. */
static long wait_masked(struct rt_thread *thread, const struct k23_call *call, int index)
{
	struct k23_call own = *call;
	uint64_t mask;
	long r;

	if (!call->args[index] || call->args[index + 1] != 8)
		return rt_gate_program(call, thread);
	if (failed(rt_copy_from(&mask, call->args[index], 8)))
		return -EFAULT;
	mask &= ~sigsys;
	own.args[index] = (uint64_t)&mask;
	thread->temporary_mask = mask;
	thread->temporary = true;
	r = rt_gate_program(&own, thread);
	if (!thread->signals || r == -K23_ERESTART)
		thread->temporary = false;
	return r;
}

/* The same with args[index] pointing to { mask, size }, of which the size may be wider: the rest is kept. */
static long wait_masked_indirect(struct rt_thread *thread, const struct k23_call *call, int index, size_t size)
{
	struct k23_call own = *call;
	uint64_t argument[3], mask;
	long r;

	if (!call->args[index] || failed(rt_copy_from(argument, call->args[index], size)) || !argument[0] ||
	    (uint32_t)argument[1] != 8)
		return rt_gate_program(call, thread);
	if (failed(rt_copy_from(&mask, argument[0], 8)))
		return -EFAULT;
	mask &= ~sigsys;
	argument[0] = (uint64_t)&mask;
	own.args[index] = (uint64_t)argument;
	thread->temporary_mask = mask;
	thread->temporary = true;
	r = rt_gate_program(&own, thread);
	if (!thread->signals || r == -K23_ERESTART)
		thread->temporary = false;
	return r;
}

long special_rt_sigsuspend(struct rt_thread *thread, struct k23_call *call)
{
	if (!call->args[0])
		return call->args[1] == 8 ? -EFAULT : -EINVAL;
	return wait_masked(thread, call, 0);
}

long special_ppoll(struct rt_thread *thread, struct k23_call *call)
{
	return wait_masked(thread, call, 3);
}

long special_epoll_pwait(struct rt_thread *thread, struct k23_call *call)
{
	return wait_masked(thread, call, 4);
}

long special_pselect6(struct rt_thread *thread, struct k23_call *call)
{
	return wait_masked_indirect(thread, call, 5, 16);
}

long special_io_pgetevents(struct rt_thread *thread, struct k23_call *call)
{
	return wait_masked_indirect(thread, call, 5, 16);
}

long special_io_uring_enter(struct rt_thread *thread, struct k23_call *call)
{
	const uint64_t extended = 1u << 3, registered = 1u << 6; /* IORING_ENTER_EXT_ARG, _EXT_ARG_REG */

	if (!(call->args[3] & extended))
		return wait_masked(thread, call, 4);
	if (call->args[3] & registered || call->args[5] != 24)
		return rt_gate_program(call, thread);
	return wait_masked_indirect(thread, call, 4, 24);
}
