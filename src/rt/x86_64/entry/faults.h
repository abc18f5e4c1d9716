/*
 * What a fault in the runtime or a hook is: expected, or a mistake.
 */
#ifndef RT_X86_64_ENTRY_FAULTS_H
#define RT_X86_64_ENTRY_FAULTS_H

#include "rt/base/thread.h"

/* If rt_peek touched memory that is not there, makes it return -EFAULT. Returns whether that was so. ctx: sigsys */
bool rt_peek_faulted(int sig, const siginfo_t *info, struct core_regs *regs);
/* If a hook used rdtsc or rdtscp, which the program has forbidden by PR_SET_TSC or strict seccomp, executes it for
 * the hook. Returns whether that was so. ctx: sigsys */
bool rt_tsc_faulted(int sig, const siginfo_t *info, struct core_regs *regs);
/* If an entry of the fast path did not find the thread, because the program has loaded a selector into %gs
 * (x86_64/need_gs.h), lets the call take the guard. Returns whether that was so. ctx: sigsys */
bool rt_gs_faulted(struct rt_thread *thread, int sig, const siginfo_t *info, struct ucontext *uc);

/* If a signal in the program is a fault of its own, notes what the processor said of it. ctx: sigsys */
void rt_fault_note(struct rt_thread *thread, int sig, const siginfo_t *info, const struct ucontext *uc);
/* Whether a signal in the runtime or a hook is a fault of theirs. A positive si_code does not make a fault: a clone's
 * exit signal has one, and so have the signals of perf events. ctx: sigsys */
bool rt_is_fault(int sig, const siginfo_t *info, const struct ucontext *uc);

#endif
