/*
 * Signals while an image starts, when all but SIGSYS are blocked.
 */
#ifndef RT_ENTRY_START_SIGNALS_H
#define RT_ENTRY_START_SIGNALS_H

#include "rt/base/thread.h"

/* The helper has no exit signal, but the kernel sends SIGCHLD for a child whose parent has called execve since, unless
 * that is ignored. A program that blocks SIGCHLD would find that one pending, so it is taken away. One was pending for
 * the process before, or is now: if two are, the first is the thread's own. ctx: boot */
void rt_start_drop_signal(struct rt_thread *thread, int helper);

/* While hooks start, which may take long or wait, signals do what they do by default, as the program has no handlers
 * yet: those that it does not block end or stop it. Not under a tracer, which knows nothing of this program before it
 * begins. Return, and are given, those that were unblocked for that. ctx: boot */
uint64_t rt_start_release_signals(const struct start_block *start);
void rt_start_hold_signals(uint64_t released);

#endif
