/*
 * What surrounds the work with tracees in a tracer. The first tracee makes the process watch its tracees
 * (tracer/watch.h). And a tracer that nothing in here works for.
 */
#ifndef RT_SPECIAL_TRACING_H
#define RT_SPECIAL_TRACING_H

#include "rt/base/thread.h"

/* Until the end, SIGCHLD of this thread waits. An end is also where the program has changed the action of SIGCHLD.
 * ctx: entry */
void tracing_begin(struct rt_thread *thread);
void tracing_end(struct rt_thread *thread);

/* Counts a gap (abi/gaps.h) if a tracer from outside of k23 traces the process. ctx: entry */
void rt_note_tracer(void);

#endif
