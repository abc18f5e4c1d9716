/*
 * Paths by name: no file system is asked.
 */
#include "core/path.h"

#include <asm/errno.h>

#include "core/string.h"

/* Appends the components of `path` to the normalised `to`, which has `length` characters and no slash at its
 * end ("" is the root). Returns the new length. */
static long append_components(char *to, size_t size, size_t length, const char *path)
{
	while (*path) {
		size_t n = 0;

		while (*path == '/')
			path++;
		while (path[n] && path[n] != '/')
			n++;
		if (n == 2 && path[0] == '.' && path[1] == '.') {
			while (length && to[--length] != '/')
				;
		} else if (n && !(n == 1 && path[0] == '.')) {
			if (length + 1 + n + 1 > size)
				return -ENAMETOOLONG;
			to[length] = '/';
			memcpy(to + length + 1, path, n);
			length += 1 + n;
		}
		path += n;
	}
	return (long)length;
}

long core_path_normalise(char *to, size_t size, const char *base, const char *path)
{
	long length = 0;

	if (size < 2)
		return -ENAMETOOLONG;
	if (*path != '/')
		length = append_components(to, size, 0, base);
	if (length >= 0)
		length = append_components(to, size, (size_t)length, path);
	if (length < 0)
		return length;
	if (!length)
		to[length++] = '/';
	to[length] = '\0';
	return length;
}

bool core_path_under(const char *path, const char *root)
{
	size_t n = core_strlen(root);

	if (n == 1 && root[0] == '/')
		return path[0] == '/';
	return core_strlen(path) >= n && memcmp(path, root, n) == 0 && (path[n] == '\0' || path[n] == '/');
}
