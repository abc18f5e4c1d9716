/*
 * Where a command's report goes: a file that -o names, or stderr.
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdio.h>

/* Opens a path for the report; NULL is stderr. Dies on failure. */
FILE *output_open(const char *path);

/* Closes the report. When something could not be written, complains and returns EXIT_K23, otherwise returns 0. */
int output_close(FILE *output, const char *path);

#endif
