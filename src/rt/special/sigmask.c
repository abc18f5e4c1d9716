/*
 * Calls with a signal mask or set. The program's view of SIGSYS in its mask is kept here: really blocked it is during a
 * call only (signal/sigsys.h). A mask is changed in the gate, so that a signal which comes before is not forgotten and
 * one which the new mask lets through finds the call done.
 *
 * ctx: entry, for all here.
 */
#include <asm/errno.h>

#include "core/string.h"
#include "rt/base/copy.h"
#include "rt/signal/hand_over.h"
#include "rt/signal/sigsys.h"
#include "rt/special/sigmask.h"
#include "rt/special/special.h"
#include "rt/special/uring.h"

static const uint64_t sigsys = SIGBIT(SIGSYS);

/* A thread that keeps a SIGSYS of the process's looks for one that lets it through: each looks after it has told the
 * other. */
static void let_through(struct rt_thread *thread)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	rt_sigsys_hold(thread, true);
}

static void note_change(struct rt_thread *thread, int how, uint64_t set)
{
	if (how == SIG_SETMASK)
		thread->blocked = set;
	else if (how == SIG_BLOCK)
		thread->blocked |= set;
	else
		thread->blocked &= ~set;
}

long rt_sigmask_change(struct rt_thread *thread, uint64_t how, const uint64_t *set, uint64_t *old)
{
	uint64_t masked, before = RT_NO_MASK, from = (uint64_t)set;
	bool blocked = thread->sigsys_blocked, sets = from && from != RT_NO_ADDRESS;
	bool asks = old || thread->sighand->seccomp;
	long r;

	if (sets) {
		masked = thread->sigsys_held ? *set : *set & ~sigsys;
		from = (uint64_t)&masked;
	}
	r = rt_gate_forward(thread, __NR_rt_sigprocmask, how, from, asks ? (uint64_t)&before : 0, 8, 0, 0);
	if (old)
		*old = RT_NO_MASK;
	if (r || (asks && before == RT_NO_MASK))
		return r;
	if (sets) {
		note_change(thread, (int)how, *set); /* the kernel, too, takes the lower half */
		if ((int)how == SIG_SETMASK)
			thread->sigsys_blocked = *set & sigsys;
		else if (*set & sigsys)
			thread->sigsys_blocked = (int)how == SIG_BLOCK;
		if (blocked && !thread->sigsys_blocked)
			let_through(thread);
	}
	if (old)
		*old = (before & ~sigsys) | (blocked ? sigsys : 0);
	return 0;
}

long special_rt_sigprocmask(struct rt_thread *thread, struct k23_call *call)
{
	uint64_t set = 0, old = 0, from = call->args[1], to = call->args[2];
	long r;

	if (call->args[3] != 8)
		return rt_gate_any(call, thread); /* the kernel's own error */
	if (from)
		from = failed(rt_copy_from(&set, from, 8)) ? RT_NO_ADDRESS : (uint64_t)&set;
	r = rt_sigmask_change(thread, call->args[0], (const uint64_t *)from, to ? &old : NULL);
	return r || !to || old == RT_NO_MASK ? r : rt_copy_to(to, &old, 8);
}

long special_rt_sigpending(struct rt_thread *thread, struct k23_call *call)
{
	uint64_t set = RT_NO_MASK;
	long r;

	if (call->args[1] > 8)
		return rt_gate_program(call, thread); /* the kernel's own error */
	r = rt_gate_forward(thread, call->nr, (uint64_t)&set, 8, 0, 0, 0, 0);
	if (r || set == RT_NO_MASK)
		return r;
	if (thread->sigsys_blocked && rt_sigsys_kept(thread))
		set |= sigsys;
	return rt_copy_to(call->args[0], &set, call->args[1]);
}

/* The kernel has given the call a SIGSYS, with its information at `to`, or in *info if that is NULL. It may stand
 * for another. Whether there is one. */
static bool has_come(struct rt_thread *thread, uint64_t to, siginfo_t *info, long *r)
{
	if (to && failed(rt_copy_from(info, to, sizeof(*info))))
		return true;
	rt_sigsys_comes(thread, info);
	if (!rt_sigsys_resolve(thread, info))
		return false;
	if (to && failed(rt_copy_to(to, info, sizeof(*info))))
		*r = -EFAULT;
	return true;
}

