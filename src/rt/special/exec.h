/*
 * Executing a program, for the calls of both kinds.
 */
#ifndef RT_SPECIAL_EXEC_H
#define RT_SPECIAL_EXEC_H

#include "rt/base/thread.h"

/* execveat, or with AT_FDCWD and no flags execve. call: the kernel's call. ctx: entry */
long rt_exec(struct rt_thread *thread, struct k23_call *call, int dirfd, uint64_t path, unsigned flags);
#endif
