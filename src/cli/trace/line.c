#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cli/trace/line.h"

void trace_line_seconds(struct line *line, int64_t nanoseconds, int width, unsigned digits)
{
	static const int64_t units[] = { 1000000000, 100000000, 10000000, 1000000, 100000, 10000, 1000, 100, 10, 1 };

	line_add(line, "%*lld", width, (long long)(nanoseconds / NANOSECONDS));
	if (digits)
		line_add(line, ".%0*lld", (int)digits, (long long)(nanoseconds % NANOSECONDS / units[digits]));
}

static void add_clock(struct line *line, const struct trace_style *style, int64_t now)
{
	time_t seconds = now / NANOSECONDS;
	struct tm broken;
	char text[16];

	if (style->clock == CLOCK_UNIX) {
		trace_line_seconds(line, now, 0, style->clock_digits);
	} else {
		localtime_r(&seconds, &broken);
		strftime(text, sizeof(text), "%T", &broken);
		line_add(line, "%s", text);
		if (style->clock_digits) {
			struct line fraction = { 0 };

			trace_line_seconds(&fraction, now % NANOSECONDS, 0, style->clock_digits);
			line_add(line, "%s", fraction.data + 1);
			free(fraction.data);
		}
	}
	line_text(line, " ");
}

static int64_t unix_time(const struct trace_log *log, uint64_t time)
{
	return log->start_unix + trace_log_time(log, time);
}

static void add_relative(struct trace_log *log, struct line *line, uint64_t time)
{
	const struct trace_style *style = &log->options->style;
	int64_t since = log->last && time > log->last ? (int64_t)((double)(time - log->last) * log->rate) : 0;

	if (style->clock != CLOCK_NONE)
		line_text(line, "(+");
	trace_line_seconds(line, since, 6, style->relative_digits);
	line_add(line, style->clock != CLOCK_NONE ? ") " : " ");
	log->last = time;
}

/* "%-5u " */
static void add_id(struct line *line, const struct task *task, bool comm)
{
	size_t begin = line->size;

	line_unsigned(line, task->tid);
	if (comm && *task->comm)
		render_name_of_thread(line, task->comm);
	while (line->size - begin < 5)
		line_char(line, ' ');
	line_char(line, ' ');
}

static void add_bracketed_id(struct line *line, const struct task *task, bool comm)
{
	line_add(line, "[pid %5u", task->tid);
	if (comm && *task->comm)
		render_name_of_thread(line, task->comm);
	line_text(line, "] ");
}

void trace_line_begin(struct trace_log *log, const struct task *task, uint64_t time, bool known)
{
	const struct trace_style *style = &log->options->style;
	struct line *line = &log->line;

	line->size = 0;
	if (log->options->output && !log->options->separate)
		add_id(line, task, style->render.comms);
	else if (!log->options->output && log->tasks.count > 1)
		add_bracketed_id(line, task, style->render.comms);
	if (style->clock != CLOCK_NONE)
		add_clock(line, style, unix_time(log, time));
	if (style->relative)
		add_relative(log, line, time);
	if (style->numbers)
		line_add(line, "[%4lld] ", (long long)task->nr);
	if (style->instructions && known)
		line_add(line, "[%016llx] ", (unsigned long long)task->ip);
	else if (style->instructions)
		line_text(line, "[????????????????] ");
}

void trace_line_pad(struct trace_log *log, size_t before)
{
	size_t column = log->options->style.column;

	while (before + log->line.size + 1 < column)
		line_char(&log->line, ' ');
}

void trace_line_put(struct trace_log *log, struct stream *to, bool whole)
{
	if (whole)
		line_char(&log->line, '\n');
	fwrite(log->line.data, 1, log->line.size, to->file);
	to->column = whole ? 0 : to->column + log->line.size;
	log->line.size = 0;
}
