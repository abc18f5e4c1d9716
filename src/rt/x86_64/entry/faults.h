/*
 * Faults in the runtime or a hook that are no mistakes.
 */
#ifndef RT_X86_64_ENTRY_FAULTS_H
#define RT_X86_64_ENTRY_FAULTS_H

#include "rt/base/thread.h"

/* rt_peek met memory that is not there: it returns -EFAULT. ctx: sigsys */
bool rt_peek_faulted(int sig, const siginfo_t *info, struct core_regs *regs);
/* rdtsc or rdtscp of a hook's, which the program has forbidden itself by PR_SET_TSC: is done. ctx: sigsys */
bool rt_tsc_faulted(int sig, const siginfo_t *info, struct core_regs *regs);

#endif
