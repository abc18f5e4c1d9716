/*
 * The stops of tracees: which of them the program is to see.
 */
#ifndef RT_TRACER_STOPS_H
#define RT_TRACER_STOPS_H

#include "rt/tracer/tracee.h"

/* A stop that a wait call reports, as in its status from bit 8 on. Returns what the program is to see, or 0: nothing,
 * the tracee runs on. ctx: entry */
uint32_t tracee_stopped(int tid, uint32_t stop);
/* The program resumes the tracee with `sig`: returns what it is to be resumed with. A held signal is due when the exit
 * stop has been shown, or is not going to be. ctx: entry */
int tracee_release(struct tracee *tracee, uint64_t request, int sig);

#endif
