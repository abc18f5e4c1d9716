/*
 * Signals of the process for its first thread. For a signal that was sent to the process the kernel wakes the first
 * thread, unless that blocks it. But whoever looks for signals first takes it, and each SIGSYS of the guard makes a
 * thread look; natively next to nothing does. So a thread that has taken such a signal on the way to a call sends it to
 * the process again, and lets the first thread have it.
 */
#ifndef RT_SIGNAL_HAND_OVER_H
#define RT_SIGNAL_HAND_OVER_H

#include "rt/base/thread.h"

/* The si_code that a signal had before it was handed over; any other is returned as it is. ctx: any */
int rt_handed_over_code(int code);
/* Hands over a signal that the thread has taken in the handler of SIGSYS. Returns whether another thread has it; if
 * not, *info is of the signal that this thread has. ctx: sigsys, signals blocked */
bool rt_hand_over(const struct rt_thread *thread, int sig, siginfo_t *info);

#endif
