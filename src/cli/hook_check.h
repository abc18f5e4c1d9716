/*
 * Looking at a hook's instructions: what must not be in one.
 */
#ifndef CLI_HOOK_CHECK_H
#define CLI_HOOK_CHECK_H

#include <stdbool.h>

#include "cli/hook_file.h"

/* A hook runs with the program's vector registers in place and may make system calls only through the runtime.
 * False, with an allocated text in *problem, when it has an instruction that breaks this. */
bool hook_check_code(const struct hook_file *hook, char **problem);

#endif
