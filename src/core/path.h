/*
 * Paths by name: no file system is asked.
 */
#ifndef CORE_PATH_H
#define CORE_PATH_H

#include <stdbool.h>
#include <stddef.h>

/* Makes an absolute, normalised path of `path`, which is taken from the directory `base` (absolute) when it is
 * relative. Returns its length, or -ENAMETOOLONG. `to` may not overlap the others. */
long core_path_normalise(char *to, size_t size, const char *base, const char *path);

/* Whether a normalised path is root (normalised too) or below it. */
bool core_path_under(const char *path, const char *root);

#endif
