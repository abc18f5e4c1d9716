/*
 * The lines of `k23 trace`. The cells of a thread become records, an entry and an exit record become a call, and a call
 * becomes a line, in the order in which calls return.
 *
 * A thread has a struct writer only while it has begun a record, or has a call that has not returned.
 */
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include <k23/types.h>

#include "cli/cli.h"
#include "cli/ring_reader.h"
#include "cli/trace_log.h"
#include "i386_numbers.h"

#define BUCKETS 1024u
#define NO_SUCH LONG_MIN
#define DEAD_AFTER 1000000000u /* ns: when a call has not returned for so long, its thread may be dead */
/* The longest record: six arguments, each a path or an argv of 32 strings of up to 64 KB. */
#define RECORD_MAX (16u << 20)

struct bytes {
	unsigned char *data;
	size_t size, room;
};

struct writer {
	struct writer *next;
	uint32_t id, pid, tid;
	bool in_call;
	struct bytes record; /* what has come of the record that is being written */
	struct bytes entry;  /* the entry record of the call */
};

void trace_log_init(struct trace_log *log, FILE *output, const struct k23_ring *ring, struct tsc_moment start)
{
	memset(log, 0, sizeof(*log));
	log->output = output;
	log->ring = ring;
	log->start = start;
	log->buckets = calloc(BUCKETS, sizeof(*log->buckets));
	if (!log->buckets)
		die(EXIT_K23, "out of memory");
}

void trace_log_clock(struct trace_log *log)
{
	log->rate = tsc_rate(log->start, tsc_now());
}

static struct writer *find_writer(struct trace_log *log, const struct k23_ring_cell *cell)
{
	struct writer **bucket = &log->buckets[cell->writer % BUCKETS], *writer;

	for (writer = *bucket; writer; writer = writer->next)
		if (writer->id == cell->writer)
			return writer;
	writer = log->spare;
	if (writer)
		log->spare = writer->next;
	else
		writer = calloc(1, sizeof(*writer));
	if (!writer)
		die(EXIT_K23, "out of memory");
	writer->id = cell->writer;
	writer->pid = cell->pid;
	writer->tid = cell->tid;
	writer->next = *bucket;
	*bucket = writer;
	return writer;
}

/* Puts the writer *at aside, to be used again, if it has neither a record nor a call. Returns the place of the next. */
static struct writer **put_aside(struct trace_log *log, struct writer **at)
{
	struct writer *writer = *at;

	if (writer->in_call || writer->record.size)
		return &writer->next;
	*at = writer->next;
	writer->next = log->spare;
	log->spare = writer;
	return at;
}

static void add_bytes(struct bytes *to, const void *data, size_t size)
{
	if (to->size + size > to->room) {
		to->room = 2 * (to->size + size);
		to->data = realloc(to->data, to->room);
		if (!to->data)
			die(EXIT_K23, "out of memory");
	}
	memcpy(to->data + to->size, data, size);
	to->size += size;
}

static double seconds(const struct trace_log *log, uint64_t cycles)
{
	return (double)(int64_t)(cycles - log->start.cycles) * log->rate / 1e9;
}

static void begin_line(struct trace_log *log, uint32_t tid, double time)
{
	log->line.size = 0;
	line_add(&log->line, "%-7u %.6f ", tid, time < 0 ? 0 : time);
}

static void end_line(struct trace_log *log)
{
	line_add(&log->line, "\n");
	fwrite(log->line.data, 1, log->line.size, log->output);
}

/* Prints the writer's call, which is over; exit is NULL when there is no result. */
static void print_call(struct trace_log *log, struct writer *writer, const struct k23_ring_exit *exit,
		       struct items out, enum outcome outcome)
{
	struct k23_ring_entry entry;
	struct call call = { .entry = &entry, .out = out, .outcome = outcome };

	memcpy(&entry, writer->entry.data, sizeof(entry));
	call.in.data = writer->entry.data + sizeof(entry);
	call.in.size = writer->entry.size - sizeof(entry);
	call.result = exit ? exit->result : 0;
	begin_line(log, writer->tid, seconds(log, entry.time));
	render_call(&log->line, &call);
	if (log->durations && exit && exit->end >= exit->start)
		line_add(&log->line, " <%.6f>", (double)(exit->end - exit->start) * log->rate / 1e9);
	end_line(log);
	writer->in_call = false;
}

static void print_without_result(struct trace_log *log, struct writer *writer, enum outcome outcome)
{
	print_call(log, writer, NULL, (struct items){ 0 }, outcome);
}

static bool is_call(const struct writer *writer, long nr, long nr_i386)
{
	struct k23_ring_entry entry;

	memcpy(&entry, writer->entry.data, sizeof(entry));
	return entry.nr == (entry.arch == K23_ARCH_I386 ? nr_i386 : nr);
}

/* Whether the writer's call never returns: it ends the thread, or leaves a signal handler. */
static bool never_returns(const struct writer *writer)
{
	return is_call(writer, SYS_exit, I386_NR_exit) || is_call(writer, SYS_exit_group, I386_NR_exit_group) ||
	       is_call(writer, SYS_rt_sigreturn, I386_NR_rt_sigreturn) || is_call(writer, NO_SUCH, I386_NR_sigreturn);
}

