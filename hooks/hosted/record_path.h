/*
 * Paths that name the same file wherever one looks from: absolute, and below the root that the run began with.
 */
#ifndef HOOKS_HOSTED_RECORD_PATH_H
#define HOOKS_HOSTED_RECORD_PATH_H

#include <k23/hook.h>

#include <stdbool.h>
#include <sys/stat.h>

#include "record_log.h"

/* What a relative path starts from. */
static void path_of_directory(char to[K23_PATH_MAX], int dirfd)
{
	char link[32];
	long r;

	if (dirfd == AT_FDCWD) {
		r = k23_syscall(SYS_getcwd, (unsigned long)to, K23_PATH_MAX, 0, 0, 0, 0);
		if (r < 0)
			*to = '\0';
		return;
	}
	k23_format(link, sizeof(link), "/proc/self/fd/%d", dirfd);
	r = k23_syscall(SYS_readlink, (unsigned long)link, (unsigned long)to, K23_PATH_MAX - 1, 0, 0, 0);
	to[r > 0 ? r : 0] = '\0';
}

static bool is_link(const char *path)
{
	char target[1];

	return k23_syscall(SYS_readlink, (unsigned long)path, (unsigned long)target, 1, 0, 0, 0) > 0;
}

/* Adds "/name", or takes away what ".." does: not a symbolic link, as that leads elsewhere. */
static size_t path_add(char *to, size_t size, const char *name, size_t length)
{
	size_t last = size;

	if (!length || (length == 1 && name[0] == '.'))
		return size;
	if (length == 2 && name[0] == '.' && name[1] == '.') {
		if (!size)
			return 0;
		while (to[--last] != '/')
			;
		if (k23_strcmp(to + last, "/..") != 0 && !is_link(to)) {
			to[last] = '\0';
			return last;
		}
	}
	to[size++] = '/';
	memcpy(to + size, name, length);
	to[size + length] = '\0';
	return size + length;
}

/* Without "." and "//", and without ".." where it is the directory that the name before it lies in. A path whose
 * directory is not known stays as it is. */
static void path_absolute(char to[LOG_PATH_MAX], int dirfd, const char *path)
{
	char directory[K23_PATH_MAX];
	size_t size = 0;

	*directory = '\0';
	if (*path != '/')
		path_of_directory(directory, dirfd);
	if (*path != '/' && *directory != '/') { /* also a pipe, or a directory outside of the root */
		k23_format(to, LOG_PATH_MAX, "%s%s%s", directory, *directory && *path ? "/" : "", path);
		return;
	}
	memcpy(to, directory, k23_strlen(directory) + 1);
	size = to[1] ? k23_strlen(to) : 0;
	to[size] = '\0';
	while (*path) {
		size_t length = 0;

		while (path[length] && path[length] != '/')
			length++;
		size = path_add(to, size, path, length);
		path += length + (path[length] == '/');
	}
	if (!size)
		memcpy(to, "/", 2);
}

#define ROOTS 64u

/* The directories that processes have as their root. */
struct roots {
	struct k23_lock lock;
	uint32_t count;
	struct root {
		uint64_t device, inode;
		char path[LOG_PATH_MAX];
	} root[ROOTS];
};

static bool is_root(struct stat *status)
{
	return k23_syscall(SYS_stat, (unsigned long)"/", (unsigned long)status, 0, 0, 0, 0) == 0;
}

static struct root *root_of(struct roots *roots, const struct stat *status)
{
	uint32_t count = __atomic_load_n(&roots->count, __ATOMIC_ACQUIRE);

	for (uint32_t i = 0; i < count; i++)
		if (roots->root[i].device == status->st_dev && roots->root[i].inode == status->st_ino)
			return &roots->root[i];
	return NULL;
}

/* Notes which path the root has that this process now is in: of those that are noted, the first one is "". */
static void roots_note(struct roots *roots, const char *path)
{
	struct stat status;
	struct root *root;

	if (!is_root(&status))
		return;
	k23_lock(&roots->lock);
	if (!root_of(roots, &status) && roots->count < ROOTS) {
		root = &roots->root[roots->count];
		root->device = status.st_dev;
		root->inode = status.st_ino;
		k23_format(root->path, sizeof(root->path), "%s", path);
		__atomic_store_n(&roots->count, roots->count + 1, __ATOMIC_RELEASE);
	}
	k23_unlock(&roots->lock);
}

/* Puts the root's path in front of a path, if there is more than one root. */
static void roots_add(struct roots *roots, char path[LOG_PATH_MAX])
{
	size_t length, size = k23_strlen(path) + 1;
	const struct root *root;
	struct stat status;

	if (*path != '/' || __atomic_load_n(&roots->count, __ATOMIC_RELAXED) < 2 || !is_root(&status))
		return;
	root = root_of(roots, &status);
	length = root ? k23_strlen(root->path) : 0;
	if (!length || length + size > LOG_PATH_MAX)
		return;
	memmove(path + length, path, size);
	memcpy(path, root->path, length);
}

#endif
