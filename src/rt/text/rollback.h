/*
 * A signal that interrupts the fast path, from a site's stub to the dispatcher, or a call that was made without the
 * dispatcher: none of it has done anything yet, or all is done, so the program is shown at its own `syscall`, or right
 * after it, with its own registers. If it goes back there, the guard takes the call.
 */
#ifndef RT_TEXT_ROLLBACK_H
#define RT_TEXT_ROLLBACK_H

#include "rt/base/thread.h"

enum rt_rollback {
	RT_ELSEWHERE, /* the thread was not on the fast path */
	RT_ROLLED,    /* `uc` is now the program's, at its site */
	RT_GO_ON,     /* a trap of a single step in the middle of the stub: not shown */
};

/* Out of the entry or the gate; `thread` need not be in place. Returns whether it was there. ctx: any; no locks */
bool rt_rollback_entry(const struct rt_thread *thread, struct core_regs *regs);
/* ctx: sigsys */
enum rt_rollback rt_rollback(struct rt_thread *thread, int sig, const siginfo_t *info, struct ucontext *uc);

#endif
