/*
 * wait4 and waitid. They hide two things from the program. The helper of an execve under way is a child for __WALL
 * and __WCLONE. And a tracee makes stops for its runtime's sake (tracer/stops.h): the tracee is resumed, and the wait
 * goes on. Only a wait that reports a stop looks further; without WUNTRACED that is the stop of a tracee. What
 * differs: the thread that traces a tracee must be the thread that waits for it; another thread's wait shows hidden
 * stops.
 *
 * ctx: entry, for all here.
 */
#include <asm/errno.h>
#include <linux/futex.h>
#include <linux/time_types.h>
#include <linux/wait.h>

#include "core/string.h"
#include "rt/base/copy.h"
#include "rt/special/special.h"
#include "rt/special/tracing.h"
#include "rt/tracer/stops.h"

#define STOPPED 0x7f
#define UNWRITTEN -1 /* neither a status nor a signal: the kernel has not made the call, but a filter has answered it */

/* The helper's caller waits until a wait that has reaped the helper says so here. looked: the wait only looked
 * (WNOWAIT). */
static bool is_helper(const struct rt_thread *thread, long pid, bool looked)
{
	int32_t *helper = &thread->sighand->helper, found = (int32_t)pid;

	if (pid <= 0 || pid != __atomic_load_n(helper, __ATOMIC_RELAXED))
		return false;
	if (!looked)
		__atomic_compare_exchange_n(helper, &found, 0, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	return true;
}

/* Whether a wait that found nothing may have found children only because of the helper. That one is there for a
 * moment: the wait is made again when it is gone, as another thread's execve has failed. */
static bool was_for_helper(const struct rt_thread *thread, uint64_t options)
{
	static const struct __kernel_timespec moment = { .tv_nsec = 1000000 };
	int32_t *helper = &thread->sighand->helper, found = __atomic_load_n(helper, __ATOMIC_RELAXED);

	if (!found || !(options & WNOHANG) || !(options & (__WALL | __WCLONE)))
		return false;
	for (int i = 0; i < 200 && __atomic_load_n(helper, __ATOMIC_RELAXED) == found; i++)
		sys(futex, helper, FUTEX_WAIT_PRIVATE, found, &moment);
	return true;
}

/* Whether wait4 shows the program what the kernel has reported. May change the status. */
static bool concerns_program(const struct rt_thread *thread, long pid, int *status)
{
	uint32_t stop;

	if (is_helper(thread, pid, false))
		return false;
	if ((*status & 0xff) != STOPPED) {
		if (*status != 0xffff) /* continued */
			tracee_drop((int)pid);
		return true;
	}
	stop = tracee_stopped((int)pid, (uint32_t)*status >> 8, false);
	*status = (int)(stop << 8) | STOPPED;
	return stop;
}

/* Whether the signal that has come interrupts a wait that is made again after something hidden: the program's wait had
 * begun before. Not if its handler wants the wait to be made again. */
static bool is_interrupted(const struct rt_thread *thread, uint64_t options)
{
	const struct rt_sigaction *action = &thread->noted[0].action;

	return thread->signals && !(options & WNOHANG) && !(action->flags & SA_RESTART) &&
	       action->handler > (uint64_t)SIG_IGN;
}

long special_wait4(struct rt_thread *thread, struct k23_call *call)
{
	bool again = false;
	int status;
	long r;

	do {
		status = UNWRITTEN;
		r = rt_gate_forward(thread, call->nr, call->args[0], (uint64_t)&status, call->args[2], call->args[3], 0,
				    0);
		/* The kernel looks at the children before it looks at signals. */
		if (again && r == -K23_ERESTART) {
			r = sys(wait4, call->args[0], &status, call->args[2] | WNOHANG, call->args[3]);
			if (r == 0)
				r = is_interrupted(thread, call->args[2]) ? -EINTR : -K23_ERESTART;
		}
		tracing_begin(thread);
		again = r == 0 ? was_for_helper(thread, call->args[2])
			       : r > 0 && status != UNWRITTEN && !concerns_program(thread, r, &status);
		tracing_end(thread);
	} while (again);
	if (status != UNWRITTEN && call->args[1] && failed(rt_copy_to(call->args[1], &status, sizeof(status))))
		return -EFAULT;
	return r;
}

/* The same for waitid. A hidden stop ends even if the program only looks (WNOWAIT). */
static bool concerns_caller(const struct rt_thread *thread, siginfo_t *info, uint64_t options)
{
	uint32_t stop;

	if (is_helper(thread, info->si_pid, options & WNOWAIT))
		return false;
	if (info->si_code == CLD_EXITED || info->si_code == CLD_KILLED || info->si_code == CLD_DUMPED)
		if (!(options & WNOWAIT))
			tracee_drop(info->si_pid);
	if (info->si_code != CLD_TRAPPED)
		return true;
	stop = tracee_stopped(info->si_pid, (uint32_t)info->si_status, options & WNOWAIT);
	if (stop)
		info->si_status = (int)stop;
	return stop;
}

/* The kernel writes these fields and no others, even when the call fails, unless a filter has denied it. */
static long give(uint64_t to, const siginfo_t *info)
{
	if (!to || info->si_signo == UNWRITTEN)
		return 0;
	if (failed(rt_copy_to(to, info, offsetof(siginfo_t, si_pid) - 4)) ||
	    failed(rt_copy_to(to + offsetof(siginfo_t, si_pid), &info->si_pid, 12)))
		return -EFAULT;
	return 0;
}

long special_waitid(struct rt_thread *thread, struct k23_call *call)
{
	siginfo_t info;
	bool again = false;
	long r;

	do {
		memset(&info, 0, sizeof(info));
		info.si_signo = UNWRITTEN;
		r = rt_gate_forward(thread, call->nr, call->args[0], call->args[1], (uint64_t)&info,
				    call->args[3], call->args[4], 0);
		if (again && r == -K23_ERESTART) {
			r = sys(waitid, call->args[0], call->args[1], &info, call->args[3] | WNOHANG, call->args[4]);
			if (r == 0 && !info.si_pid)
				r = is_interrupted(thread, call->args[3]) ? -EINTR : -K23_ERESTART;
		}
		tracing_begin(thread);
		again = !failed(r) && (info.si_pid ? !concerns_caller(thread, &info, call->args[3])
						   : was_for_helper(thread, call->args[3]));
		tracing_end(thread);
	} while (again);
	if (r == -K23_ERESTART || rt_trapped(thread))
		return r;
	return failed(give(call->args[2], &info)) ? -EFAULT : r;
}
