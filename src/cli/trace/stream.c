#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/trace/format.h"
#include "cli/trace/log.h"
#include "cli/trace/stream.h"

void trace_stream_open(struct trace_log *log, struct task *task)
{
	/* After an execve the thread has another number, and the same file. */
	bool again = task->tid == task->process->pid && task->process->images;
	char *name;

	if (task->stream)
		return;
	task->stream = &log->main;
	if (!log->options->separate)
		return;
	task->stream = calloc(1, sizeof(*task->stream));
	if (!task->stream || asprintf(&name, "%s.%u", log->options->output, task->tid) < 0)
		die(EXIT_K23, "out of memory");
	task->stream->file = fopen(name, again || log->options->append ? "ae" : "we");
	if (!task->stream->file)
		die(EXIT_K23, "cannot write %s: %s", name, strerror(errno));
	free(name);
	if (!again)
		TRACE_TELL(begin, log, task->stream);
}

void trace_stream_close(struct trace_log *log, struct task *task)
{
	if (task->stream->open == task)
		task->stream->open = NULL;
	if (task->stream == &log->main)
		return;
	log->failed |= ferror(task->stream->file) != 0;
	log->failed |= fclose(task->stream->file) != 0;
	free(task->stream);
}
