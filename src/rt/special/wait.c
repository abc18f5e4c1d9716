/*
 * wait4 and waitid: while a process calls execve it has a helper, which __WALL and __WCLONE would show the
 * program as a child.
 */
#include <asm/errno.h>

#include "core/string.h"
#include "rt/special/special.h"

#define WCLONE 0x80000000u
#define WALL 0x40000000u

static bool is_helper(const struct rt_thread *thread, long pid)
{
	return pid > 0 && pid == __atomic_load_n(&thread->process->helper, __ATOMIC_RELAXED);
}

long special_wait4(struct rt_thread *thread, struct k23_call *call)
{
	long r;

	if (!(call->args[2] & (WCLONE | WALL)))
		return rt_gate_program(call, thread);
	do
		r = rt_gate_program(call, thread);
	while (is_helper(thread, r));
	return r;
}

long special_waitid(struct rt_thread *thread, struct k23_call *call)
{
	siginfo_t info;
	long r;

	if (!(call->args[3] & (WCLONE | WALL)) || !call->args[2])
		return rt_gate_program(call, thread);
	do {
		memset(&info, 0, sizeof(info));
		r = special_forward(thread, call->nr, call->args[0], call->args[1], (uint64_t)&info,
				    call->args[3], call->args[4], 0);
	} while (!failed(r) && is_helper(thread, info.si_pid));
	/* The kernel writes these fields, and no others, also when the call fails. */
	if (r == -K23_ERESTART)
		return r;
	if (failed(rt_copy_to(call->args[2], &info, offsetof(siginfo_t, si_pid) - 4)) ||
	    failed(rt_copy_to(call->args[2] + offsetof(siginfo_t, si_pid), &info.si_pid, 12)))
		return -EFAULT;
	return r;
}
