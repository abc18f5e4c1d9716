/*
 * The store in this process: in the bundle, as the command line tool has read and checked it.
 */
#include <asm/errno.h>
#include <asm/stat.h>
#include <linux/auxvec.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

#include "core/buildid.h"
#include "core/string.h"
#include "rt/patch.h"

static struct core_store store;
static bool is_open;

static long read_store(const void *context, uint64_t offset, void *to, size_t size)
{
	(void)context;
	if (offset > rt.bundle->store_size || size > rt.bundle->store_size - offset)
		return -EINVAL;
	memcpy(to, (const char *)rt.start + rt.bundle->store + offset, size);
	return 0;
}

/* stack: as the program starts with it. ctx: entry, before the program runs */
bool rt_store_open(const uint64_t *stack)
{
	const uint64_t *name = rt_auxiliary(stack, AT_EXECFN);

	is_open = rt.bundle->store_size && !failed(core_store_open(&store, read_store, NULL, rt.bundle->store_size));
	rt.program = name ? core_store_program((const char *)name[1]) : 0;
	rt.profiled = rt.program && (rt.bundle->flags & BUNDLE_PROFILE || (is_open && store.header.programs & rt.program));
	return is_open;
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

	if (!is_open || failed(sys(fstat, fd, &status)) || (status.st_mode & S_IFMT) != S_IFREG)
		return -ENOENT;
	*size = (uint64_t)status.st_size;
	return find_status(&status, sites);
}

long rt_store_find_fd(int fd, struct store_run *sites, uint64_t *size)
{
	if (!is_open)
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

	if (!is_open || failed(sys(newfstatat, AT_FDCWD, path, &status, 0)))
		return -ENOENT;
	return find_status(&status, sites);
}

long rt_store_sites(const struct store_run *run, uint32_t first, struct store_site *sites, uint32_t count)
{
	return core_store_sites(&store, run, first, sites, count);
}

long rt_store_site(const struct store_run *run, uint64_t offset, struct store_site *site)
{
	return is_open ? core_store_site(&store, run, offset, site) : -ENOENT;
}
