/*
 * Lines of a hook's source, by its debug information.
 */
#ifndef CLI_HOOK_LINE_H
#define CLI_HOOK_LINE_H

#include <stdbool.h>
#include <stdint.h>

/* Says on standard error which function and line an address of a hook's file is in. False: the file does not tell. */
bool hook_line_tell(const char *file, uint64_t address);

#endif
