/*
 * What a file is known by, as far as that takes no reading of the whole file.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/build_id.h"
#include "sites/identity.h"

/* Seconds after which a file's last change counts as old: the clock that stamps files may be behind CLOCK_REALTIME. */
#define SETTLED 2

static long read_fd(const void *context, uint64_t offset, void *to, size_t size)
{
	ssize_t got;

	if (offset > INT64_MAX)
		return -EINVAL;
	got = pread(*(const int *)context, to, size, (off_t)offset);
	if (got < 0)
		return -errno;
	return (size_t)got == size ? 0 : -EINVAL;
}

long identity_of_path(const char *path, struct store_id *id, struct stat *status)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	long r;

	if (fd < 0)
		return -errno;
	if (fstat(fd, status) != 0)
		r = -errno;
	else if (!S_ISREG(status->st_mode))
		r = -ENOEXEC;
	else
		r = core_build_id(read_fd, &fd, id);
	close(fd);
	return r;
}

bool identity_key(const struct stat *status, struct store_key *key)
{
	struct timespec now;

	memset(key, 0, sizeof(*key));
	key->dev = status->st_dev;
	key->ino = status->st_ino;
	key->size = (uint64_t)status->st_size;
	key->mtime = (int64_t)((uint64_t)status->st_mtim.tv_sec * 1000000000u + (uint64_t)status->st_mtim.tv_nsec);
	key->ctime = (int64_t)((uint64_t)status->st_ctim.tv_sec * 1000000000u + (uint64_t)status->st_ctim.tv_nsec);
	return clock_gettime(CLOCK_REALTIME, &now) == 0 && status->st_ctim.tv_sec < now.tv_sec - SETTLED;
}
