/*
 * ctx: boot, for all here.
 */
#include "rt/entry/start_signals.h"

#include <linux/wait.h>

#include "rt/base/queue.h"

/* Takes one that is pending: that of the thread before that of the process. */
static bool take_child_signal(siginfo_t *info)
{
	const uint64_t set = SIGBIT(SIGCHLD), now[2] = { 0 };

	return sys(rt_sigtimedwait, &set, info, now, 8) == SIGCHLD;
}

/* The process's signal is the helper's: it gets that of another child which has ended meanwhile, as a standard signal
 * is pending only once. */
static void queue_childs_signal(int32_t pid)
{
	siginfo_t info = { 0 };

	sys(waitid, P_ALL, 0, &info, WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED, 0);
	if (info.si_pid)
		sys(rt_sigqueueinfo, pid, SIGCHLD, &info);
}

void rt_start_drop_signal(struct rt_thread *thread, int helper)
{
	struct rt_sigaction action = { 0 };
	siginfo_t first, second;

	sys(rt_sigaction, SIGCHLD, 0, &action, 8);
	if (action.handler == (uint64_t)SIG_IGN || !take_child_signal(&first))
		return;
	if (take_child_signal(&second)) {
		rt_queue_signal(thread, SIGCHLD, &first);
		first = second;
	}
	if (first.si_code > 0 && first.si_pid == helper)
		queue_childs_signal(thread->pid);
	else
		sys(rt_sigqueueinfo, thread->pid, SIGCHLD, &first);
}

uint64_t rt_start_release_signals(const struct start_block *start)
{
	uint64_t released = start->ptraced ? 0 : ~(start->sigmask | SIGBIT(SIGSYS) | RT_FAULTS);

	sys(rt_sigprocmask, SIG_UNBLOCK, &released, 0, 8);
	return released;
}

void rt_start_hold_signals(uint64_t released)
{
	sys(rt_sigprocmask, SIG_BLOCK, &released, 0, 8);
}
