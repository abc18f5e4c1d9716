/*
 * unshare and setns for a PID namespace: the children of the process belong to the new namespace, the process itself
 * does not. The helper of an execve would be such a child. As the first process of a new namespace, the helper would
 * end the namespace with itself. So the process's own execve goes without (exec.c), and so do those of the programs
 * that it becomes.
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
