/*
 * Colours, on terminals only, and not where the user does not want them (NO_COLOR).
 */
#ifndef CLI_COLOUR_H
#define CLI_COLOUR_H

#include <stdio.h>

enum colour { COLOUR_NONE, COLOUR_BOLD, COLOUR_GOOD, COLOUR_BAD };

/* What is to be written to the output for what follows to have the colour; COLOUR_NONE ends it. */
const char *colour(FILE *output, enum colour colour);

#endif
