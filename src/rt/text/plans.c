#include "rt/text/plans.h"

#include <asm/errno.h>
#include <asm/stat.h>
#include <linux/auxvec.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

#include "core/build_id.h"
#include "core/string.h"
#include "rt/base/auxv.h"
#include "rt/base/image.h"

static struct core_store store;
static bool store_is_open;

/* ctx: boot | entry */
static long read_store(const void *context, uint64_t offset, void *to, size_t size)
{
	(void)context;
	if (offset > rt.bundle->store_size || size > rt.bundle->store_size - offset)
		return -EINVAL;
	memcpy(to, (const char *)rt.start + rt.bundle->store + offset, size);
	return 0;
}

/* ctx: boot */
bool rt_plans_open(const uint64_t *stack)
{
	const uint64_t *name = rt_auxv_find(stack, AT_EXECFN);

	store_is_open = rt.bundle->store_size &&
			!failed(core_store_open(&store, read_store, NULL, rt.bundle->store_size));
	rt.program = name ? core_store_program((const char *)name[1]) : 0;
	rt.profiled = rt.program && (rt.bundle->flags & BUNDLE_PROFILE ||
				     (store_is_open && store.header.programs & rt.program));
	return store_is_open;
}

/* Ends a search with result r: gives the sites of the file, if it was found. ctx: boot | entry */
static long give_sites(long r, const struct store_file *file, struct store_run *sites)
{
	if (!failed(r))
		*sites = file->sites;
	return r;
}

/* flags: of the file's key. ctx: boot | entry */
static long find_key(const struct stat *status, struct store_run *sites, uint32_t *flags)
{
	struct store_key key = {
		.dev = status->st_dev,
		.ino = status->st_ino,
		.size = (uint64_t)status->st_size,
		.mtime = (int64_t)(status->st_mtime * 1000000000ul + status->st_mtime_nsec),
		.ctime = (int64_t)(status->st_ctime * 1000000000ul + status->st_ctime_nsec),
	};
	struct store_file file;
	long r = give_sites(core_store_find_key(&store, &key, &file), &file, sites);

	*flags = key.flags;
	return r;
}

/* ctx: boot | entry */
static long find_by_status(const struct stat *status, struct store_run *sites)
{
	uint32_t flags;

	return find_key(status, sites, &flags);
}

/* ctx: boot | entry */
bool rt_plans_no_vsyscall(const struct stat *status)
{
	struct store_run sites;
	uint32_t flags;

	return store_is_open && !failed(find_key(status, &sites, &flags)) && flags & STORE_NO_VSYSCALL;
}

/* ctx: boot | entry */
static long read_fd(const void *context, uint64_t offset, void *to, size_t size)
{
	long r = sys(pread64, *(const int *)context, to, size, offset);

	return failed(r) ? r : (size_t)r == size ? 0 : -EINVAL;
}

/* ctx: boot */
static long read_image(const void *context, uint64_t offset, void *to, size_t size)
{
	/* Of the file's first segment only the first page is known to be mapped. */
	if (offset + size > CORE_PAGE)
		return -EINVAL;
	memcpy(to, (const void *)(*(const uint64_t *)context + offset), size);
	return 0;
}

/* ctx: boot | entry */
static long find_by_id(core_read_fn *read, const void *context, struct store_run *sites)
{
	struct store_file file;
	struct store_id id;

	if (failed(core_build_id(read, context, &id)))
		return -ENODATA;
	return give_sites(core_store_find(&store, &id, &file), &file, sites);
}

/* ctx: boot | entry */
long rt_plans_find_same(int fd, struct store_run *sites, uint64_t *size)
{
	struct stat status;

	if (!store_is_open || failed(sys(fstat, fd, &status)) || (status.st_mode & S_IFMT) != S_IFREG)
		return -ENOENT;
	*size = (uint64_t)status.st_size;
	return find_by_status(&status, sites);
}

/* ctx: boot | entry */
long rt_plans_find_fd(int fd, struct store_run *sites, uint64_t *size)
{
	if (!store_is_open)
		return -ENOENT;
	if (!failed(rt_plans_find_same(fd, sites, size)))
		return 0;
	return find_by_id(read_fd, &fd, sites);
}

/* ctx: boot */
long rt_plans_find_image(uint64_t elf, struct store_run *sites)
{
	return find_by_id(read_image, &elf, sites);
}

/* ctx: boot */
long rt_plans_find_path(const char *path, struct store_run *sites)
{
	struct stat status;

	if (!store_is_open || failed(sys(newfstatat, AT_FDCWD, path, &status, 0)))
		return -ENOENT;
	return find_by_status(&status, sites);
}

/* ctx: boot | entry */
long rt_plans_sites(const struct store_run *run, uint32_t first, struct store_site *sites, uint32_t count)
{
	return core_store_sites(&store, run, first, sites, count);
}

/* ctx: entry */
long rt_plans_site(const struct store_run *run, uint64_t offset, struct store_site *site)
{
	return store_is_open ? core_store_site(&store, run, offset, site) : -ENOENT;
}
