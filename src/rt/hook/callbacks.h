/*
 * Telling hooks what happens besides calls: starts and ends of processes and threads (struct k23_descriptor).
 */
#ifndef RT_HOOK_CALLBACKS_H
#define RT_HOOK_CALLBACKS_H

#include "abi/syscall.h"
#include "rt/base/thread.h"

/* Calls .prepare of one hook, if a template has not. A message says if it fails. ctx: boot, signals blocked */
long rt_callbacks_prepare(uint32_t index) must_check;
/* Starts all hooks. first: the image is the first of a `k23 run`. A negative errno: a hook refuses, and the process
 * must not run. ctx: boot, signals blocked */
long rt_callbacks_init(bool first) must_check;
/* ctx: entry, signals blocked */
void rt_callbacks_fork_child(void);
void rt_callbacks_thread_start(void);
void rt_callbacks_thread_exit(void);
void rt_callbacks_process_exit(int status);
/* Whether a hook wants to be told of signals. Sets rt.tells_apart. ctx: boot */
bool rt_callbacks_hear(void) must_check;
/* Of one that is delivered; info: its siginfo_t. ctx: sigsys, signals blocked */
void rt_callbacks_signal(struct rt_thread *thread, int sig, const void *info, bool handled);

#endif
