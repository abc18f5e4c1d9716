#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/shm.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/run_memory.h"
#include "cli/segment.h"

/* In the middle of an execve a process may not have the memory. A program that has not got it after this
 * number of seconds never will: it cannot reach the memory, or is not interposed. */
#define EXEC_PATIENCE 2

/* The other kind of memory. no_run_memory: why there is no run memory. */
static struct k23_channel *create_segment(struct segment *segment, size_t size, const char *no_run_memory)
{
	struct k23_channel *channel = (void *)-1;
	const char *call = "shmget";

	segment->id = shmget(IPC_PRIVATE, size, 0600);
	if (segment->id >= 0) {
		call = "shmat";
		channel = shmat(segment->id, NULL, 0);
	}
	if (channel == (void *)-1)
		die(EXIT_K23, "there is no memory to share with the program: %s; and %s: %s%s", no_run_memory, call,
		    strerror(errno), errno == EINVAL || errno == ENOSPC ? " (kernel.shmmax, shmall or shmmni)" : "");
	/* At once, so that nothing can end this process before: from here on the segment lives as long as its users. */
	shmctl(segment->id, IPC_RMID, NULL);
	complain("%s: calls are collected in a System V segment, which programs in other IPC namespaces do not get",
		 no_run_memory);
	return channel;
}

void segment_create_in(struct segment *segment, uint64_t magic, size_t size, int file)
{
	const char *problem = NULL;
	struct k23_channel *channel;

	memset(segment, 0, sizeof(*segment));
	segment->memory = run_memory_create(size, file, &problem);
	if (!segment->memory && file >= 0)
		die(EXIT_K23, "the program's processes cannot share the file: %s", problem);
	if (segment->memory) {
		channel = run_memory_contents(segment->memory);
		segment->cookie = segment->memory->cookie;
		segment->gaps = &segment->memory->gaps;
	} else {
		channel = create_segment(segment, size, problem);
		if (getrandom(&segment->cookie, sizeof(segment->cookie), 0) != sizeof(segment->cookie))
			die(EXIT_K23, "getrandom: %s", strerror(errno));
		segment->gaps = mmap(NULL, sizeof(*segment->gaps), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (segment->gaps == MAP_FAILED)
			die(EXIT_K23, "out of memory");
		segment->gaps->counts[GAP_UNNOTED] = 1;
	}
	channel->magic = magic;
	channel->version = K23_CHANNEL_VERSION;
	channel->cookie = segment->cookie;
	channel->size = size;
	channel->started = 1;
	segment->channel = channel;
	segment->size = size;
	if (!run_memory_announce(&channel->reader))
		die(EXIT_K23, "set_robust_list: %s", strerror(errno));
}

void segment_create(struct segment *segment, uint64_t magic, size_t size)
{
	segment_create_in(segment, magic, size, -1);
}

char *segment_hook_spec(const struct segment *segment, const char *hook)
{
	unsigned long long cookie = segment->cookie;
	char *spec;

	if ((segment->memory ? asprintf(&spec, "%s:cookie=%llx", hook, cookie) :
			       asprintf(&spec, "%s:shm=%d,cookie=%llx", hook, segment->id, cookie)) < 0)
		die(EXIT_K23, "out of memory");
	return spec;
}

void segment_give(struct segment *segment, uid_t user)
{
	struct shmid_ds status;

	if (segment->memory || shmctl(segment->id, IPC_STAT, &status) != 0)
		return;
	status.shm_perm.uid = user;
	shmctl(segment->id, IPC_SET, &status);
}

uint64_t segment_let_through(const struct segment *segment)
{
	return __atomic_load_n(&segment->gaps->counts[GAP_FOREIGN], __ATOMIC_RELAXED) +
	       __atomic_load_n(&segment->gaps->counts[GAP_UNTRACED], __ATOMIC_RELAXED);
}

uint64_t segment_missed(const struct segment *segment)
{
	uint64_t started = __atomic_load_n(&segment->channel->started, __ATOMIC_RELAXED);
	uint64_t arrived = __atomic_load_n(&segment->channel->arrived, __ATOMIC_RELAXED) + segment_let_through(segment);

	return started > arrived ? started - arrived : 0;
}

/* Whether other processes have it. */
static bool is_shared(const struct segment *segment)
{
	struct shmid_ds status;

	if (segment->memory)
		return run_memory_is_shared(segment->memory);
	return shmctl(segment->id, IPC_STAT, &status) == 0 && status.shm_nattch > 1;
}

bool segment_deserted(struct segment *segment)
{
	uint64_t missed = segment_missed(segment);
	struct timespec now;

	if (missed) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (missed != segment->missed)
			segment->missed_since = now;
		segment->missed = missed;
		if (now.tv_sec <= segment->missed_since.tv_sec + EXEC_PATIENCE)
			return false;
	}
	return !is_shared(segment);
}

void segment_close(struct segment *segment)
{
	__atomic_store_n(&segment->channel->reader, 0, __ATOMIC_SEQ_CST);
}
