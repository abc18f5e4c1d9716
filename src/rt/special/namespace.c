/*
 * unshare and setns: after them a process's children belong to another PID namespace than it does itself, and so would
 * the helper of an execve, as the new namespace's first process even, with which the namespace ends. Such an execve is
 * refused (exec.c) until a child, which is inside, makes it.
 *
 * ctx: entry, for all here.
 */
#include <linux/sched.h>

#include "rt/special/special.h"

#define NS_GET_NSTYPE 0xb703 /* linux/nsfs.h: what kind of namespace a descriptor is */

long special_unshare(struct rt_thread *thread, struct k23_call *call)
{
	long r = rt_gate_program(call, thread);

	if (!failed(r) && call->args[0] & CLONE_NEWPID)
		thread->children_elsewhere = rt.namespaces = true;
	return r;
}

long special_setns(struct rt_thread *thread, struct k23_call *call)
{
	long r = rt_gate_program(call, thread);

	if (!failed(r) && (call->args[1] & CLONE_NEWPID ||
			   sys(ioctl, call->args[0], NS_GET_NSTYPE) == CLONE_NEWPID))
		thread->children_elsewhere = rt.namespaces = true;
	return r;
}
