/*
 * The execve of a tracee: its tracer's runtime does what a helper would (inject/inject.h), as a tracee can have no second
 * tracer.
 */
#ifndef RT_TRACER_EXEC_H
#define RT_TRACER_EXEC_H

#include "rt/tracer/tracee.h"

/* A SIGSYS stopped the tracee that it queued to itself: it may be a rendezvous (ptraced.h). Returns the stop that the program
 * is to see, or 0 when the tracee runs on. ctx: entry */
uint32_t tracee_meets(struct tracee *tracee, const siginfo_t *info);
/* The tracee is in its exec stop. Returns the same. ctx: entry */
uint32_t tracee_execs(struct tracee *tracee, uint32_t stop);
/* Goes on with the request that the program used last. Returns 0. ctx: entry */
uint32_t tracee_run_on(const struct tracee *tracee, int sig);

#endif
