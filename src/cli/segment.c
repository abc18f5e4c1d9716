#include <errno.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/random.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/segment.h"

/* In the middle of an execve a process does not have the segment. A program that has not attached it after this
 * number of seconds never will: it cannot reach the segment, or is not interposed. */
#define EXEC_PATIENCE 2

static struct {
	struct robust_list_head head;
	struct robust_list node;
} robust;

/* From now on the kernel marks channel->reader when this thread ends, in whatever way it ends. */
static void announce_reader(struct k23_channel *channel)
{
	robust.head.list.next = &robust.node;
	robust.node.next = &robust.head.list;
	robust.head.futex_offset = (char *)&channel->reader - (char *)&robust.node;
	if (syscall(SYS_set_robust_list, &robust.head, sizeof(robust.head)) != 0)
		die(EXIT_K23, "set_robust_list: %s", strerror(errno));
	channel->reader = (uint32_t)gettid();
}

void segment_create(struct segment *segment, uint64_t magic, size_t size)
{
	struct k23_channel *channel;

	memset(segment, 0, sizeof(*segment));
	if (getrandom(&segment->cookie, sizeof(segment->cookie), 0) != sizeof(segment->cookie))
		die(EXIT_K23, "getrandom: %s", strerror(errno));
	segment->id = shmget(IPC_PRIVATE, size, 0600);
	if (segment->id < 0)
		die(EXIT_K23, "cannot get %zu bytes of shared memory: %s%s", size, strerror(errno),
		    errno == ENOSYS ? " (a kernel without System V IPC)" :
		    errno == EINVAL || errno == ENOSPC ? " (kernel.shmmax, kernel.shmall or kernel.shmmni)" : "");
	channel = shmat(segment->id, NULL, 0);
	/* At once, so that nothing can end this process before: from here on the segment lives as long as its users. */
	shmctl(segment->id, IPC_RMID, NULL);
	if (channel == (void *)-1)
		die(EXIT_K23, "cannot attach shared memory: %s", strerror(errno));
	channel->magic = magic;
	channel->version = K23_CHANNEL_VERSION;
	channel->cookie = segment->cookie;
	channel->size = size;
	channel->started = 1;
	segment->channel = channel;
	segment->size = size;
	announce_reader(channel);
}

char *segment_hook_spec(const struct segment *segment, const char *hook)
{
	char *spec;

	if (asprintf(&spec, "%s:shm=%d,cookie=%llx", hook, segment->id, (unsigned long long)segment->cookie) < 0)
		die(EXIT_K23, "out of memory");
	return spec;
}

uint64_t segment_missed(const struct segment *segment)
{
	uint64_t started = __atomic_load_n(&segment->channel->started, __ATOMIC_RELAXED);
	uint64_t arrived = __atomic_load_n(&segment->channel->arrived, __ATOMIC_RELAXED);

	return started > arrived ? started - arrived : 0;
}

bool segment_deserted(struct segment *segment)
{
	struct shmid_ds status;
	struct timespec now;

	if (shmctl(segment->id, IPC_STAT, &status) != 0)
		return true;
	if (status.shm_nattch > 1) {
		segment->empty_since.tv_sec = 0;
		return false;
	}
	if (!segment_missed(segment))
		return true;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!segment->empty_since.tv_sec)
		segment->empty_since = now;
	return now.tv_sec > segment->empty_since.tv_sec + EXEC_PATIENCE;
}

void segment_close(struct segment *segment)
{
	__atomic_store_n(&segment->channel->reader, 0, __ATOMIC_SEQ_CST);
}
