/*
 * The signal mask of the program.
 */
#ifndef RT_SPECIAL_SIGMASK_H
#define RT_SPECIAL_SIGMASK_H

#include "rt/base/thread.h"

/* Changes the mask as rt_sigprocmask does. set: NULL to ask only, RT_NO_ADDRESS for one that cannot be read; old: NULL
 * or where the mask before goes to. Returns 0, or an error, or what a filter of the program makes of the call.
 * ctx: entry */
long rt_sigmask_change(struct rt_thread *thread, uint64_t how, const uint64_t *set, uint64_t *old);

#endif
