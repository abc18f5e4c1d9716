/*
 * For memfs: what becomes of a path.
 *
 * The kernel follows paths, and the links on them, in the file system itself. What it cannot follow is a path that
 * crosses its border, as nothing is mounted there: one that comes from outside by another way than its name, or that
 * leaves it. Such a path is followed here, component by component.
 */
#ifndef HOOKS_MEMFS_PATH_H
#define HOOKS_MEMFS_PATH_H

#include <k23/path.h>

#include <stdbool.h>
#include <sys/stat.h>

#define LINKS 40 /* as many as the kernel follows */

/* Where the program sees the file system, and where the kernel finds it. */
static char at[K23_PATH_MAX], base[40];
static size_t at_size;
static const char *at_name; /* its last component */

struct run {
	uint64_t device; /* the file system's st_dev */
	uint32_t links;  /* there may be symbolic links in it that lead out of it, or back by its name */
};

static bool is_inside(int dirfd, const char *path, int flags)
{
	const struct run *run = k23_run_state();
	struct stat status;

	return run && run->device &&
	       k23_syscall(SYS_newfstatat, (unsigned)dirfd, (unsigned long)path, (unsigned long)&status,
			   (unsigned)flags, 0, 0) == 0 &&
	       status.st_dev == run->device;
}

static size_t component(const char *path)
{
	size_t length = 0;

	while (path[length] && path[length] != '/')
		length++;
	return length;
}

static const char *skip_slashes(const char *path)
{
	while (*path == '/')
		path++;
	return path;
}

static bool is_dots(const char *name, size_t length, size_t dots)
{
	return length == dots && name[0] == '.' && name[dots - 1] == '.';
}

static bool has_parent(const char *path)
{
	for (path = skip_slashes(path); *path; path = skip_slashes(path + component(path)))
		if (is_dots(path, component(path), 2))
			return true;
	return false;
}

/* Behind the name of the file system, if an absolute path begins with that; otherwise NULL. */
static const char *behind_at(const char *path)
{
	const char *name = at + 1;

	for (path = skip_slashes(path); *name; path = skip_slashes(path)) {
		size_t length = component(path);

		if (is_dots(path, length, 1)) {
			path += length;
			continue;
		}
		if (length != component(name) || k23_strncmp(path, name, length) != 0)
			return NULL;
		path += length;
		name = skip_slashes(name + length);
	}
	return path;
}

/* Whether the last component could be the file system's: a call that creates files must not make it outside. */
static bool names_at(const char *path)
{
	const char *name = path = skip_slashes(path);

	for (; *path; path = skip_slashes(path + component(path)))
		name = path;
	return component(name) == k23_strlen(at_name) && k23_strncmp(name, at_name, component(name)) == 0;
}

static bool is_below_at(const char *path)
{
	return k23_strncmp(path, at, at_size) == 0 && (path[at_size] == '/' || !path[at_size]);
}

/* The kernel's path for the program's, which is absolute. The working directory of a process is a symbolic link; "."
 * behind it is none. Returns its length. */
static size_t path_to_kernel(char to[K23_PATH_MAX], const char *path)
{
	const char *rest = path + at_size;

	if (!is_below_at(path))
		return (size_t)k23_format(to, K23_PATH_MAX, "%s", *path ? path : "/");
	return (size_t)k23_format(to, K23_PATH_MAX, "%s/%s", base, *rest ? skip_slashes(rest) : ".");
}

/* The kernel's path for what is behind the file system's name, which need not be followed. Where the program's has just
 * room, there is less of "/." and "//". Returns its length. */
static size_t rest_to_kernel(char to[K23_PATH_MAX], const char *rest)
{
	size_t size = (size_t)k23_format(to, K23_PATH_MAX, "%s/%s", base, *rest ? rest : ".");

	if (size < K23_PATH_MAX)
		return size;
	size = k23_strlen(base);
	while (*rest) {
		size_t length = component(rest);
		const char *next = skip_slashes(rest + length);

		if (!*next)
			length = k23_strlen(rest);
		if (!*next || !is_dots(rest, length, 1)) {
			if (size + length + 2 > K23_PATH_MAX)
				return K23_PATH_MAX;
			to[size++] = '/';
			memcpy(to + size, rest, length + 1);
			size += length;
			to[size] = '\0';
		}
		rest = next;
	}
	return size;
}

