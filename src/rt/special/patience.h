/*
 * In a tracer, SIGCHLD may interrupt a call without the program's being told of the signal (tracer/watch.h). Natively
 * the call would not be interrupted: it is made again, with the time that is left.
 */
#ifndef RT_SPECIAL_PATIENCE_H
#define RT_SPECIAL_PATIENCE_H

#include "rt/special/special.h"

/* Makes a call by `make`, until nothing but its own end, or a signal of the program, has ended it. ctx: entry */
long rt_make_patiently(struct rt_thread *thread, struct k23_call *call, rt_special_fn *make);

#endif
