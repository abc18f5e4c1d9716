/*
 * Counting gaps (abi/gaps.h).
 */
#ifndef CORE_GAPS_H
#define CORE_GAPS_H

#include "abi/gaps.h"

/* Counts a gap so many times, or takes so many back. path: the program that has it, or NULL. */
void core_gaps_add(struct gaps *gaps, enum gap gap, int64_t count, const char *path);

#endif
