/*
 * What lets shells complete the commands and options of k23, made of their tables.
 */
#ifndef CLI_COMPLETION_H
#define CLI_COMPLETION_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/options.h"

/* Prints the script for a shell: bash, zsh or fish. False: there is none for this shell. */
bool completion_print(const char *shell, const struct command *const *commands, size_t count);

#endif
