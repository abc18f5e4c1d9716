/*
 * Calls that send a signal. The guard's SIGSYS and one that the program sends have one place in the kernel's queue of a
 * thread. So one for a thread of this process is kept for it before it is sent (signal/sigsys.h): whatever the kernel
 * then drops, the thread finds it. One that the process ignores is not sent, because the kernel, which has a handler,
 * would not drop it; when a thread takes it, the process may have another action.
 *
 * ctx: entry, for all here.
 */
#include <asm/errno.h>

#include "core/string.h"
#include "rt/base/copy.h"
#include "rt/signal/sigsys.h"
#include "rt/special/special.h"
#include "rt/world/kill.h"

struct target {
	int32_t pid, tid;
};

static bool is_target(const struct rt_thread *thread, const void *key)
{
	const struct target *target = key;

	return thread->tid == target->tid && thread->pid == target->pid;
}

static struct rt_thread *find_target(const struct rt_thread *thread, uint64_t tid)
{
	struct target target = { thread->pid, (int32_t)tid };

	return rt_thread_find(is_target, &target);
}

static bool would_take(const struct rt_thread *thread)
{
	return !rt_sigsys_blocked(thread) || thread->sigsys_awaited;
}

/* Whether a SIGSYS for the thread would be dropped as soon as it is sent, and no tracer sees it. */
static bool is_ignored(const struct rt_thread *to)
{
	return to->sighand->actions[SIGSYS].handler == (uint64_t)SIG_IGN && !rt_sigsys_blocked(to) &&
	       !to->sigsys_awaited && !(rt.ptraced & RT_PTRACED);
}

/* Makes the call without the signal, which is one of its arguments: a filter of the program has its say. */
static long send_nothing(struct rt_thread *thread, const struct k23_call *call, int sig_argument)
{
	struct k23_call own = *call;

	own.args[sig_argument] = 0;
	return rt_gate_program(&own, thread);
}

/* Makes a call by which the program sends a SIGSYS to a thread. */
static long send_kept(struct rt_thread *thread, const struct k23_call *call, struct rt_thread *to)
{
	long r = rt_gate_program(call, thread);

	if (r || rt_trapped(thread))
		rt_sigsys_withdraw(to);
	return r;
}

/* The arguments from tid_argument on are the thread's id and the signal. */
static long send(struct rt_thread *thread, struct k23_call *call, int tid_argument)
{
	bool sigsys = (int)call->args[tid_argument + 1] == SIGSYS;
	struct rt_thread *to = sigsys ? find_target(thread, call->args[tid_argument]) : NULL;
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	info.si_signo = SIGSYS;
	info.si_code = SI_TKILL;
	info.si_pid = thread->pid;
	if (!to)
		return rt_gate_program(call, thread);
	if (is_ignored(to))
		return send_nothing(thread, call, tid_argument + 1);
	info.si_uid = (uint32_t)sys(getuid);
	if (!rt_sigsys_announce(to, &info, true))
		return rt_gate_program(call, thread);
	return send_kept(thread, call, to);
}

/* Makes a call that sends a signal to a process, which may share the memory. pid: 0 or less: to any. */
static long send_elsewhere(struct rt_thread *thread, struct k23_call *call, int32_t pid, int sig, rt_special_fn *make)
{
	bool shared = pid != thread->pid && rt_kill_begin(pid, sig);
	long r = make(thread, call);

	if (shared)
		rt_kill_end();
	return r;
}

static long make(struct rt_thread *thread, struct k23_call *call)
{
	return rt_gate_program(call, thread);
}

static long tkill(struct rt_thread *thread, struct k23_call *call)
{
	return send(thread, call, 0);
}

long special_tkill(struct rt_thread *thread, struct k23_call *call)
{
	return send_elsewhere(thread, call, (int32_t)call->args[0], (int)call->args[1], tkill);
}

long special_tgkill(struct rt_thread *thread, struct k23_call *call)
{
	int32_t pid = (int32_t)call->args[0];

	if (pid != thread->pid)
		return send_elsewhere(thread, call, pid, (int)call->args[2], make);
	return send(thread, call, 1);
}

long special_pidfd_send_signal(struct rt_thread *thread, struct k23_call *call)
{
	return send_elsewhere(thread, call, 0, (int)call->args[1], make);
}

