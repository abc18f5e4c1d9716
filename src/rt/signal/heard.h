/*
 * Signals that the program leaves to the kernel, which ends the process. Some enter the runtime all the same: those
 * that dump core, so that the core file shows the program at its system call, and not the gate; and if a hook wants to
 * be told of signals, all. Those that stop the process, and those that do nothing, stay the kernel's.
 *
 * A fault needs no such thing. Its signal does when the program has set the default action again, mostly to send it to
 * itself, as handlers of crashes do.
 */
#ifndef RT_SIGNAL_HEARD_H
#define RT_SIGNAL_HEARD_H

#include "rt/base/entry_points.h"
#include "rt/base/thread.h"

/* The restorer of their actions in the kernel. Nobody returns by it. The kernel puts it into the signal frame, and so
 * tells by which action it took the signal: this one, or one of the program's that is not there any more. ctx: any */
static inline uint64_t rt_heard_restorer(void)
{
	return (uint64_t)rt_restorer + 1;
}

/* Whether the kernel took a signal by such an action; uc: in its frame. ctx: sigsys */
static inline bool rt_signal_is_heard(const struct ucontext *uc)
{
	return *((const uint64_t *)uc - 1) == rt_heard_restorer();
}

/* ctx: boot | entry, signals blocked */
long rt_signals_hear(void) must_check;
/* In a new thread or process, made with these flags of clone. ctx: entry, signals blocked */
long rt_signals_hear_child(const struct rt_thread *child, uint64_t flags) must_check;
/* Leaves them to the kernel again. ctx: entry */
void rt_signals_unhear(void);

#endif
