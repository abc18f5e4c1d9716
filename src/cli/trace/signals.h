/*
 * The signals that the threads of the trace are sent.
 */
#ifndef CLI_TRACE_SIGNALS_H
#define CLI_TRACE_SIGNALS_H

#include "cli/trace/log.h"

/* The handler of the record of a signal: tells it, and notes whether it ends the process. */
void trace_on_signal(struct trace_log *log, struct task *task);

#endif
