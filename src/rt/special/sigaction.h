/*
 * The program's actions of signals.
 */
#ifndef RT_SPECIAL_SIGACTION_H
#define RT_SPECIAL_SIGACTION_H

#include "rt/base/thread.h"

/* Flags of no action. */
#define RT_NO_ACTION (~0ul)

/* Does what rt_sigaction does. wanted, old: NULL if not given. Returns 0, or an error, or what a filter of the program
 * makes of the call: then nothing is set, and the old action has the flags RT_NO_ACTION. ctx: entry */
long rt_sigaction_change(struct rt_thread *thread, int sig, const struct rt_sigaction *wanted,
			 struct rt_sigaction *old);

#endif
