/*
 * The table of `k23 trace -c`: how often each call was made, with which errors, and how long it took.
 */
#ifndef CLI_TRACE_SUMMARY_H
#define CLI_TRACE_SUMMARY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct trace_summary;
struct summary;

/* What -S takes. */
#define SUMMARY_ORDERS "time|min-time|max-time|avg-time|calls|errors|name|nothing"

/* Dies if the order or the columns that the user asks for do not exist. */
void summary_check(const struct trace_summary *wanted);

/* Returns an empty table. */
struct summary *summary_create(void);

/* Counts a call that has returned after `cycles` of the time stamp counter. */
void summary_add(struct summary *summary, uint32_t arch, int64_t nr, uint64_t cycles, bool failed);

/* Prints the table, and frees it. rate: nanoseconds per cycle. */
void summary_print(struct summary *summary, FILE *to, const struct trace_summary *wanted, double rate);

#endif
