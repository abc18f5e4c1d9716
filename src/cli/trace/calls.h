/*
 * The calls of the trace: what is recorded when a call is made, and when it returns; or it is known that it will not.
 */
#ifndef CLI_TRACE_CALLS_H
#define CLI_TRACE_CALLS_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/trace/log.h"

/* The handlers of the records that a call makes. */
void trace_on_entry(struct trace_log *log, struct task *task);
void trace_on_exit(struct trace_log *log, struct task *task);

/* Nothing happens at present: tells of the process's calls that have not returned. */
void trace_calls_waiting(struct trace_log *log, struct process *process);

/* The thread's call, if it is in one, does not return, or nobody knows what it returned. time: in cycles, of the end of
 * the thread, or the present time. */
void trace_call_end(struct trace_log *log, struct task *task, enum outcome outcome, uint64_t time);

/* The thread's call has returned. out: what was fetched then. */
void trace_call_return(struct trace_log *log, struct task *task, const struct k23_ring_exit *exit, struct items out);

/* The thread's call has become a program that is not traced. time: in cycles. */
void trace_call_detach(struct trace_log *log, struct task *task, uint64_t time);

/* Whether the thread is in an execve or execveat. */
bool trace_call_is_exec(const struct task *task);

#endif
