/*
 * System calls that a hook may not make by k23_syscall().
 */
#ifndef RT_HOOK_FORBIDDEN_H
#define RT_HOOK_FORBIDDEN_H

#include "rt/base/thread.h"

/* Whether the call would create, end or replace a process or thread, or change how signals are handled; the first time
 * there is a message. ctx: boot | entry | sigsys */
bool rt_hook_forbids(const struct rt_thread *thread, long nr, uint64_t a1, uint64_t a2);

#endif
