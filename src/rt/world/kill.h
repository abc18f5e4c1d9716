/*
 * Processes that share the memory, and signals that may kill them. One that is killed in a hosted hook leaves locked
 * what it has locked there, malloc for example, and all others would wait for that for ever. So who sends such a signal
 * keeps those that it may be for out of worlds meanwhile, and first waits until they are out. A signal that comes from
 * elsewhere kills where it finds them. An execve and an exit_group end the other threads of their process in the same
 * way, and a process that shares the memory, such as a vfork child, lives on.
 */
#ifndef RT_WORLD_KILL_H
#define RT_WORLD_KILL_H

#include "rt/base/thread.h"

/* Whether other processes have the memory of this one, which the thread is of. ctx: any */
bool rt_memory_is_shared(const struct rt_thread *thread);

/* The caller is about to send a signal to a process, or with a pid of 0 or less to any. Returns whether there is one
 * that shares the memory: then rt_kill_end() follows. ctx: entry */
bool rt_kill_begin(int32_t pid, int sig) must_check;
/* The same where the caller is about to end the other threads of its process, by execve or exit_group. */
bool rt_kill_threads_begin(struct rt_thread *thread) must_check;
void rt_kill_end(void);

/* A child is about to begin (1), or does not run any more (-1): whether it shares the memory counts. ctx: entry */
void rt_kill_counts(const struct rt_thread *child, int by);

/* A thread has entered a world. Returns false when it has to leave it and to wait:
 * rt_kill_wait(). ctx: boot | entry */
bool rt_kill_allows(void) must_check;
void rt_kill_wait(void);

#endif
