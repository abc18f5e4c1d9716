/*
 * Doing things to a traced process that is stopped right after its execve.
 */
#ifndef INJECT_REMOTE_H
#define INJECT_REMOTE_H

#include "abi/bundle.h"
#include "abi/syscall.h"

/* The kernel's struct user_regs_struct. */
struct inj_regs {
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi, orig_rax, rip, cs,
		eflags, rsp, ss, fs_base, gs_base, ds, es, fs, gs;
};

/* Lets the process run until its next stop; a stop that does not come means that it is gone. Returns the status
 * or -errno. request: PTRACE_CONT and the like. */
long inj_resume(int pid, long request, int sig, int *stopped) must_check;
/* Makes the process map, fill and start the bundle. 0 or -errno; then the process is of no use. */
long inj_plant(int pid, const struct bundle *bundle, const struct start_block *block) must_check;

#endif
