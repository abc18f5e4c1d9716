#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/trace/calls.h"
#include "cli/trace/format.h"
#include "cli/trace/line.h"
#include "cli/trace/log.h"
#include "cli/trace/namespaces.h"
#include "cli/trace/signals.h"
#include "cli/trace/tasks.h"

/* The longest record: six arguments, each a path or an argv of 32 strings of up to 64 KB. */
#define RECORD_MAX (16u << 20)

const struct trace_format *const trace_formats[] = { &trace_text, &trace_json, &trace_perfetto, NULL };

static struct trace_log *naming; /* the log whose threads are asked for */

/* Of a thread that is not traced, the name that it has now; those of the kernel have longer ones, which are cut. */
static const char *comm_of_stranger(uint32_t tid)
{
	static char comm[K23_RING_COMM];
	char path[32];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%u/comm", tid);
	file = naming->replayed || naming->channel->foreign_pids ? NULL : fopen(path, "re");
	if (!file)
		return NULL;
	if (!fgets(comm, sizeof(comm), file))
		*comm = '\0';
	fclose(file);
	comm[strcspn(comm, "\n")] = '\0';
	return *comm ? comm : NULL;
}

static const char *comm_of(uint32_t tid)
{
	const char *comm = task_comm(&naming->tasks, tid);

	return comm ? comm : comm_of_stranger(tid);
}

static uint32_t outside_of(uint64_t namespace, uint32_t id)
{
	return namespaces_outside(&naming->namespaces, namespace, id);
}

void trace_log_init(struct trace_log *log, const struct trace_options *options, FILE *output,
		    const struct k23_channel *channel, const struct k23_ring_request *request)
{
	log->options = options;
	log->format = options->summary.only ? &trace_silent : options->format;
	log->channel = channel;
	log->request = request;
	log->main.file = output;
	log->start = tsc_now();
	log->start_unix = log->start.unix_time;
	if (options->summary.wanted)
		log->summary = summary_create();
	naming = log;
	render_comm = comm_of;
	render_outside = outside_of;
	trace_log_clock(log);
	if (!options->replays)
		TRACE_TELL(begin, log, &log->main);
}

void trace_log_replay(struct trace_log *log, struct tsc_moment start, int64_t start_unix, double rate)
{
	log->start = start;
	log->start_unix = start_unix;
	log->rate = rate;
	log->time = start.cycles;
	log->replayed = true;
	TRACE_TELL(begin, log, &log->main);
}

int64_t trace_log_time(const struct trace_log *log, uint64_t cycles)
{
	return (int64_t)((double)(int64_t)(cycles - log->start.cycles) * log->rate);
}

void trace_log_clock(struct trace_log *log)
{
	struct tsc_moment now = tsc_now();

	log->time = now.cycles;
	log->rate = tsc_rate(log->start, now);
}

static void on_record(struct trace_log *log, struct task *task)
{
	static void (*const handlers[])(struct trace_log *log, struct task *task) = {
		[K23_RING_IMAGE] = trace_on_image,   [K23_RING_ENTRY] = trace_on_entry,
		[K23_RING_EXIT] = trace_on_exit,     [K23_RING_START] = trace_on_start,
		[K23_RING_END] = trace_on_end,	     [K23_RING_SIGNAL] = trace_on_signal,
		[K23_RING_REAPED] = trace_on_reaped, [K23_RING_TEXTS] = trace_on_texts,
	};
	struct k23_ring_texts head;

	if (task->record.size < sizeof(head))
		return;
	memcpy(&head, task->record.data, sizeof(head));
	log->time = head.time;
	if (head.type < sizeof(handlers) / sizeof(handlers[0]) && handlers[head.type])
		handlers[head.type](log, task);
}

/* If the cell says that a new thread is in another PID namespace: before its id is used for anything. */
static void find_outside(struct trace_log *log, struct task *task, const struct k23_ring_cell *cell)
{
	struct k23_ring_namespace namespace;

	memcpy(&namespace, cell->data, sizeof(namespace));
	if (cell->size == sizeof(namespace) && namespace.type == K23_RING_NAMESPACE && !task->stream)
		trace_task_namespace(log, task, namespace.inode);
}

void trace_log_cell(void *context, const struct k23_ring_cell *cell)
{
	struct trace_log *log = context;
	struct task *task = task_find(&log->tasks, cell->writer, cell->pid, cell->tid);

	if (cell->first)
		find_outside(log, task, cell);
	trace_stream_open(log, task);
	/* What was there is a record that did not fit into the ring, and is not complete. The hook has counted it. */
	if (cell->first || task->record.size > RECORD_MAX)
		task->record.size = 0;
	bytes_add(&task->record, cell->data, cell->size);
	if (cell->last)
		on_record(log, task);
}

void trace_log_record(struct trace_log *log, uint32_t writer, uint32_t pid, uint32_t tid, const void *data,
		      size_t size)
{
	struct task *task = task_find(&log->tasks, writer, pid, tid);

	trace_stream_open(log, task);
	task->record.size = 0;
	bytes_add(&task->record, data, size);
	on_record(log, task);
}

void trace_log_lost(void *context, uint32_t tid)
{
	struct trace_log *log = context;

	log->lost++;
	TRACE_TELL(lost, log, tid);
}

static void tell_waiting(void *log, struct process *process)
{
	trace_calls_waiting(log, process);
}

void trace_log_idle(struct trace_log *log)
{
	process_each(&log->tasks, tell_waiting, log);
}

void trace_log_end(struct trace_log *log)
{
	trace_tasks_end(log);
	TRACE_TELL(finish, log);
	if (log->summary)
		summary_print(log->summary, log->main.file, &log->options->summary, log->rate);
	log->summary = NULL;
}

static void flush_stream(void *context, struct process *process)
{
	(void)context;
	for (struct task *task = process->tasks; task; task = task->sibling)
		fflush(task->stream->file);
}

void trace_log_flush(struct trace_log *log)
{
	fflush(log->main.file);
	if (log->options->separate)
		process_each(&log->tasks, flush_stream, log);
}

void trace_log_free(struct trace_log *log)
{
	tasks_free(&log->tasks);
	namespaces_free(log->namespaces);
	free(log->line.data);
	free(log->text.data);
}
