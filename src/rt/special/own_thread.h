/*
 * Threads of a hosted hook's own: tasks of the process that only run code of the world. The program gets none of its
 * signals by them, and they count for nothing: they end with the process, and a fork has none of them.
 */
#ifndef RT_SPECIAL_OWN_THREAD_H
#define RT_SPECIAL_OWN_THREAD_H

#include "rt/base/thread.h"

/* Makes one, which begins with made->regs. Returns its id or -errno: -EAGAIN where there can be none.
 * ctx: boot | entry, SIGSYS not blocked */
long rt_own_thread_make(struct rt_thread *thread, const struct rt_world *made) must_check;

#endif