/* The call has taken a signal, which may be one that was handed over. */
static long show_code(uint64_t info, long sig)
{
	const uint64_t at = info + offsetof(siginfo_t, si_code);
	int code, before;

	if (!info || failed(rt_copy_from(&code, at, sizeof(code))))
		return sig;
	before = rt_handed_over_code(code);
	return before != code && failed(rt_copy_to(at, &before, sizeof(before))) ? -EFAULT : sig;
}

/* A thread that was let have the signals of faults may have taken the one that has ended the wait. It gives it back. */
static long wait_unlent(struct rt_thread *thread, const struct k23_call *call)
{
	uint32_t lends;
	long r;

	do {
		lends = __atomic_load_n(&rt.lends_ended, __ATOMIC_SEQ_CST);
		r = rt_gate_program(call, thread);
	} while (r == -EINTR && !thread->signals && lends != __atomic_load_n(&rt.lends, __ATOMIC_SEQ_CST));
	return r;
}

long special_rt_sigtimedwait(struct rt_thread *thread, struct k23_call *call)
{
	struct k23_call own = *call;
	siginfo_t info;
	uint64_t set;
	long r;

	if (call->args[3] != 8 || failed(rt_copy_from(&set, call->args[0], 8)) || !(set & sigsys)) {
		r = wait_unlent(thread, call);
		return r > 0 ? show_code(call->args[1], r) : r;
	}
	if (!call->args[1])
		own.args[1] = (uint64_t)&info;
	__atomic_store_n(&thread->sigsys_awaited, true, __ATOMIC_SEQ_CST);
	/* Another thread may have taken the one that has ended the wait, and keeps it. */
	do {
		let_through(thread);
		r = rt_gate_program(&own, thread);
	} while ((r == SIGSYS && !has_come(thread, call->args[1], &info, &r)) ||
		 (r == -EINTR && !thread->signals && rt_sigsys_kept(thread)));
	thread->sigsys_awaited = false;
	return r;
}

/* A call that waits with the given mask. */
static long wait_with(struct rt_thread *thread, const struct k23_call *call, uint64_t mask)
{
	long r;

	thread->temporary_mask = mask;
	thread->temporary = true;
	if (thread->sigsys_blocked && !(mask & sigsys))
		let_through(thread);
	r = rt_gate_program(call, thread);
	if (!thread->signals || r == -K23_ERESTART)
		thread->temporary = false;
	return r;
}

/* The mask is at args[index], and its size in the argument after it. What is wrong with it is the kernel's to say, and
 * in its turn. */
static long wait_masked(struct rt_thread *thread, const struct k23_call *call, int index)
{
	struct k23_call own = *call;
	uint64_t mask;

	if (!call->args[index] || call->args[index + 1] != 8)
		return rt_gate_program(call, thread);
	if (failed(rt_copy_from(&mask, call->args[index], 8)))
		return rt_gate_program(call, thread);
	own.args[index] = (uint64_t)&mask;
	return wait_with(thread, &own, mask);
}

/* The same with args[index] pointing to { mask, size }, of which the size may be wider: the rest is kept. */
static long wait_masked_indirect(struct rt_thread *thread, const struct k23_call *call, int index, size_t size)
{
	struct k23_call own = *call;
	uint64_t argument[3], mask;

	if (!call->args[index] || failed(rt_copy_from(argument, call->args[index], size)) || !argument[0] ||
	    (uint32_t)argument[1] != 8)
		return rt_gate_program(call, thread);
	own.args[index] = (uint64_t)argument;
	if (failed(rt_copy_from(&mask, argument[0], 8))) {
		argument[0] = RT_NO_ADDRESS;
		return rt_gate_program(&own, thread);
	}
	argument[0] = (uint64_t)&mask;
	return wait_with(thread, &own, mask);
}

long special_rt_sigsuspend(struct rt_thread *thread, struct k23_call *call)
{
	struct k23_call own = *call;

	if (!own.args[0])
		own.args[0] = RT_NO_ADDRESS; /* here that is an error, too */
	return wait_masked(thread, &own, 0);
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

long rt_io_uring_enter(struct rt_thread *thread, struct k23_call *call)
{
	const uint64_t extended = 1u << 3, registered = 1u << 6; /* IORING_ENTER_EXT_ARG, _EXT_ARG_REG */

	if (!(call->args[3] & extended))
		return wait_masked(thread, call, 4);
	if (call->args[3] & registered || call->args[5] != 24)
		return rt_gate_program(call, thread);
	return wait_masked_indirect(thread, call, 4, 24);
}
