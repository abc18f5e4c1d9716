/*
 * The format of strace: a line for each event. A call's line is left open until the call returns. If something else has
 * to be said before, the line ends with <unfinished ...>, and the rest comes later, behind <... NAME resumed>.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/trace/format.h"
#include "cli/trace/line.h"
#include "cli/trace/log.h"
#include "cli/trace/stack.h"

static void show_begin(struct trace_log *log, struct task *task)
{
	struct k23_ring_entry entry;
	struct call call = task_call(task, &entry);

	log->text.size = 0;
	render_begin(&log->text, &call, &log->options->style.render);
	trace_line_begin(log, task, entry.time, true);
	line_bytes(&log->line, log->text.data, log->text.size);
	trace_line_put(log, task->stream, false);
	task->begun = true;
}

/* The last line of the stream ends before something else is said there. */
static void break_line(struct trace_log *log, struct stream *stream)
{
	struct task *task = stream->open;

	stream->open = NULL;
	if (!task)
		return;
	if (!task->begun)
		show_begin(log, task);
	log->line.size = 0;
	line_text(&log->line, " <unfinished ...>");
	trace_line_put(log, stream, true);
}

static void text_call(struct trace_log *log, struct task *task)
{
	break_line(log, task->stream);
	task->stream->open = task;
}

static void text_waiting(struct trace_log *log, struct task *task)
{
	if (!log->options->separate && task->stream->open == task)
		show_begin(log, task);
}

/* How much of a call's text was known when the call was made. What names stand in it may be others now. */
static size_t size_of_begin(struct trace_log *log, const struct task *task)
{
	struct k23_ring_entry entry;
	struct call call = task_call(task, &entry);

	log->line.size = 0;
	render_begin(&log->line, &call, &log->options->style.render);
	return log->line.size;
}

/* Begins to print the rest of a call whose text is in log->text. Returns how long the line is already. */
static size_t resume_call(struct trace_log *log, struct task *task, uint64_t time)
{
	struct stream *stream = task->stream;
	struct k23_ring_entry entry;
	size_t from = task->begun ? size_of_begin(log, task) : 0, before = 0;

	if (stream->open == task && task->begun) {
		before = stream->column;
		log->line.size = 0;
	} else {
		trace_line_begin(log, task, time, true);
	}
	if (stream->open != task && task->begun) {
		memcpy(&entry, task->entry.data, sizeof(entry));
		line_text(&log->line, "<... ");
		render_name(&log->line, &entry);
		line_text(&log->line, " resumed>");
	}
	stream->open = NULL;
	if (from < log->text.size)
		line_bytes(&log->line, log->text.data + from, log->text.size - from);
	return before;
}

static void add_duration(struct trace_log *log, uint64_t cycles)
{
	line_text(&log->line, " <");
	trace_line_seconds(&log->line, (int64_t)((double)cycles * log->rate), 0,
			   log->options->style.duration_digits);
	line_text(&log->line, ">");
}

static void add_stack(struct line *line, const struct stack *stack)
{
	for (size_t i = 0; i < stack->count; i++) {
		const struct stack_frame *frame = &stack->frames[i];

		if (!frame->object) {
			line_text(line, "\n > unexpected_backtracing_error");
		} else {
			line_text(line, "\n > ");
			line_text(line, frame->object);
			line_char(line, '(');
			line_bytes(line, frame->symbol ? frame->symbol : "", frame->symbol_size);
			if (frame->symbol)
				line_add(line, "+0x%llx", (unsigned long long)frame->from_symbol);
			line_char(line, ')');
		}
		line_add(line, " [0x%llx]", (unsigned long long)(frame->object ? frame->offset : frame->address));
	}
}

static void text_returned(struct trace_log *log, struct task *task, const struct trace_return *ret)
{
	const struct trace_style *style = &log->options->style;
	const struct call *call = ret->call;
	bool complete = true;
	size_t before;

	if (task->stream->open != task)
		break_line(log, task->stream);
	log->text.size = 0;
	if (call->outcome == OUTCOME_RESULT)
		render_arguments(&log->text, call, &style->render);
	else
		complete = render_begin(&log->text, call, &style->render);
	before = resume_call(log, task, task->begun ? ret->time : call->entry->time);
	if (ret->detached) {
		line_text(&log->line, " <detached ...>");
	} else {
		line_text(&log->line, complete ? ")" : " <unfinished ...>)");
		trace_line_pad(log, before);
		line_text(&log->line, " = ");
		render_result(&log->line, call, &style->render);
	}
	if (call->outcome == OUTCOME_RESULT) {
		if (style->durations)
			add_duration(log, ret->duration);
		render_dump(&log->line, call, log->request);
	}
	render_operations(&log->line, call, &style->render);
	if (ret->stack)
		add_stack(&log->line, ret->stack);
	trace_line_put(log, task->stream, true);
}

/* Prints a line of a thread that is no call. */
static void note(struct trace_log *log, const struct task *task, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void note(struct trace_log *log, const struct task *task, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	break_line(log, task->stream);
	trace_line_begin(log, task, log->time, false);
	line_add(&log->line, "%s", text ? text : "");
	trace_line_put(log, task->stream, true);
	free(text);
}

static void text_signal(struct trace_log *log, struct task *task, uint64_t time, const siginfo_t *info)
{
	break_line(log, task->stream);
	trace_line_begin(log, task, time, true);
	line_text(&log->line, "--- ");
	render_signal(&log->line, info->si_signo);
	line_char(&log->line, ' ');
	render_siginfo(&log->line, info, task->namespace, &log->options->style.render);
	line_text(&log->line, " ---");
	trace_line_put(log, task->stream, true);
}

static void text_started(struct trace_log *log, struct task *task, uint64_t time, bool process)
{
	(void)time;
	(void)process;
	if (log->options->style.quiet & QUIET_ATTACH)
		return;
	fflush(log->main.file);
	complain("Process %u attached", task->tid);
}

static void text_ended(struct trace_log *log, struct task *task, const struct trace_end *end)
{
	struct line name = { 0 };

	if (end->fate == FATE_EXITED) {
		note(log, task, "+++ exited with %d +++", end->status & 0xff);
		return;
	}
	render_signal(&name, end->status);
	note(log, task, "+++ killed by %s%s +++", name.data, end->core ? " (core dumped)" : "");
	free(name.data);
}

static void text_superseded(struct trace_log *log, struct task *leader, uint32_t by)
{
	note(log, leader, "+++ superseded by execve in pid %u +++", by);
}

static void text_lost(struct trace_log *log, uint32_t tid)
{
	struct task task = { .tid = tid, .stream = &log->main, .nr = -1 };

	note(log, &task, "+++ killed while a call was recorded: record lost +++");
}

const struct trace_format trace_text = {
	.name = "text",
	.call = text_call,
	.waiting = text_waiting,
	.returned = text_returned,
	.signal = text_signal,
	.started = text_started,
	.ended = text_ended,
	.superseded = text_superseded,
	.lost = text_lost,
};

const struct trace_format trace_silent = { .name = "none" };
