/*
 * A signal that the runtime has taken, or that the kernel would have raised, goes to the thread's queue in the kernel.
 */
#ifndef RT_BASE_QUEUE_H
#define RT_BASE_QUEUE_H

#include "rt/base/thread.h"

/* Queues a signal to the calling thread itself. info: NULL for one of the kernel's. ctx: entry | sigsys */
void rt_queue_signal(struct rt_thread *thread, int sig, siginfo_t *info);

#endif
