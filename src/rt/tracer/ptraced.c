#include "rt/tracer/ptraced.h"

#include <asm/errno.h>
#include <linux/ptrace.h>

#include "core/string.h"

/* ctx: boot | entry */
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

/* ctx: sigsys */
bool rt_is_rendezvous(const siginfo_t *info)
{
	const struct rt_thread *thread = rt_self();
	uintptr_t box = (uintptr_t)info->si_ptr;

	return info->si_signo == SIGSYS && info->si_code == SI_QUEUE && info->si_pid == thread->pid &&
	       rt_region_thread(box) == thread && box < thread->stack_top &&
	       ((const struct rt_rendezvous *)box)->magic == RT_RENDEZVOUS_MAGIC;
}

/* ctx: boot */
void rt_ptraced_started(struct rt_thread *thread, const struct start_block *start)
{
	siginfo_t info;

	if (!start->ptraced)
		return;
	if (start->ptraced & RT_PTRACED_TRACEME && failed(sys(ptrace, PTRACE_TRACEME)))
		return;
	rt_ptraced_stop(thread, RT_STOP_EXIT);
	if (!(start->ptraced & RT_PTRACED_TRAPPED))
		return;
	memset(&info, 0, sizeof(info));
	info.si_signo = SIGTRAP;
	info.si_code = SI_USER;
	info.si_pid = thread->pid;
	info.si_uid = (uint32_t)sys(getuid);
	sys(rt_tgsigqueueinfo, thread->pid, thread->tid, SIGTRAP, &info);
}
