/*
 * The threads and processes of the trace: how they come, execute programs, and end.
 *
 * Threads of a process that calls exit_group may still make calls for a moment. The process's end is told when its
 * parent has waited for it, or has been told of it, or when it is found to be gone.
 */
#ifndef CLI_TRACE_TASKS_H
#define CLI_TRACE_TASKS_H

#include <stdint.h>

#include "cli/trace/log.h"

/* The handlers of records. */
void trace_on_image(struct trace_log *log, struct task *image);
void trace_on_start(struct trace_log *log, struct task *task);
void trace_on_end(struct trace_log *log, struct task *task);
void trace_on_texts(struct trace_log *log, struct task *task);
void trace_on_reaped(struct trace_log *log, struct task *task);

/* A new thread may be in another PID namespace, whose inode number is this; 0: that is not known. */
void trace_task_namespace(struct trace_log *log, struct task *task, uint64_t inode);

/* Tells the end of a process: status as waitpid has it. */
void trace_tasks_reaped(struct trace_log *log, uint32_t pid, int status);

/* Tells the ends of processes that were killed and that nobody has waited for: those that were gone already when this
 * was called before, since when all has been read that they have recorded. */
void trace_tasks_sweep(struct trace_log *log);

/* Tells the ends of all that is left. */
void trace_tasks_end(struct trace_log *log);

#endif
