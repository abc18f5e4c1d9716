/*
 * The execve of a tracee. It cannot have a helper (inject/inject.h), because a tracee can have no second tracer. So the
 * runtime in its tracer does what a helper would.
 */
#ifndef RT_TRACER_EXEC_H
#define RT_TRACER_EXEC_H

#include "rt/tracer/tracee.h"

/* The tracee stopped for a SIGSYS that it queued to itself, which may be a rendezvous (ptraced.h). Returns the stop
 * that the tracer's program is to see, or 0 when the tracee runs on. ctx: entry */
uint32_t tracee_meets(struct tracee *tracee, const siginfo_t *info);
/* The tracee is in its exec stop: puts the bundle into the new image. Returns as tracee_meets does. ctx: entry */
uint32_t tracee_execs(struct tracee *tracee, uint32_t stop);
/* Resumes the tracee with the request that the tracer's program used last, and the signal `sig`. Returns 0.
 * ctx: entry */
uint32_t tracee_run_on(const struct tracee *tracee, int sig);

#endif
