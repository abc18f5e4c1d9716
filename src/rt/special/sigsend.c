/*
 * Calls that send a signal to a thread. The guard's SIGSYS and one that the program sends have one place in the
 * kernel's queue of a thread. So one for a thread of this process is kept for it before it is sent (signal/sigsys.h):
 * whatever the kernel then drops, the thread finds it.
 *
 * ctx: entry, for all here.
 */
#include "core/string.h"
#include "rt/base/copy.h"
#include "rt/signal/sigsys.h"
#include "rt/special/special.h"

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

/* Makes a call by which the program sends a SIGSYS to a thread. */
static long send_kept(struct rt_thread *thread, struct k23_call *call, struct rt_thread *to)
{
	long r = rt_gate_program(call, thread);

	if (r || rt_trapped(thread))
		rt_sigsys_withdraw(to);
	return r;
}

static long send(struct rt_thread *thread, struct k23_call *call, uint64_t tid, uint64_t sig)
{
	struct rt_thread *to = (int)sig == SIGSYS ? find_target(thread, tid) : NULL;
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	info.si_signo = SIGSYS;
	info.si_code = SI_TKILL;
	info.si_pid = thread->pid;
	if (!to)
		return rt_gate_program(call, thread);
	info.si_uid = (uint32_t)sys(getuid);
	if (!rt_sigsys_announce(to, &info, true))
		return rt_gate_program(call, thread);
	return send_kept(thread, call, to);
}

long special_tkill(struct rt_thread *thread, struct k23_call *call)
{
	return send(thread, call, call->args[0], call->args[1]);
}

long special_tgkill(struct rt_thread *thread, struct k23_call *call)
{
	if ((int32_t)call->args[0] != thread->pid)
		return rt_gate_program(call, thread);
	return send(thread, call, call->args[1], call->args[2]);
}

long special_rt_tgsigqueueinfo(struct rt_thread *thread, struct k23_call *call)
{
	bool ours = (int32_t)call->args[0] == thread->pid && (int)call->args[2] == SIGSYS;
	struct rt_thread *to = ours ? find_target(thread, call->args[1]) : NULL;
	struct k23_call own = *call;
	siginfo_t info, stands;

	if (!to || failed(rt_copy_from(&info, call->args[3], sizeof(info))))
		return rt_gate_program(call, thread);
	info.si_signo = SIGSYS;
	if (!rt_sigsys_announce(to, &info, false))
		return rt_gate_program(call, thread);
	rt_sigsys_stand(thread, &stands);
	own.args[3] = (uint64_t)&stands;
	return send_kept(thread, &own, to);
}
