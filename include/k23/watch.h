/*
 * k23/watch.h - the processes of a run, and how they ended, as the hook of `k23 inject --watch` notes them in the
 * memory of k23/channel.h.
 *
 * A process has an entry for each program that it is, one after the other. The thread that takes an entry sets `known`
 * when it is complete. A program can write anything to this memory.
 */
#ifndef K23_WATCH_H
#define K23_WATCH_H

#include <stdint.h>

#include <k23/descent.h>

#define K23_WATCH_PROCESSES 4096u
#define K23_WATCH_PATH 256u

struct k23_watch_process {
	struct k23_descent descent; /* of the process */
	uint64_t key; /* k23_descent_key() */
	uint32_t known;
	uint32_t signal; /* that has killed it; 0: none that is known of */
	char program[K23_WATCH_PATH]; /* the end of its path, with a NUL */
};

struct k23_watch {
	uint32_t count; /* of entries that were asked for; there may be no room for the last ones */
	uint32_t unlisted; /* a signal that has killed a process which has no entry */
	struct k23_descent_carried carried[K23_DESCENT_CARRIED];
	struct k23_watch_process processes[K23_WATCH_PROCESSES];
};

#endif
