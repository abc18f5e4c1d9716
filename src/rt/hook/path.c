/*
 * ctx: boot | entry, for all here.
 */
#include "rt/hook/path.h"

#include <asm/errno.h>
#include <linux/fcntl.h>

#include "core/format.h"
#include "core/path.h"
#include "rt/base/thread.h"

/* Gives the path of the directory that relative paths start from. Returns 0 or -errno. */
static long directory_path(char *to, size_t size, int dirfd)
{
	char link[40];
	long r;

	if (rt_self()->strict)
		return -EPERM;
	if (dirfd == AT_FDCWD) {
		r = sys(getcwd, to, size);
		return failed(r) ? r : 0;
	}
	if (dirfd < 0)
		return -EBADF;
	core_print(link, sizeof(link), "/proc/self/fd/%d", dirfd);
	r = sys(readlink, link, to, size - 1);
	if (r == -ENOENT)
		return -EBADF;
	if (failed(r))
		return r;
	to[r] = '\0';
	return to[0] == '/' ? 0 : -ENOTDIR;
}

long rt_path_absolute(char *to, size_t size, int dirfd, const char *path)
{
	char base[K23_PATH_MAX] = "";

	if (*path != '/') {
		long r = directory_path(base, sizeof(base), dirfd);

		if (failed(r))
			return r;
	}
	return core_path_normalise(to, size, base, path);
}

int rt_path_under(const char *path, const char *root)
{
	char absolute[K23_PATH_MAX], absolute_root[K23_PATH_MAX];

	return !failed(rt_path_absolute(absolute, sizeof(absolute), AT_FDCWD, path)) &&
	       !failed(rt_path_absolute(absolute_root, sizeof(absolute_root), AT_FDCWD, root)) &&
	       core_path_under(absolute, absolute_root);
}
