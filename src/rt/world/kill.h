/*
 * Processes that share the memory, and signals that may kill them. One that is killed in a hosted hook leaves locked
 * what it has locked there, malloc for example, and all others would wait for that for ever. So who sends such a signal
 * keeps those that it may be for out of worlds meanwhile, and first waits until they are out. A signal that comes from
 * elsewhere kills where it finds them.
 */
#ifndef RT_WORLD_KILL_H
#define RT_WORLD_KILL_H

#include "rt/base/thread.h"

/* The caller is about to send a signal to a process, or with a pid of 0 or less to any. Returns whether there is one
 * that shares the memory: then rt_kill_end() follows. ctx: entry */
bool rt_kill_begin(int32_t pid, int sig) must_check;
void rt_kill_end(void);

/* A process that shares the memory has entered a world. Returns false when it has to leave it and to wait:
 * rt_kill_wait(). ctx: boot | entry */
bool rt_kill_allows(void) must_check;
void rt_kill_wait(void);

#endif
