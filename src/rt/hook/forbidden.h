/*
 * System calls that a hook may not make by k23_syscall(), and those that it may not forward.
 */
#ifndef RT_HOOK_FORBIDDEN_H
#define RT_HOOK_FORBIDDEN_H

#include "abi/syscall.h"
#include "rt/base/thread.h"

/* Whether the call would create, end or replace a process or thread, change how signals are handled, or take the
 * runtime's memory; the first time there is a message. ctx: boot | entry | sigsys */
bool rt_hook_forbids(const struct rt_thread *thread, const struct k23_call *call);

/* Whether what runs may forward the call: a function for a call may, and a call that is made of the program's.
 * ctx: entry */
static inline bool rt_hook_may_forward(const struct rt_thread *thread, const struct k23_call *call)
{
	return !thread->callback && call->next && (call->arch == K23_ARCH_X86_64 || call->arch == K23_ARCH_I386);
}

/* What k23_forward() returns to others; the first time there is a message. ctx: boot | entry | sigsys */
long rt_hook_refuse_forward(const struct rt_thread *thread);

#endif
