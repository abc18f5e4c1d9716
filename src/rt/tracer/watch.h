/*
 * A tracee stops where natively it would not (tracer/ptraced.h), and must run on whatever its tracer does. The kernel
 * says so by SIGCHLD: in a tracer it always enters the runtime, which lets such tracees run on, and decides whether the
 * program is to know of the signal. A call that the signal has interrupted is made again (special/patience.h).
 */
#ifndef RT_TRACER_WATCH_H
#define RT_TRACER_WATCH_H

#include "rt/base/thread.h"
#include "rt/tracer/stops.h"

/* Whether a SIGCHLD is one that a tracer's runtime has to look at. ctx: sigsys; no locks */
bool rt_watch_concerns(const struct rt_thread *thread, const siginfo_t *info);
/* Such a one has come. reported: a wait of this thread has just reported something, which has not been looked at yet.
 * Returns whether the program is to get it, perhaps with other contents. ctx: sigsys, signals blocked */
bool rt_watch_signal(struct rt_thread *thread, siginfo_t *info, bool reported);
/* At the next end, as if SIGCHLD had come. ctx: entry, signals blocked */
void rt_watch_later(struct rt_thread *thread);
/* The thread is done with its tracees for now: what came meanwhile is looked at. ctx: entry */
void rt_watch_end(struct rt_thread *thread);

#endif
