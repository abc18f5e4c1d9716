/*
 * A line of `k23 trace`: what it begins with, as the user chose it, and how it gets into its stream.
 */
#ifndef CLI_TRACE_LINE_H
#define CLI_TRACE_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/render/line.h"
#include "cli/trace/log.h"

#define NANOSECONDS 1000000000ll /* in a second */

/* Seconds, in `width` columns, and that many digits of a part of them, of a time in nanoseconds. */
void trace_line_seconds(struct line *line, int64_t nanoseconds, int width, unsigned digits);

/* Begins a line of a thread in log->line. time: in cycles. known: the thread is at the instruction where its last call
 * was made. */
void trace_line_begin(struct trace_log *log, const struct task *task, uint64_t time, bool known);

/* Adds spaces up to the column of results, in a line of which `before` characters have been printed. */
void trace_line_pad(struct trace_log *log, size_t before);

/* Writes what is in log->line. whole: the line ends with it. */
void trace_line_put(struct trace_log *log, struct stream *to, bool whole);

#endif
