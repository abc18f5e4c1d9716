/*
 * Checking a hook's instructions.
 */
#ifndef CLI_HOOK_CHECK_H
#define CLI_HOOK_CHECK_H

#include <stdbool.h>

#include "cli/hook_file.h"

/* Whether a hook leaves the program's vector registers alone, and makes system calls through the runtime only. If one
 * of its instructions does not: false, with an allocated text in *problem. */
bool hook_check_code(const struct hook_file *hook, char **problem);

#endif
