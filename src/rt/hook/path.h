/*
 * Functions that hooks are given: paths. include/k23/hook.h says what they do.
 */
#ifndef RT_HOOK_PATH_H
#define RT_HOOK_PATH_H

#include <stddef.h>

/* ctx: boot | entry */
long rt_path_absolute(char *to, size_t size, int dirfd, const char *path);
int rt_path_under(const char *path, const char *root);

#endif
