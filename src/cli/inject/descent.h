/*
 * Threads and processes as users name them: 1 is the first of a run, 1.2 its second child (k23/descent.h).
 */
#ifndef CLI_INJECT_DESCENT_H
#define CLI_INJECT_DESCENT_H

#include <stdbool.h>

#include <k23/descent.h>

#define DESCENT_TEXT (2 + 11 * K23_DESCENT_STEPS)

/* Writes the name: its place, or where that is too deep its id as a hexadecimal number. */
void descent_write(char text[DESCENT_TEXT], const struct k23_descent *descent);

/* The id of the one with this name. False: it is none. */
bool descent_read(const char *text, uint64_t *id);

#endif