static long rt_tgsigqueueinfo(struct rt_thread *thread, struct k23_call *call)
{
	int sig = (int)call->args[2];
	bool ours = (int32_t)call->args[0] == thread->pid && sig >= 1 && sig <= RT_SIGNALS;
	struct rt_thread *to = ours ? find_target(thread, call->args[1]) : NULL;
	struct k23_call own = *call;
	siginfo_t info, stands;
	long r;

	/* Its information does not show that it is for the thread. */
	if (to)
		__atomic_fetch_or(&to->queued, SIGBIT(sig), __ATOMIC_RELAXED);
	if (!to || sig != SIGSYS || failed(rt_copy_from(&info, call->args[3], sizeof(info))))
		return rt_gate_program(call, thread);
	if (is_ignored(to))
		return send_nothing(thread, call, 2);
	info.si_signo = SIGSYS;
	if (!rt_sigsys_announce(to, &info, false)) {
		r = rt_gate_program(call, thread);
		if (r == 0 && to == thread && thread->sigsys_held && !thread->sigsys_queued)
			rt_sigsys_queued(thread, &info, true);
		return r;
	}
	rt_sigsys_stand(thread, &stands);
	own.args[3] = (uint64_t)&stands;
	return send_kept(thread, &own, to);
}

static bool awaits(const struct rt_thread *thread, const void *key)
{
	return thread->pid == ((const struct rt_thread *)key)->pid &&
	       __atomic_load_n(&thread->sigsys_awaited, __ATOMIC_RELAXED);
}

/* The thread of the process that is to take a SIGSYS, if the kernel would have another one take it: one that waits for
 * it, which the caller's handler must not take it from; or the caller, which takes it before the call returns. to: the
 * thread that the call names, which takes it if it can. */
static struct rt_thread *find_taker(struct rt_thread *thread, struct rt_thread *to)
{
	if (to->sigsys_awaited || would_take(to))
		return to->sigsys_awaited ? to : NULL;
	return would_take(thread) ? thread : rt_thread_find(awaits, thread);
}

/* Makes a call that sends a SIGSYS to the process as one that sends it to a thread. */
static long send_to_taker(struct rt_thread *thread, const struct k23_call *call, struct rt_thread *taker)
{
	siginfo_t info;
	long r;

	memset(&info, 0, sizeof(info));
	if (call->nr == __NR_kill) {
		info.si_code = SI_USER;
		info.si_pid = thread->pid;
		info.si_uid = (uint32_t)sys(getuid);
	} else if (failed(rt_copy_from(&info, call->args[2], sizeof(info)))) {
		return -EFAULT;
	}
	info.si_signo = SIGSYS;
	if (!rt_sigsys_announce(taker, &info, false))
		return rt_gate_program(call, thread);
	r = send_nothing(thread, call, 1);
	if (r || rt_trapped(thread)) {
		rt_sigsys_withdraw(taker);
		return r;
	}
	rt_sigsys_stand(thread, &info);
	sys(rt_tgsigqueueinfo, thread->pid, taker->tid, SIGSYS, &info);
	return 0;
}

long special_rt_tgsigqueueinfo(struct rt_thread *thread, struct k23_call *call)
{
	return send_elsewhere(thread, call, (int32_t)call->args[0], (int)call->args[2], rt_tgsigqueueinfo);
}

/* kill and rt_sigqueueinfo, which send a signal to a process. The thread that has the id, mostly the first one, takes
 * it, or another one if that one blocks it. The kernel knows of none that does. */
static long kill(struct rt_thread *thread, struct k23_call *call)
{
	struct rt_thread *to = (int)call->args[1] == SIGSYS ? find_target(thread, call->args[0]) : NULL, *taker;

	if (!to || rt.ptraced & RT_PTRACED)
		return rt_gate_program(call, thread);
	taker = find_taker(thread, to);
	if (is_ignored(to) || (taker == thread && is_ignored(thread)))
		return send_nothing(thread, call, 1);
	return taker ? send_to_taker(thread, call, taker) : rt_gate_program(call, thread);
}

long special_kill(struct rt_thread *thread, struct k23_call *call)
{
	return send_elsewhere(thread, call, (int32_t)call->args[0], (int)call->args[1], kill);
}