/* The program's path for that which the kernel gives a file of the file system: "/x", perhaps "(unreachable)/x". */
static long path_to_program(char to[K23_PATH_MAX], const char *path)
{
	const char *rest = path;

	if (k23_starts_with(rest, "(unreachable)"))
		rest += sizeof("(unreachable)") - 1;
	return k23_format(to, K23_PATH_MAX, "%s%s", at, rest[0] == '/' && !rest[1] ? "" : rest);
}

/* The path of a directory as the program sees it; without "/" at its end, so that the root is "". Returns whether. */
static bool path_of_directory(char path[K23_PATH_MAX], int dirfd)
{
	char link[32] = "/proc/thread-self/cwd", found[K23_PATH_MAX];
	long r;

	if (dirfd != AT_FDCWD)
		k23_format(link, sizeof(link), "/proc/thread-self/fd/%d", dirfd);
	r = k23_syscall(SYS_readlink, (unsigned long)link, (unsigned long)found, sizeof(found) - 1, 0, 0, 0);
	if (r <= 0 || *found != '/')
		return false;
	found[r] = '\0';
	if (is_inside(dirfd, "", AT_EMPTY_PATH))
		return path_to_program(path, found) < K23_PATH_MAX;
	memcpy(path, found, (size_t)r + 1);
	if (r == 1)
		*path = '\0';
	return true;
}

static bool is_directory(const char *path)
{
	struct stat status;

	return k23_syscall(SYS_stat, (unsigned long)path, (unsigned long)&status, 0, 0, 0, 0) == 0 &&
	       S_ISDIR(status.st_mode);
}

