#include "sites/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <nettle/sha2.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/build_id.h"
#include "sites/bytes.h"

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

long identity_of(const struct elf_file *elf, struct store_id *id)
{
	struct bytes bytes = { elf->bytes, elf->size };
	struct sha256_ctx hash;

	_Static_assert(sizeof(id->bytes) == SHA256_DIGEST_SIZE, "an identity by content is a SHA-256");
	if (core_build_id(bytes_read, &bytes, id) == 0)
		return 0;
	memset(id, 0, sizeof(*id));
	id->kind = STORE_CONTENT;
	id->size = sizeof(id->bytes);
	sha256_init(&hash);
	sha256_update(&hash, elf->size, elf->bytes);
	sha256_digest(&hash, sizeof(id->bytes), id->bytes);
	return 0;
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
