/*
 * Looking at a hook's instructions: what must not be in one.
 */
#ifndef CLI_HOOKCHECK_H
#define CLI_HOOKCHECK_H

#include <stdbool.h>

#include "cli/module.h"

/* A hook runs with the program's vector registers in place and may make system calls only through the runtime.
 * False, with an allocated text in *problem, when it has an instruction that breaks this. */
bool hookcheck_code(const struct module *module, char **problem);

#endif
