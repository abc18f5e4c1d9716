/*
 * Single steps. A tracee that makes a call goes through some hundreds of the runtime's instructions, and maybe those of
 * hosted hooks: a step over a call leads past all of them.
 */
#ifndef RT_TRACER_STEP_H
#define RT_TRACER_STEP_H

#include "rt/tracer/view.h"

/* Whether the tracee's program is to do one instruction. ctx: entry; no locks */
bool tracee_steps(const struct tracee *tracee);
/* What is known of a tracee before it goes on, and counts when it steps. sig: the signal that it is given.
 * ctx: entry */
void tracee_prepare_step(struct tracee *tracee, uint64_t request, int sig);
/* A stop of a tracee that steps, with SIGTRAP. enters: for the entry of a call. Returns the stop to show, or 0 when the
 * tracee runs on. ctx: entry */
uint32_t tracee_stepped(struct tracee *tracee, const struct tracee_view *view, const siginfo_t *info, bool enters);

#endif
