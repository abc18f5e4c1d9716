/*
 * Makes jumps of the system calls of a hosted hook, which would otherwise take a signal each.
 */
#ifndef CLI_WORLD_PATCH_H
#define CLI_WORLD_PATCH_H

/* Writes to the hook's file. What cannot be patched stays as it is. */
void world_patch(const char *path);

#endif
