/*
 * Where a command's report goes: a file that -o names, or stderr.
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdio.h>

/* Opens path for the report; NULL is stderr. Dies when it cannot. */
FILE *output_open(const char *path);

/* Closes it. Complains, and returns EXIT_K23 instead of 0, when something could not be written. */
int output_close(FILE *output, const char *path);

#endif
