/*
 * What hooks are told of an execve of the program.
 *
 * ctx: entry, signals blocked, for all here.
 */
#ifndef RT_HOOK_EXEC_CALLBACKS_H
#define RT_HOOK_EXEC_CALLBACKS_H

#include <stdbool.h>
#include <stdint.h>

/* An execve of the program with this path is about to be made, or has failed. values: what each hook carries into the
 * new image. *interpreter: the ELF interpreter that the last of those hooks which choose one has chosen, or NULL.
 * Returns whether any value is set. */
bool rt_callbacks_exec_begin(const char *path, uint64_t *values, const char **interpreter);
void rt_callbacks_exec_failed(const char *path, const uint64_t *values, long error);

#endif
