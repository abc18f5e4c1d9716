/*
 * For overlay.c: where a path of the program leads in the two layers.
 */
#ifndef EXAMPLES_OVERLAY_H
#define EXAMPLES_OVERLAY_H

#include <k23/path.h>

#include <stdbool.h>
#include <sys/stat.h>

#define LINKS 40 /* as many as the kernel follows */

/* In the upper layer: a file of this name and what follows hides that which follows in the lower one. It stays when the
 * upper layer gets something of that name. */
#define WHITEOUT ".wh."

/* The two layers, absolute and without links. The program sees the lower one's name. */
static char lower[K23_PATH_MAX], upper[K23_PATH_MAX];
static size_t lower_size, upper_size;

/* Where a path leads. */
struct place {
	char path[K23_PATH_MAX]; /* absolute and without links, as the program sees it */
	char rest[K23_PATH_MAX]; /* while it is followed: what is left */
	size_t size;
	unsigned links;
	bool is_inside;  /* the path is the lower layer's root or below it */
	bool was_inside; /* at some point of the way */
	bool is_slashed; /* the program has put a slash behind it */
	unsigned dots;   /* that the last component consists of */
	bool in_upper, in_lower; /* the layers that have it: both for directories only */
	bool parent_in_upper, parent_in_lower;
	unsigned mode; /* 0: it does not exist */
};

static long sys_stat(const char *path, struct stat *status)
{
	return k23_syscall(SYS_lstat, (unsigned long)path, (unsigned long)status, 0, 0, 0, 0);
}

static unsigned mode_of(const char *path)
{
	struct stat status;

	return sys_stat(path, &status) == 0 ? status.st_mode : 0;
}

static bool is_below(const char *path, const char *root, size_t size)
{
	return k23_strncmp(path, root, size) == 0 && (path[size] == '/' || !path[size]);
}

/* The name of a path in a layer, which has room for K23_PATH_MAX bytes. Returns whether it fits. */
static bool in_layer(char *to, const char *layer, const char *path)
{
	return k23_format(to, K23_PATH_MAX, "%s%s", layer, path + lower_size) < K23_PATH_MAX;
}

/* The name in the upper layer of what hides a file of the lower one. */
static bool whiteout_of(char *to, const char *path)
{
	const char *name = path + k23_strlen(path);

	while (name[-1] != '/')
		name--;
	return k23_format(to, K23_PATH_MAX, "%s%.*s" WHITEOUT "%s", upper, (int)(name - path - (long)lower_size),
			  path + lower_size, name) < K23_PATH_MAX;
}

/* Says which layers have the last component of the path, whose directory is looked up already. */
static long look_up(struct place *place)
{
	char name[K23_PATH_MAX], hides[K23_PATH_MAX];

	place->parent_in_upper = place->in_upper;
	place->parent_in_lower = place->in_lower;
	place->mode = 0;
	if (!in_layer(name, upper, place->path) || !whiteout_of(hides, place->path))
		return -ENAMETOOLONG;
	place->mode = place->parent_in_upper ? mode_of(name) : 0;
	place->in_upper = place->mode != 0;
	place->in_lower = place->parent_in_lower && !(place->parent_in_upper && mode_of(hides));
	if (place->in_upper && !S_ISDIR(place->mode)) {
		place->in_lower = false;
	} else if (place->in_lower) {
		unsigned mode = mode_of(place->path);

		place->in_lower = place->in_upper ? S_ISDIR(mode) : mode != 0;
		place->mode = place->in_upper ? place->mode : mode;
	}
	return 0;
}

/* The name by which the kernel finds what is at the place, or nothing: not what is hidden. */
static const char *real_name(const struct place *place, char *to)
{
	if (!place->is_inside || (place->mode && !place->in_upper))
		return place->path;
	return in_layer(to, upper, place->path) ? to : NULL;
}

/* At the root of the layers, or outside of them. */
static void look_around(struct place *place)
{
	place->is_inside = is_below(place->path, lower, lower_size);
	place->was_inside |= place->is_inside;
	place->in_upper = place->in_lower = place->is_inside;
	place->mode = S_IFDIR;
}

/* The place's path becomes that of its directory. */
static long leave(struct place *place)
{
	while (place->size && place->path[--place->size] != '/')
		;
	place->path[place->size] = '\0';
	return 0;
}

/* Looks up again what leads to the place, after ".." or a link. The path has no links. */
static long look_up_again(struct place *place)
{
	size_t end = place->size;
	long r = 0;

	look_around(place);
	if (!place->is_inside)
		return 0;
	for (size_t at = lower_size; r == 0 && at < end;) {
		char kept;

		for (at++; at < end && place->path[at] != '/'; at++)
			;
		kept = place->path[at];
		place->path[at] = '\0';
		r = look_up(place);
		place->path[at] = kept;
	}
	return r;
}

/* Begins at an absolute path that the kernel gives, of a directory mostly. */
static long start_at(struct place *place, const char *path)
{
	bool is_upper = is_below(path, upper, upper_size);

	place->size = (size_t)k23_format(place->path, sizeof(place->path), "%s%s", is_upper ? lower : "",
					 is_upper ? path + upper_size : path[1] ? path : "");
	return place->size < sizeof(place->path) ? look_up_again(place) : -ENAMETOOLONG;
}

