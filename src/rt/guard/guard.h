/*
 * The guard: what catches a call that does not come from the gate. A kind of guard gives a thread three things: to be
 * armed, as the kernel hands it down to nobody; to know its own signals from others; and to review a call that it
 * caught, which the program may have asked the same kernel mechanism to catch for itself. Nothing switches it off: it
 * ends with the image.
 *
 * The one kind is Syscall User Dispatch (sud.c).
 */
#ifndef RT_GUARD_GUARD_H
#define RT_GUARD_GUARD_H

#include "rt/base/thread.h"

/* Each thread and process arms its own. ctx: boot | entry, signals blocked */
long rt_guard_arm(void) must_check;
/* Lets a call through that is made right before `ip`, until the guard is armed again: meanwhile nothing else of the
 * program may run. ctx: entry, signals blocked */
long rt_guard_open(uint64_t ip) must_check;
/* Makes the registers of a SIGSYS of the guard's those of the call again, of whose number the kernel may have made
 * something else. ctx: sigsys */
void rt_guard_undo_restart(const siginfo_t *info, struct core_regs *regs);
/* Whether a SIGSYS is the guard's, for a call that was made at `ip`. ctx: sigsys */
bool rt_guard_owns(const siginfo_t *info, uint64_t ip);
/* Whether `regs` are those of a call that the guard should have caught: instead of the guard's SIGSYS another came, and
 * the call was not made. ctx: sigsys */
bool rt_guard_missed(const struct rt_thread *thread, const struct core_regs *regs);
/* The kernel is about to let the program go on with these registers, but might lose what tells that a call has been
 * made: has them loaded in another way then. ctx: entry | sigsys */
void rt_guard_keep_mark(struct rt_thread *thread, struct core_regs *regs);
/* Whether a call that was caught goes on to the dispatcher. Otherwise the program's own use of the mechanism takes
 * it, and all is done. ctx: sigsys, program's mask */
bool rt_guard_review(struct rt_thread *thread, siginfo_t *info, struct ucontext *uc) must_check;

/* The program asks for a dispatch of its own, as by PR_SET_SYSCALL_USER_DISPATCH. 0 or -errno. ctx: entry */
long rt_guard_request(struct rt_dispatch_request *request, uint64_t mode, uint64_t start, uint64_t size,
		      uint64_t selector) must_check;

#endif
