/*
 * The dispositions of signals: what the program sets is kept here, and the kernel is told what the runtime needs. It knows
 * one handler, the runtime's entry, on the runtime's signal stack.
 */
#ifndef RT_SIGNAL_ACTION_H
#define RT_SIGNAL_ACTION_H

#include "rt/base/thread.h"

/* Makes SIGSYS, and if there are hooks the faults, enter the runtime. ctx: boot | entry, signals blocked */
long rt_actions_install(void) must_check;
/* Sets an action and gives the old one; either may be NULL. ctx: entry */
long rt_action_set(struct rt_thread *thread, int sig, const struct rt_sigaction *wanted, struct rt_sigaction *old);
/* The action of a signal whose handler is about to run, which SA_RESETHAND resets. ctx: sigsys */
struct rt_sigaction rt_action_take(struct rt_thread *thread, int sig);

#endif
