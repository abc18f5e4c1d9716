/*
 * Deciding which stops of its tracees a tracer is shown.
 */
#ifndef RT_TRACER_STOPS_H
#define RT_TRACER_STOPS_H

#include "rt/tracer/tracee.h"

/* A wait has reported a stop. stop: the wait's status, shifted right by 8 bits. looked: another wait will report it,
 * too (WNOWAIT). Returns the stop that the program is to see, or 0 when it is to see none and the tracee runs on.
 * ctx: entry | sigsys */
uint32_t tracee_stopped(int tid, uint32_t stop, bool looked);
/* Whether the tracee is in the stop of a signal, also in that of a step, where the signal that it is given comes
 * instead and is not shown. ctx: entry; no locks */
bool tracee_in_signal_stop(const struct tracee *tracee);
/* The program resumes the tracee with the signal `sig`. Returns the signal to resume it with in fact: one that was held
 * back is due when the exit stop has been shown, or will not be. ctx: entry */
int tracee_release(struct tracee *tracee, uint64_t request, int sig);

#endif
