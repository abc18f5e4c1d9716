/*
 * Opening a hook, which is checked: its instructions, and what its K23_HOOK() says.
 */
#ifndef CLI_HOOK_OPEN_H
#define CLI_HOOK_OPEN_H

#include <stdbool.h>

#include "cli/hook_file.h"

/* Opens a hook's file. False when the file is no hook, or breaks a hook's rules; then an allocated text in *problem
 * says which. checked: code and calls were checked before, as those of the hooks that come with k23 are when they
 * are built. To do so takes a while. */
bool hook_open(struct hook_file *hook, const char *path, bool checked, char **problem);

#endif
