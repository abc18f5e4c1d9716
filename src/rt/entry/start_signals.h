/*
 * Signals that are pending when an image starts.
 */
#ifndef RT_ENTRY_START_SIGNALS_H
#define RT_ENTRY_START_SIGNALS_H

#include "rt/base/thread.h"

/* The helper has no exit signal, but the kernel sends SIGCHLD for a child whose parent has called execve since, unless
 * that is ignored. A program that blocks SIGCHLD would find that one pending, so it is taken away. One was pending for
 * the process before, or is now: if two are, the first is the thread's own. ctx: boot */
void rt_start_drop_signal(struct rt_thread *thread, int helper);

#endif