static void on_entry(struct trace_log *log, struct writer *writer)
{
	struct bytes swap;

	if (writer->in_call)
		print_without_result(log, writer, OUTCOME_UNKNOWN);
	if (writer->record.size < sizeof(struct k23_ring_entry))
		return;
	swap = writer->entry;
	writer->entry = writer->record;
	writer->record = swap;
	writer->in_call = true;
	if (never_returns(writer))
		print_without_result(log, writer, OUTCOME_NONE);
}

static void on_exit_record(struct trace_log *log, struct writer *writer)
{
	struct k23_ring_exit exit;
	struct items out;

	if (!writer->in_call || writer->record.size < sizeof(exit))
		return;
	memcpy(&exit, writer->record.data, sizeof(exit));
	out.data = writer->record.data + sizeof(exit);
	out.size = writer->record.size - sizeof(exit);
	print_call(log, writer, &exit, out, OUTCOME_RESULT);
}

/*
 * A process has become another program: its execve has succeeded, and has ended the process's other threads. A
 * process of the same id may exist in another PID namespace; if there are such namespaces, calls of other threads are
 * left alone.
 */
static void on_image(struct trace_log *log, const struct writer *image)
{
	static const struct k23_ring_exit success = { .type = K23_RING_EXIT };
	bool found = false;

	for (unsigned i = 0; i < BUCKETS; i++)
		for (struct writer **at = &log->buckets[i]; *at; at = put_aside(log, at)) {
			struct writer *writer = *at;

			if (!writer->in_call || writer->pid != image->pid || writer == image)
				continue;
			if (!found && (is_call(writer, SYS_execve, I386_NR_execve) ||
				       is_call(writer, SYS_execveat, I386_NR_execveat))) {
				found = true;
				print_call(log, writer, &success, (struct items){ 0 }, OUTCOME_RESULT);
			} else if (!log->ring->channel.foreign_pids) {
				print_without_result(log, writer, OUTCOME_NONE);
			}
		}
}

static void on_record(struct trace_log *log, struct writer *writer)
{
	uint32_t type = 0;

	if (writer->record.size >= sizeof(type))
		memcpy(&type, writer->record.data, sizeof(type));
	if (type == K23_RING_ENTRY)
		on_entry(log, writer);
	else if (type == K23_RING_EXIT)
		on_exit_record(log, writer);
	writer->record.size = 0;
	if (type == K23_RING_IMAGE)
		on_image(log, writer);
}

void trace_log_cell(void *context, const struct k23_ring_cell *cell)
{
	struct trace_log *log = context;
	struct writer *writer = find_writer(log, cell), **at;

	/* What was there is a record that did not fit into the ring, and is not complete. The hook has counted it. */
	if (cell->first || writer->record.size > RECORD_MAX)
		writer->record.size = 0;
	add_bytes(&writer->record, cell->data, cell->size);
	if (!cell->last)
		return;
	on_record(log, writer);
	for (at = &log->buckets[cell->writer % BUCKETS]; *at && *at != writer; at = &(*at)->next)
		;
	if (*at)
		put_aside(log, at);
}

void trace_log_lost(void *context, uint32_t tid)
{
	struct trace_log *log = context;

	log->lost++;
	trace_log_note(log, tid, "+++ killed while a call was recorded: record lost +++");
}

/* Prints the calls of the threads that `over` is true of. */
static void flush_calls(struct trace_log *log, bool (*over)(struct trace_log *, const struct writer *, uint32_t pid),
			uint32_t pid)
{
	for (unsigned i = 0; i < BUCKETS; i++)
		for (struct writer **at = &log->buckets[i]; *at; at = put_aside(log, at))
			if ((*at)->in_call && over(log, *at, pid))
				print_without_result(log, *at, OUTCOME_NONE);
}

static bool is_dead(struct trace_log *log, const struct writer *writer, uint32_t pid)
{
	struct k23_ring_entry entry;

	(void)pid;
	memcpy(&entry, writer->entry.data, sizeof(entry));
	return (double)(tsc_now().cycles - entry.time) * log->rate > DEAD_AFTER &&
	       !ring_writer_lives(log->ring, writer->tid);
}

static bool is_in_process(struct trace_log *log, const struct writer *writer, uint32_t pid)
{
	return writer->pid == pid && !log->ring->channel.foreign_pids;
}

static bool is_any(struct trace_log *log, const struct writer *writer, uint32_t pid)
{
	(void)log;
	(void)writer;
	(void)pid;
	return true;
}

void trace_log_flush_dead(struct trace_log *log)
{
	flush_calls(log, is_dead, 0);
}

void trace_log_flush_process(struct trace_log *log, uint32_t pid)
{
	flush_calls(log, is_in_process, pid);
}

void trace_log_note(struct trace_log *log, uint32_t tid, const char *format, ...)
{
	va_list args;
	char *note;

	va_start(args, format);
	if (vasprintf(&note, format, args) < 0)
		note = NULL;
	va_end(args);
	begin_line(log, tid, seconds(log, tsc_now().cycles));
	line_add(&log->line, "%s", note ? note : "");
	end_line(log);
	free(note);
}

static void free_writers(struct writer *writer)
{
	while (writer) {
		struct writer *next = writer->next;

		free(writer->record.data);
		free(writer->entry.data);
		free(writer);
		writer = next;
	}
}

void trace_log_end(struct trace_log *log)
{
	flush_calls(log, is_any, 0);
}

void trace_log_free(struct trace_log *log)
{
	for (unsigned i = 0; i < BUCKETS; i++)
		free_writers(log->buckets[i]);
	free_writers(log->spare);
	free(log->buckets);
	free(log->line.data);
}
