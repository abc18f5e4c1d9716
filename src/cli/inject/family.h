/*
 * The processes of a run: all that descend from a process, which stay its own when their parents end.
 */
#ifndef CLI_INJECT_FAMILY_H
#define CLI_INJECT_FAMILY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct relative {
	pid_t pid, parent;
	bool ended; /* it is a zombie */
	unsigned long long start; /* tells it from a later process with its id */
};

/* From now on this process gets the orphans among its descendants, and has to wait for them. Its children do not
 * inherit that. Those that it has already, as after an execve, do not belong to the run. */
void family_adopt(void);

/* Waits for all children that have ended, but for one that is left to others. */
void family_reap(pid_t spared);

/* The descendants of a process. Returns their number; free(*relatives) is due. */
size_t family_list(pid_t ancestor, struct relative **relatives);

/* Kills the descendants of a process that has adopted its orphans. Returns whether none is left but for zombies: one
 * may be another user's. */
bool family_kill(pid_t ancestor);

#endif
