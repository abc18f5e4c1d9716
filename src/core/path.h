/*
 * Paths by name: no file system is asked. ctx: any
 */
#ifndef CORE_PATH_H
#define CORE_PATH_H

#include <stdbool.h>
#include <stddef.h>

/* Makes an absolute, normalised path of `path`; a relative one begins at the absolute directory `base`. Returns the
 * length of the new path, or -ENAMETOOLONG. `to` may not overlap the others. */
long core_path_normalise(char *to, size_t size, const char *base, const char *path);

/* Whether `path` is `root` or below it; both are normalised. */
bool core_path_under(const char *path, const char *root);

#endif
