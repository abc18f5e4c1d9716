/*
 * The tracee's side of being traced by a program that is under k23 itself: see trace.h.
 */
#include <asm/errno.h>
#include <linux/ptrace.h>

#include "core/string.h"
#include "rt/trace.h"

/* To the tracer's runtime, which swallows the signal. Without a tracer, or with one that is not under k23, the signal
 * arrives and is dropped by rt_signal, and the answer is -EPERM. ctx: entry */
long rt_rendezvous(struct rt_thread *thread, uint32_t kind, const struct start_block *block)
{
	struct rt_rendezvous box = { .magic = RT_RENDEZVOUS_MAGIC, .kind = kind, .answer = -EPERM };
	siginfo_t info;

	if (block)
		box.block = *block;
	memset(&info, 0, sizeof(info));
	info.si_signo = SIGSYS;
	info.si_code = SI_QUEUE;
	info.si_pid = thread->pid;
	info.si_ptr = &box;
	sys(rt_tgsigqueueinfo, thread->pid, thread->tid, SIGSYS, &info);
	return *(volatile int32_t *)&box.answer;
}

/* Whether this is a rendezvous to which nobody came. ctx: sigsys */
bool rt_is_rendezvous(const siginfo_t *info)
{
	const struct rt_thread *thread = rt_self();
	uintptr_t box = (uintptr_t)info->si_ptr;

	return info->si_signo == SIGSYS && info->si_code == SI_QUEUE && info->si_pid == thread->pid &&
	       rt_region_thread(box) == thread && box < thread->stack_top &&
	       ((const struct rt_rendezvous *)box)->magic == RT_RENDEZVOUS_MAGIC;
}

/* The last thing before a program starts whose execve was traced: its tracer sees the stops that belong to it, with the
 * program's registers. ctx: entry */
void rt_trace_started(struct rt_thread *thread, const struct start_block *start)
{
	siginfo_t info;

	if (!start->traced)
		return;
	if (start->traced & RT_TRACEME && failed(sys(ptrace, PTRACE_TRACEME)))
		return;
	rt_trace_stop(thread, RT_STOP_EXIT);
	if (!(start->traced & RT_TRAPPED))
		return;
	memset(&info, 0, sizeof(info));
	info.si_signo = SIGTRAP;
	info.si_code = SI_USER;
	info.si_pid = thread->pid;
	info.si_uid = (uint32_t)sys(getuid);
	sys(rt_tgsigqueueinfo, thread->pid, thread->tid, SIGTRAP, &info);
}
