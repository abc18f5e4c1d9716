/*
 * Rolling back: what a signal shows of a thread that it interrupts on the fast path. Up to the first hook or the kernel
 * the fast path has no effect that lasts, and once the gate's `syscall` of the entry `direct` is made the call is
 * complete. So the signal finds the program in the window, at its own `syscall`, or right after it, with its own
 * registers. If the program goes on at the `syscall`, the guard catches the call.
 */
#ifndef RT_TEXT_ROLLBACK_H
#define RT_TEXT_ROLLBACK_H

#include "rt/base/thread.h"

enum rt_rollback {
	RT_ELSEWHERE, /* the thread was not on the fast path */
	RT_ROLLED,    /* `uc` now has the program's registers, at its site */
	RT_GO_ON,     /* the signal is the trap of a single step within a stub: the program is not to get it */
};

/* Rolls `regs` back out of an entry of the fast path or its part of the gate. `thread` may be a copy of the thread
 * block, a tracee's for one. Returns whether `regs` were there. ctx: any; no locks */
bool rt_rollback_entry(const struct rt_thread *thread, struct core_regs *regs);
/* Rolls the interrupted thread back out of a stub, an entry, or the gate. ctx: sigsys */
enum rt_rollback rt_rollback(struct rt_thread *thread, int sig, const siginfo_t *info, struct ucontext *uc);

#endif
