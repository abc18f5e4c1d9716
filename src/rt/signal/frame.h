/*
 * The signal frame of the program, as the kernel would have built it (arch/x86 of Linux: get_sigframe,
 * x64_setup_rt_frame): made from the frame that the kernel built on the runtime's signal stack, vector state
 * included.
 */
#ifndef RT_SIGNAL_FRAME_H
#define RT_SIGNAL_FRAME_H

#include "rt/base/thread.h"

/* On success `uc` leads to the handler: registers, stack, and initial vector state. mask: what the frame says was
 * blocked. 0 or -EFAULT. ctx: sigsys */
long rt_frame_build(struct rt_thread *thread, const struct rt_sigaction *action, int sig, const siginfo_t *info,
		    struct ucontext *uc, uint64_t mask) must_check;

#endif
