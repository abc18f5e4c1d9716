/*
 * k23/place.h - for hooks: where a path leads, with its symbolic links followed.
 *
 * The kernel is asked, by opening the path with O_PATH: /proc must be mounted, and a descriptor free.
 * What was found may have changed when the program's call is made. It is no basis for security.
 */
#ifndef K23_PLACE_H
#define K23_PLACE_H

#include <k23/path.h>

#include <sys/stat.h>

struct k23_place {
	unsigned mode; /* S_IFREG, S_IFDIR, ...; 0: it does not exist yet, but its directory does */
	char path[K23_PATH_MAX]; /* absolute, no link in it; for what is no file "pipe:[1]" or so */
};

/* The place of an open file. Returns 0 or -errno. */
K23_INLINE long k23_place_of_fd(struct k23_place *place, int fd)
{
	unsigned long path = (unsigned long)place->path;
	struct stat status;
	char link[32];
	long r = k23_syscall(SYS_fstat, (unsigned)fd, (unsigned long)&status, 0, 0, 0, 0);

	if (r < 0)
		return r;
	place->mode = status.st_mode & S_IFMT;
	k23_format(link, sizeof(link), "/proc/self/fd/%d", fd);
	r = k23_syscall(SYS_readlink, (unsigned long)link, path, sizeof(place->path) - 1, 0, 0, 0);
	place->path[r < 0 ? 0 : r] = '\0';
	return r < 0 ? r : 0;
}

/* The place of a path that exists; flags are further ones for open. */
K23_INLINE long k23_place_open(struct k23_place *place, int dirfd, const char *path, unsigned flags)
{
	long fd = k23_syscall(SYS_openat, (unsigned)dirfd, (unsigned long)path,
			      O_PATH | O_CLOEXEC | flags, 0, 0, 0);
	long r = fd;

	if (fd < 0)
		return r;
	r = k23_place_of_fd(place, (int)fd);
	k23_syscall(SYS_close, (unsigned)fd, 0, 0, 0, 0, 0);
	return r;
}

/* Where the last component of a path begins; slashes after it are cut off. */
K23_INLINE size_t k23_place_last(char *path)
{
	size_t at = k23_strlen(path);

	while (at && path[at - 1] == '/')
		path[--at] = '\0';
	while (at && path[at - 1] != '/')
		at--;
	return at;
}

/*
 * One step for a path that open did not find. name becomes the path of its directory, without links, and its last
 * component; or, if that is a symbolic link to follow, what it leads to. Returns 1 in that case, else 0 or -errno.
 */
K23_INLINE long k23_place_step(struct k23_place *place, int dirfd, char *name, int follow)
{
	char rest[K23_PATH_MAX];
	size_t last = k23_place_last(name);
	long link = -EINVAL, r, length;

	if (follow)
		link = k23_syscall(SYS_readlinkat, (unsigned)dirfd, (unsigned long)name,
				   (unsigned long)rest, sizeof(rest) - 1, 0, 0);
	if (link < 0)
		memcpy(rest, name + last, k23_strlen(name + last) + 1);
	else
		rest[link] = '\0';
	name[last] = '\0';
	r = k23_place_open(place, dirfd, last ? name : ".", O_DIRECTORY);
	if (r < 0)
		return r;
	length = k23_format(name, K23_PATH_MAX, "%s%s%s", *rest == '/' ? "" : place->path,
			    *rest == '/' || !place->path[1] ? "" : "/", rest);
	return length >= K23_PATH_MAX ? -ENAMETOOLONG : link >= 0;
}

/*
 * The place of a path argument and its directory descriptor (AT_FDCWD for calls that have none).
 * flags: AT_SYMLINK_NOFOLLOW for calls that take a link as such. A file that does not exist has the
 * place where it would be made. Returns 0, or the error with which the kernel would fail, or -EMFILE
 * and the like when it could not be asked.
 */
__attribute__((unused)) static long k23_place(struct k23_place *place, int dirfd, const char *path,
					      int flags)
{
	int follow = !(flags & AT_SYMLINK_NOFOLLOW);
	char name[K23_PATH_MAX];

	if (k23_strlen(path) >= sizeof(name))
		return -ENAMETOOLONG;
	memcpy(name, path, k23_strlen(path) + 1);
	for (int links = 0; links < 40; links++) { /* as many as the kernel follows */
		long r = k23_place_open(place, dirfd, name, follow ? 0 : O_NOFOLLOW);

		if (r != -ENOENT)
			return r;
		r = k23_place_step(place, dirfd, name, follow);
		if (r < 0)
			return r;
		if (r == 0) {
			memcpy(place->path, name, k23_strlen(name) + 1);
			place->mode = 0;
			return 0;
		}
		dirfd = AT_FDCWD;
	}
	return -ELOOP;
}

#endif
