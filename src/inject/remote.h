/*
 * Doing things to a traced process that is stopped right after its execve.
 */
#ifndef INJECT_REMOTE_H
#define INJECT_REMOTE_H

#include "abi/bundle.h"
#include "abi/syscall.h"
#include "core/regs.h"

/* What a tracee with PTRACE_O_TRACESYSGOOD stops with before and after a system call. */
#define SYSCALL_STOP (SIGTRAP | 0x80)

/* Lets the process run, by PTRACE_SYSCALL or PTRACE_SINGLESTEP, until it stops with `stop`. A signal that arrives
 * before (SIGSTOP cannot be blocked) goes to *held, to be given to it when it is let go. 0 or -errno; -ESRCH: the
 * process is gone. */
long inj_resume(int pid, long request, int stop, int *held) must_check;
/* Makes the process map, fill and start the bundle. Its address or -errno; then the process is of no use. */
long inj_plant(int pid, const struct bundle *bundle, const struct start_block *block, int *held) must_check;

#endif