static long start_at_fd(struct place *place, int dirfd)
{
	char link[32] = "/proc/thread-self/cwd", path[K23_PATH_MAX];
	long r;

	if (dirfd != AT_FDCWD)
		k23_format(link, sizeof(link), "/proc/thread-self/fd/%d", dirfd);
	r = k23_syscall(SYS_readlink, (unsigned long)link, (unsigned long)path, sizeof(path) - 1, 0, 0, 0);
	if (r <= 0)
		return dirfd == AT_FDCWD ? r : -EBADF;
	path[r] = '\0';
	return *path == '/' ? start_at(place, path) : -ENOTDIR;
}

/* What is left of a path may begin with the upper layer's name, as the kernel tells that in links of /proc, and to the
 * interpreter of a script: it becomes the lower one's. */
static void show_rest(char *rest)
{
	if (!is_below(rest, upper, upper_size))
		return;
	memmove(rest + lower_size, rest + upper_size, k23_strlen(rest + upper_size) + 1);
	memcpy(rest, lower, lower_size);
}

/* Goes to where the symbolic link leads that the place is, which is not the root. */
static long follow(struct place *place, const char *real, const char *behind)
{
	char target[K23_PATH_MAX];
	size_t length = k23_strlen(behind);
	long r = k23_syscall(SYS_readlink, (unsigned long)real, (unsigned long)target, sizeof(target), 0, 0, 0);

	if (r < 0)
		return r;
	if (++place->links > LINKS)
		return -ELOOP;
	if ((size_t)r + length >= sizeof(place->rest))
		return -ENAMETOOLONG;
	memmove(place->rest + r, behind, length + 1);
	memcpy(place->rest, target, (size_t)r);
	if (*target == '/') {
		place->path[place->size = 0] = '\0';
		show_rest(place->rest);
	} else {
		leave(place);
	}
	return look_up_again(place);
}

/* Whether a link of /proc leads elsewhere than to a file by the name that it tells: such are the kernel's matter. */
static bool is_for_kernel(struct place *place)
{
	struct stat status = { 0 }, named = { 0 };
	char target[K23_PATH_MAX];
	long r;

	if (!k23_starts_with(place->path, "/proc/"))
		return false;
	r = k23_syscall(SYS_readlink, (unsigned long)place->path, (unsigned long)target, sizeof(target) - 1, 0, 0, 0);
	if (r <= 0)
		return true;
	target[r] = '\0';
	k23_syscall(SYS_stat, (unsigned long)place->path, (unsigned long)&status, 0, 0, 0, 0);
	k23_syscall(SYS_stat, (unsigned long)target, (unsigned long)&named, 0, 0, 0, 0);
	if (*target == '/' && status.st_dev == named.st_dev && status.st_ino == named.st_ino)
		return false;
	place->mode = status.st_mode;
	return true;
}

/* One component, of which `behind` is what follows. Returns 1 if it was a link that was followed. */
static long enter(struct place *place, const char *name, size_t length, const char *behind, bool follows)
{
	char to[K23_PATH_MAX];
	const char *real;
	long r;

	if (place->size + length + 2 > sizeof(place->path))
		return -ENAMETOOLONG;
	place->path[place->size++] = '/';
	memcpy(place->path + place->size, name, length);
	place->size += length;
	place->path[place->size] = '\0';
	if (place->is_inside) {
		r = k23_starts_with(name, WHITEOUT) ? -EPERM : look_up(place);
		if (r < 0)
			return r;
	} else if (place->size == lower_size && is_below(place->path, lower, lower_size)) {
		look_around(place);
		return 0;
	} else {
		place->mode = mode_of(place->path);
	}
	if (!S_ISLNK(place->mode) || !follows || is_for_kernel(place))
		return 0;
	real = real_name(place, to);
	r = real ? follow(place, real, behind) : -ENAMETOOLONG;
	return r < 0 ? r : 1;
}

/* Where a path leads. Returns 0, and what does not exist has no mode; or the error that the kernel finds on the way. */
static long find(struct place *place, int dirfd, const char *path, enum k23_path_last last)
{
	size_t length = k23_strlen(path);
	const char *rest = place->rest, *behind;
	long r;

	*place = (struct place){ 0 };
	if (length >= sizeof(place->rest))
		return -ENAMETOOLONG;
	memcpy(place->rest, path, length + 1);
	show_rest(place->rest);
	r = *path == '/' ? start_at(place, "/") : start_at_fd(place, dirfd);
	for (; r >= 0 && *rest; rest = behind) {
		bool is_last;

		while (*rest == '/')
			rest++;
		for (length = 0; rest[length] && rest[length] != '/'; length++)
			;
		if (!length)
			break;
		behind = rest + length;
		while (*behind == '/')
			behind++;
		is_last = !*behind;
		if (is_last)
			place->is_slashed = rest[length] == '/';
		if (!place->mode || !S_ISDIR(place->mode))
			return place->mode ? -ENOTDIR : -ENOENT;
		place->dots = *rest == '.' && (length == 1 || (length == 2 && rest[1] == '.')) ? (unsigned)length : 0;
		if (place->dots == 1)
			continue;
		if (place->dots) {
			leave(place);
			r = look_up_again(place);
			continue;
		}
		behind = rest + length;
		r = enter(place, rest, length, behind, !is_last || last == K23_LAST_FOLLOWED ||
			  (last == K23_LAST_KEPT && place->is_slashed));
		if (r > 0)
			behind = place->rest;
	}
	return r < 0 ? r : 0;
}

#endif
