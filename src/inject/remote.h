/*
 * Putting the bundle into a traced process that is stopped right after its execve, and has run nothing yet.
 */
#ifndef INJECT_REMOTE_H
#define INJECT_REMOTE_H

#include "abi/bundle.h"
#include "abi/syscall.h"
#include "core/regs.h"

/* A stop at the entry or exit of a system call, with PTRACE_O_TRACESYSGOOD. */
#define INJ_SYSCALL_STOP (SIGTRAP | 0x80)

/* Lets the process run, by PTRACE_SYSCALL, until it stops with `stop`. If a signal arrives before,
 * as SIGSTOP can, it is put into *held: the caller is to give it to the process when it detaches. 0 or -errno; -ESRCH:
 * the process is gone. */
long inj_resume(int pid, long request, int stop, int *held) must_check;
/* Makes the process map the bundle, fills it in, and makes the process begin at rt_start. Returns the bundle's address,
 * or -errno: then the process cannot go on, and *call is the number of the call that was made last. */
long inj_plant(int pid, const struct bundle *bundle, const struct start_block *block, int *held, long *call) must_check;

#endif
