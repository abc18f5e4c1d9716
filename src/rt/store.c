/*
 * The store in this process: mapped read-only, and read through a system call that fails where an access would fault,
 * for somebody may truncate the file.
 */
#include <asm/errno.h>
#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/stat.h>

#include "core/buildid.h"
#include "core/string.h"
#include "rt/patch.h"

#define OTHERS_WRITE 022

static struct core_store store;
static uint64_t store_address, store_size;

static long read_store(const void *context, uint64_t offset, void *to, size_t size)
{
	(void)context;
	if (offset > store_size || size > store_size - offset)
		return -EINVAL;
	return rt_copy_from(to, store_address + offset, size);
}

/* Only the user's own store, or the system's. */
static bool trusted(const struct stat *status)
{
	return (status->st_mode & S_IFMT) == S_IFREG && !(status->st_mode & OTHERS_WRITE) &&
	       (status->st_uid == 0 || status->st_uid == (uint32_t)sys(geteuid));
}

/* Without a store, or with one that cannot be used, every call takes the guard. ctx: entry, before the program runs */
bool rt_store_open(void)
{
	const char *path = (const char *)rt.start + rt.bundle->store;
	struct stat status;
	long fd;


	if (!rt.bundle->store)
		return false;
	fd = sys(openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (failed(fd))
		return false;
	if (!failed(sys(fstat, fd, &status)) && trusted(&status) && status.st_size) {
		long address = sys(mmap, 0, status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);

		if (!failed(address)) {
			store_address = (uint64_t)address;
			store_size = (uint64_t)status.st_size;
		}
	}
	sys(close, fd);
	if (store_address && failed(core_store_open(&store, read_store, NULL, store_size))) {
		sys(munmap, store_address, store_size);
		store_address = 0;
	}
	return store_address;
}

static long found(long r, const struct store_file *file, struct store_run *sites)
{
	if (!failed(r))
		*sites = file->sites;
	return r;
}

static long find_status(const struct stat *status, struct store_run *sites)
{
	struct store_key key = {
		.dev = status->st_dev,
		.ino = status->st_ino,
		.size = (uint64_t)status->st_size,
		.mtime = (int64_t)(status->st_mtime * 1000000000ul + status->st_mtime_nsec),
		.ctime = (int64_t)(status->st_ctime * 1000000000ul + status->st_ctime_nsec),
	};
	struct store_file file;

	return found(core_store_find_key(&store, &key, &file), &file, sites);
}

static long read_fd(const void *context, uint64_t offset, void *to, size_t size)
{
	long r = sys(pread64, *(const int *)context, to, size, offset);

	return failed(r) ? r : (size_t)r == size ? 0 : -EINVAL;
}

static long read_image(const void *context, uint64_t offset, void *to, size_t size)
{
	/* What the kernel has mapped of the file, from its beginning on. */
	if (offset + size > RT_PAGE)
		return -EINVAL;
	memcpy(to, (const void *)(*(const uint64_t *)context + offset), size);
	return 0;
}

static long find_id(core_read_fn *read, const void *context, struct store_run *sites)
{
	struct store_file file;
	struct store_id id;

	if (failed(core_build_id(read, context, &id)))
		return -ENODATA;
	return found(core_store_find(&store, &id, &file), &file, sites);
}

long rt_store_find_same(int fd, struct store_run *sites, uint64_t *size)
{
	struct stat status;

	if (!store_address || failed(sys(fstat, fd, &status)) || (status.st_mode & S_IFMT) != S_IFREG)
		return -ENOENT;
	*size = (uint64_t)status.st_size;
	return find_status(&status, sites);
}

long rt_store_find_fd(int fd, struct store_run *sites, uint64_t *size)
{
	if (!store_address)
		return -ENOENT;
	if (!failed(rt_store_find_same(fd, sites, size)))
		return 0;
	return find_id(read_fd, &fd, sites);
}

long rt_store_find_image(uint64_t elf, struct store_run *sites)
{
	return find_id(read_image, &elf, sites);
}

long rt_store_find_path(const char *path, struct store_run *sites)
{
	struct stat status;

	if (!store_address || failed(sys(newfstatat, AT_FDCWD, path, &status, 0)))
		return -ENOENT;
	return find_status(&status, sites);
}

long rt_store_sites(const struct store_run *run, uint32_t first, struct store_site *sites, uint32_t count)
{
	return core_store_sites(&store, run, first, sites, count);
}

long rt_store_site(const struct store_run *run, uint64_t offset, struct store_site *site)
{
	return store_address ? core_store_site(&store, run, offset, site) : -ENOENT;
}