static bool same_file(const char *one, const char *other)
{
	struct stat first, second;

	return k23_syscall(SYS_stat, (unsigned long)one, (unsigned long)&first, 0, 0, 0, 0) == 0 &&
	       k23_syscall(SYS_stat, (unsigned long)other, (unsigned long)&second, 0, 0, 0, 0) == 0 &&
	       first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

static bool is_of_proc(int dirfd, const char *path)
{
	struct stat link, proc;

	return k23_syscall(SYS_newfstatat, (unsigned)dirfd, (unsigned long)path, (unsigned long)&link,
			   AT_SYMLINK_NOFOLLOW, 0, 0) == 0 &&
	       k23_syscall(SYS_stat, (unsigned long)"/proc", (unsigned long)&proc, 0, 0, 0, 0) == 0 &&
	       link.st_dev == proc.st_dev;
}

/* Whether a path of the kernel's is a link of /proc by which that comes into the file system. What is read there is a
 * path in that. */
static bool is_way_in(int dirfd, const char *path)
{
	return is_inside(dirfd, path, 0) && is_of_proc(dirfd, path);
}

/* --- following a path */

/* The flags of openat2(2). */
enum resolve {
	NO_XDEV = 1,
	NO_MAGICLINKS = 2,
	NO_SYMLINKS = 4,
	BENEATH = 8,
	IN_ROOT = 16,
};

struct walk {
	char path[K23_PATH_MAX]; /* so far: absolute, without links */
	char rest[K23_PATH_MAX]; /* what is to be followed */
	size_t size;             /* of path */
	size_t top;              /* size of the path that BENEATH and IN_ROOT are about */
	unsigned links, resolve;
	bool crossed;      /* the border */
	bool is_slashed;   /* there is a slash behind the last component */
	bool is_directory; /* the path is known to be one that may be searched */
};

static bool is_at(const struct walk *walk)
{
	return walk->size == at_size && k23_strcmp(walk->path, at) == 0;
}

static long cross(struct walk *walk)
{
	walk->crossed = true;
	return walk->resolve & NO_XDEV ? -EXDEV : 0;
}

/* Goes to the directory above. Returns 0 or -errno. */
static long leave_component(struct walk *walk)
{
	long r = 0;

	walk->is_directory = true;
	if (walk->size == walk->top && walk->resolve & (BENEATH | IN_ROOT))
		return walk->resolve & BENEATH ? -EXDEV : 0;
	if (is_at(walk))
		r = cross(walk);
	while (walk->size && walk->path[--walk->size] != '/')
		;
	walk->path[walk->size] = '\0';
	return r;
}

/* Goes to the root directory. Returns 0 or -errno. */
static long leave_for_root(struct walk *walk)
{
	bool confined = walk->resolve & IN_ROOT;

	if (walk->resolve & BENEATH || (walk->resolve & NO_XDEV && !confined && is_below_at(walk->path)))
		return -EXDEV;
	walk->size = confined ? walk->top : 0;
	walk->path[walk->size] = '\0';
	walk->is_directory = true;
	return 0;
}

/* Adds "/" and a name. Returns false if there is no room. */
static bool add_name(struct walk *walk, const char *name, size_t length)
{
	if (walk->size + length + 2 > sizeof(walk->path))
		return false;
	walk->path[walk->size++] = '/';
	memcpy(walk->path + walk->size, name, length);
	walk->size += length;
	walk->path[walk->size] = '\0';
	return true;
}

/* For dots, which no file has behind it. Returns 0 or -errno. */
static long check_directory(const struct walk *walk)
{
	char kernel[K23_PATH_MAX], target[1];
	size_t size;
	long r;

	if (walk->is_directory)
		return 0;
	size = path_to_kernel(kernel, walk->path);
	if (size + 2 >= sizeof(kernel))
		return -ENAMETOOLONG;
	memcpy(kernel + size, "/.", 3);
	r = k23_syscall(SYS_readlink, (unsigned long)kernel, (unsigned long)target, sizeof(target), 0, 0, 0);
	return r == -EINVAL ? 0 : r;
}

/* Goes on with what a link leads to, and what is behind it. The link is the last component of the path so far. */
static long follow_link(struct walk *walk, char *target, size_t size, const char *behind)
{
	size_t length = k23_strlen(behind) + 1;

	if (++walk->links > LINKS || walk->resolve & NO_SYMLINKS)
		return -ELOOP;
	if (size + length > sizeof(walk->rest))
		return -ENAMETOOLONG;
	memmove(walk->rest + size, behind, length);
	memcpy(walk->rest, target, size);
	if (*target == '/')
		return leave_for_root(walk);
	while (walk->path[--walk->size] != '/')
		;
	walk->path[walk->size] = '\0';
	walk->is_directory = true;
	return 0;
}

/* The program's path for a directory of the file system to which a link of /proc leads, of which `size` bytes are the
 * text. Returns its length; 0: there is none, as the directory has been removed. */
static long way_in(char text[K23_PATH_MAX], long size, const char *link)
{
	char path[K23_PATH_MAX], kernel[K23_PATH_MAX];

	if (size >= K23_PATH_MAX)
		return 0;
	text[size] = '\0';
	size = path_to_program(path, text);
	if (size >= K23_PATH_MAX || path_to_kernel(kernel, path) >= K23_PATH_MAX || !same_file(kernel, link))
		return 0;
	memcpy(text, path, (size_t)size + 1);
	return size;
}

/* Follows the rest. Returns 0, or the error that the kernel would find on the way; -ENAMETOOLONG: there is no room. */
static long walk_path(struct walk *walk, enum k23_path_last last)
{
	char link[K23_PATH_MAX], kernel[K23_PATH_MAX];
	const char *rest = skip_slashes(walk->rest), *behind;

	for (; *rest; rest = skip_slashes(behind)) {
		size_t length = component(rest);
		bool is_last, is_entry;
		long r = 0;

		behind = rest + length;
		is_last = !*skip_slashes(behind);
		is_entry = is_last && last == K23_LAST_ENTRY;
		walk->is_slashed = is_last && *behind;
		if (!is_entry && (is_dots(rest, length, 1) || is_dots(rest, length, 2))) {
			r = check_directory(walk);
			if (r == 0 && length == 2)
				r = leave_component(walk);
			if (r < 0)
				return r;
			continue;
		}
		if (!add_name(walk, rest, length))
			return -ENAMETOOLONG;
		walk->is_directory = is_at(walk);
		if (walk->is_directory) {
			r = cross(walk);
			if (r < 0)
				return r;
			continue;
		}
		if (is_entry || (last == K23_LAST_KEPT && !*behind))
			return 0;
		if (is_last)
			last = K23_LAST_FOLLOWED; /* also what this link leads to */
		if (path_to_kernel(kernel, walk->path) >= sizeof(kernel))
			return -ENAMETOOLONG;
		r = k23_syscall(SYS_readlink, (unsigned long)kernel, (unsigned long)link, sizeof(link), 0, 0, 0);
		if (r > 0 && !is_below_at(walk->path) && is_of_proc(AT_FDCWD, kernel)) {
			if (is_last)
				return 0; /* by the link itself, also to a file without a name, or to a link */
			if (*link == '/' && !is_directory(kernel))
				return -ENOTDIR; /* a link to a link is not followed further */
			if (walk->resolve && *link == '/')
				return walk->resolve & (NO_MAGICLINKS | NO_SYMLINKS) ? -ELOOP : -EXDEV;
			if (is_inside(AT_FDCWD, kernel, 0))
				r = way_in(link, r, kernel);
		}
		if (r > 0) {
			r = follow_link(walk, link, (size_t)r, behind);
			if (r < 0)
				return r;
			behind = walk->rest;
		} else if (r != -EINVAL) { /* no more links: the kernel finds out what is wrong */
			behind = skip_slashes(behind);
			return !*behind || add_name(walk, behind, k23_strlen(behind)) ? 0 : -ENAMETOOLONG;
		}
	}
	return 0;
}

static void walk_begin(struct walk *walk, unsigned resolve)
{
	walk->path[0] = walk->rest[0] = '\0';
	walk->size = 0;
	walk->links = 0;
	walk->resolve = resolve;
	walk->crossed = walk->is_slashed = false;
	walk->is_directory = true;
}

/* From where a path begins. Returns false if nothing says where a directory is. */
static bool walk_from(struct walk *walk, int dirfd, const char *path)
{
	if ((*path != '/' || walk->resolve & IN_ROOT) && !path_of_directory(walk->path, dirfd))
		return false;
	walk->size = walk->top = k23_strlen(walk->path);
	walk->is_directory = *path == '/' || dirfd == AT_FDCWD;
	memcpy(walk->rest, path, k23_strlen(path) + 1);
	return true;
}

/* Whether a path is a name of the file system itself: not that of its root in there, "." */
__attribute__((noinline)) static bool is_name_of_at(int dirfd, const char *path)
{
	struct walk walk;

	walk_begin(&walk, 0);
	return walk_from(&walk, dirfd, path) && walk_path(&walk, K23_LAST_ENTRY) == 0 && is_at(&walk);
}

enum stage {
	BEFORE, /* the call is made for the first time */
	AGAIN,	/* the kernel has found nothing by the path as it is */
};

/* What the kernel is to be given for a path of the program. resolve: flags of openat2(2). Returns its length; 0 if the
 * path can stay as it is; -errno for the call. */
__attribute__((noinline)) static long path_resolve(char to[K23_PATH_MAX], int dirfd, const char *path,
						   enum k23_path_last last, enum stage stage, unsigned resolve)
{
	const struct run *run = k23_run_state();
	const char *rest = *path == '/' && !(resolve & (BENEATH | IN_ROOT)) ? behind_at(path) : NULL;
	size_t size = k23_strlen(path);
	bool seen;
	struct walk walk;
	long r = 0;

	if (!run || !size || (resolve & BENEATH && *path == '/'))
		return 0;
	seen = run->links || has_parent(rest ? rest : path); /* it could cross the border from within */
	walk_begin(&walk, resolve);
	if (rest) {
		if (resolve & NO_XDEV)
			r = cross(&walk);
		memcpy(walk.path, at, at_size + 1);
		walk.size = at_size;
		memcpy(walk.rest, rest, k23_strlen(rest) + 1);
	} else {
		bool inside = (*path != '/' || resolve & IN_ROOT) && is_inside(dirfd, "", AT_EMPTY_PATH);
		bool by_proc = seen && k23_starts_with(path, "/proc/");

		/* What is confined to a directory stays in it. */
		if (inside ? !seen || resolve & (BENEATH | IN_ROOT) : stage == BEFORE && !names_at(path) && !by_proc)
			return 0;
		if (!walk_from(&walk, dirfd, path))
			return 0;
		seen = true;
	}
	if (seen && r == 0)
		r = walk_path(&walk, last);
	/* As far as no border is crossed, the kernel finds out by itself what is wrong. */
	if (walk.crossed) {
		size = path_to_kernel(to, walk.path);
		if (walk.is_slashed && size + 1 < K23_PATH_MAX)
			memcpy(to + size++, "/", 2);
	} else if (rest) {
		size = rest_to_kernel(to, rest);
	} else {
		return 0;
	}
	if (!is_inside(AT_FDCWD, base, 0))
		return 0;
	if (walk.crossed && r < 0)
		return r;
	return size < K23_PATH_MAX ? (long)size : -ENAMETOOLONG;
}

static long path_translate(char to[K23_PATH_MAX], int dirfd, const char *path, enum k23_path_last last,
			   enum stage stage)
{
	return path_resolve(to, dirfd, path, last, stage, 0);
}

#endif
