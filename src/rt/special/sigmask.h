/*
 * The signal mask of the program.
 */
#ifndef RT_SPECIAL_SIGMASK_H
#define RT_SPECIAL_SIGMASK_H

#include "rt/base/thread.h"

/* No mask and no set of pending signals of the kernel's: those are without SIGKILL. If it is still there after a call,
 * the kernel has not made that, and a filter of the program has answered it. */
#define RT_NO_MASK (~0ul)

/* Changes the mask as rt_sigprocmask does. set: NULL to ask only, RT_NO_ADDRESS for one that cannot be read; old: NULL
 * or where the mask before goes to, or RT_NO_MASK if the kernel was not asked. Returns 0, or an error, or what a filter
 * of the program makes of the call. ctx: entry */
long rt_sigmask_change(struct rt_thread *thread, uint64_t how, const uint64_t *set, uint64_t *old);

#endif
