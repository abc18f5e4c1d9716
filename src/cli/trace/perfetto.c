/*
 * The format of Perfetto: a track for each thread, with its calls as slices, and what happens to it as instants. Flows
 * lead from where a process or thread is made to its begin, from the end of a process to its parent's SIGCHLD, and from
 * who sends a signal to who gets it.
 */
#include <obstack.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#include "cli/render/line.h"
#include "cli/trace/format.h"
#include "cli/trace/log.h"
#include "cli/trace/perfetto_annotation.h"
#include "cli/value.h"

#define obstack_chunk_alloc malloc
#define obstack_chunk_free free

#define SEQUENCE 1
#define ANNOTATIONS 8 /* of an event, at most */

/* What an event is made of, until it is written. */
struct packet {
	struct obstack memory;
	Perfetto__TrackEvent event;
	Perfetto__DebugAnnotation *annotations[ANNOTATIONS];
	struct json_object *values[ANNOTATIONS];
	char *category;
	uint64_t flow, end_of_flow;
};

/* --- writing */

static void put(struct trace_log *log, Perfetto__TracePacket *packet)
{
	Perfetto__Trace trace = PERFETTO__TRACE__INIT;
	struct obstack memory;
	uint8_t *bytes;

	packet->has_trusted_packet_sequence_id = true;
	packet->trusted_packet_sequence_id = SEQUENCE;
	trace.packet = &packet;
	trace.n_packet = 1;
	obstack_init(&memory);
	bytes = obstack_alloc(&memory, perfetto__trace__get_packed_size(&trace));
	fwrite(bytes, 1, perfetto__trace__pack(&trace, bytes), log->main.file);
	obstack_free(&memory, NULL);
}

static void packet_begin(struct packet *packet, Perfetto__TrackEvent__Type type, const char *category)
{
	memset(packet, 0, sizeof(*packet));
	obstack_init(&packet->memory);
	perfetto__track_event__init(&packet->event);
	packet->event.has_type = true;
	packet->event.type = type;
	packet->event.debug_annotations = packet->annotations;
	packet->category = (char *)category;
	packet->event.categories = &packet->category;
	packet->event.n_categories = category != NULL;
}

/* Adds an annotation, and takes the value. */
static void annotate(struct packet *packet, const char *name, struct json_object *value)
{
	size_t at = packet->event.n_debug_annotations++;

	packet->values[at] = value;
	packet->annotations[at] = perfetto_annotation(&packet->memory, name, value);
}

static void name_packet(struct packet *packet, const char *text, size_t size)
{
	packet->event.name = obstack_copy0(&packet->memory, text, size);
}

/* Writes the event on the thread's track. Time does not go back there, which it could, since the rate of cycles is
 * measured again and again. time: in cycles. */
static void packet_put(struct trace_log *log, struct packet *packet, struct task *task, uint64_t time)
{
	Perfetto__TracePacket whole = PERFETTO__TRACE_PACKET__INIT;
	int64_t since = trace_log_time(log, time);

	if (since > task->track.last)
		task->track.last = since;
	packet->event.has_track_uuid = true;
	packet->event.track_uuid = task->track.id;
	packet->event.flow_ids = &packet->flow;
	packet->event.n_flow_ids = packet->flow != 0;
	packet->event.terminating_flow_ids = &packet->end_of_flow;
	packet->event.n_terminating_flow_ids = packet->end_of_flow != 0;
	whole.has_timestamp = true;
	whole.timestamp = log->boot + (uint64_t)task->track.last;
	whole.track_event = &packet->event;
	put(log, &whole);
	for (size_t i = 0; i < packet->event.n_debug_annotations; i++)
		json_object_put(packet->values[i]);
	obstack_free(&packet->memory, NULL);
}

/* --- tracks */

static void put_track(struct trace_log *log, Perfetto__TrackDescriptor *track, uint64_t id)
{
	Perfetto__TracePacket packet = PERFETTO__TRACE_PACKET__INIT;

	track->has_uuid = true;
	track->uuid = id;
	packet.track_descriptor = track;
	put(log, &packet);
}

static void put_process(struct trace_log *log, const struct process *process, Perfetto__ProcessDescriptor *descriptor)
{
	Perfetto__TrackDescriptor track = PERFETTO__TRACK_DESCRIPTOR__INIT;

	descriptor->has_pid = true;
	descriptor->pid = (int32_t)process->pid;
	track.process = descriptor;
	put_track(log, &track, process->track);
}

/* Gives the thread a track, and its process, if they have none yet. */
static void open_track(struct trace_log *log, struct task *task)
{
	Perfetto__TrackDescriptor track = PERFETTO__TRACK_DESCRIPTOR__INIT;
	Perfetto__ProcessDescriptor process = PERFETTO__PROCESS_DESCRIPTOR__INIT;
	Perfetto__ThreadDescriptor thread = PERFETTO__THREAD_DESCRIPTOR__INIT;

	if (task->track.id)
		return;
	if (!task->process->track) {
		task->process->track = ++log->tracks;
		put_process(log, task->process, &process);
	}
	task->track.id = ++log->tracks;
	thread.has_pid = thread.has_tid = true;
	thread.pid = (int32_t)task->process->pid;
	thread.tid = (int32_t)task->tid;
	track.thread = &thread;
	track.has_parent_uuid = true;
	track.parent_uuid = task->process->track;
	put_track(log, &track, task->track.id);
}

/* --- flows: an id says what leads where, and may be used again when the flow has ended */

enum flow { FLOW_START = 1, FLOW_END, FLOW_SIGNAL };

static uint64_t flow_of(enum flow kind, uint32_t from, uint32_t to, unsigned sig)
{
	return (uint64_t)kind << 60 | (uint64_t)sig << 48 | (uint64_t)(from & 0xffffff) << 24 | (to & 0xffffff);
}

/* Which argument of a call is the process that a signal is for, and which one the signal. */
static const struct {
	int nr;
	unsigned pid, sig;
} senders[] = {
	{ SYS_kill, 0, 1 }, { SYS_tgkill, 0, 2 }, { SYS_rt_sigqueueinfo, 0, 1 }, { SYS_rt_tgsigqueueinfo, 0, 2 },
};

/* The flow that begins with a call; 0: none does. */
static uint64_t flow_from_call(const struct task *task, const struct call *call)
{
	const struct k23_ring_entry *entry = call->entry;
	int64_t nr = entry->nr;

	if (call->outcome != OUTCOME_RESULT || call->result < 0 || entry->arch != K23_ARCH_X86_64)
		return 0;
	if (nr == SYS_clone || nr == SYS_clone3 || nr == SYS_fork || nr == SYS_vfork)
		return flow_of(FLOW_START, 0, (uint32_t)call->result, 0);
	for (size_t i = 0; i < sizeof(senders) / sizeof(senders[0]); i++)
		if (nr == senders[i].nr)
			return flow_of(FLOW_SIGNAL, task->process->pid, (uint32_t)entry->args[senders[i].pid],
				       (unsigned)entry->args[senders[i].sig]);
	return 0;
}

static uint64_t flow_to_signal(const struct task *task, const siginfo_t *info)
{
	if (info->si_code == SI_USER || info->si_code == SI_TKILL || info->si_code == SI_QUEUE)
		return flow_of(FLOW_SIGNAL, (uint32_t)info->si_pid, task->process->pid, (unsigned)info->si_signo);
	if (info->si_signo == SIGCHLD)
		return flow_of(FLOW_END, (uint32_t)info->si_pid, 0, 0);
	return 0;
}

/* --- events */

/* The kernel's clocks, and Perfetto's numbers for them. */
static const struct {
	clockid_t clock;
	uint32_t id;
} known_clocks[] = { { CLOCK_BOOTTIME, 6 }, { CLOCK_MONOTONIC, 3 }, { CLOCK_REALTIME, 1 } };

#define CLOCKS (sizeof(known_clocks) / sizeof(known_clocks[0]))

static void perfetto_begin(struct trace_log *log, struct stream *stream)
{
	Perfetto__ClockSnapshot__Clock clocks[CLOCKS], *list[CLOCKS];
	Perfetto__ClockSnapshot snapshot = PERFETTO__CLOCK_SNAPSHOT__INIT;
	Perfetto__TracePacket packet = PERFETTO__TRACE_PACKET__INIT;

	(void)stream; /* there is only one */
	for (size_t i = 0; i < CLOCKS; i++) {
		struct timespec now;

		list[i] = &clocks[i];
		clock_gettime(known_clocks[i].clock, &now);
		perfetto__clock_snapshot__clock__init(list[i]);
		clocks[i].has_clock_id = clocks[i].has_timestamp = true;
		clocks[i].clock_id = known_clocks[i].id;
		clocks[i].timestamp = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	}
	log->boot = clocks[0].timestamp - (clocks[1].timestamp - log->start.nanoseconds);
	snapshot.clocks = list;
	snapshot.n_clocks = CLOCKS;
	packet.clock_snapshot = &snapshot;
	packet.has_timestamp = true;
	packet.timestamp = log->boot;
	packet.has_sequence_flags = true;
	packet.sequence_flags = 1;
	put(log, &packet);
}

static void annotate_operations(struct packet *packet, const struct call *call, const struct render_options *options)
{
	struct json_object *members = value_operations(call, options);

	json_object_object_foreach(members, name, value)
		annotate(packet, obstack_copy0(&packet->memory, name, strlen(name)), json_object_get(value));
	json_object_put(members);
}

static void perfetto_returned(struct trace_log *log, struct task *task, const struct trace_return *ret)
{
	const struct render_options *options = &log->options->style.render;
	struct json_object *error = value_error(ret->call), *tampering = value_tampering(ret->call);
	const struct call *call = ret->call;
	struct line name = { 0 };
	struct packet packet;

	open_track(log, task);
	packet_begin(&packet, PERFETTO__TRACK_EVENT__TYPE__TYPE_SLICE_BEGIN, "syscall");
	render_name(&name, call->entry);
	name_packet(&packet, name.data, name.size);
	free(name.data);
	annotate(&packet, "args", value_arguments(call, options));
	if (ret->stack)
		annotate(&packet, "stack", value_stack(ret->stack));
	packet.flow = flow_from_call(task, call);
	packet_put(log, &packet, task, call->entry->time);

	packet_begin(&packet, PERFETTO__TRACK_EVENT__TYPE__TYPE_SLICE_END, NULL);
	if (error)
		annotate(&packet, "error", error);
	else if (call->outcome == OUTCOME_RESULT)
		annotate(&packet, "result", value_result(call, options));
	if (tampering)
		annotate(&packet, "tampered", tampering);
	annotate_operations(&packet, call, options);
	packet_put(log, &packet, task, ret->time);
}

static void perfetto_signal(struct trace_log *log, struct task *task, uint64_t time, const siginfo_t *info)
{
	struct line name = { 0 };
	struct packet packet;

	open_track(log, task);
	packet_begin(&packet, PERFETTO__TRACK_EVENT__TYPE__TYPE_INSTANT, "signal");
	render_signal(&name, info->si_signo);
	name_packet(&packet, name.data, name.size);
	free(name.data);
	annotate(&packet, "siginfo", value_siginfo(info, task->namespace, &log->options->style.render));
	packet.end_of_flow = flow_to_signal(task, info);
	packet_put(log, &packet, task, time);
}

static void put_instant(struct trace_log *log, struct task *task, uint64_t time, uint64_t flow, uint64_t end_of_flow,
			const char *format, ...) __attribute__((format(printf, 6, 7)));

static void put_instant(struct trace_log *log, struct task *task, uint64_t time, uint64_t flow, uint64_t end_of_flow,
			const char *format, ...)
{
	struct packet packet;
	va_list args;

	open_track(log, task);
	packet_begin(&packet, PERFETTO__TRACK_EVENT__TYPE__TYPE_INSTANT, "process");
	va_start(args, format);
	obstack_vprintf(&packet.memory, format, args);
	va_end(args);
	obstack_1grow(&packet.memory, '\0');
	packet.event.name = obstack_finish(&packet.memory);
	packet.flow = flow;
	packet.end_of_flow = end_of_flow;
	packet_put(log, &packet, task, time);
}

static void perfetto_started(struct trace_log *log, struct task *task, uint64_t time, bool process)
{
	put_instant(log, task, time, 0, flow_of(FLOW_START, 0, task->tid, 0), process ? "new process" : "new thread");
}

static char *word_of(struct obstack *memory, struct json_object *value)
{
	char *text = perfetto_annotation(memory, NULL, value)->string_value;

	return text ? text : (char *)"?";
}

/* The process's name and arguments are those of its last program. */
static void perfetto_executed(struct trace_log *log, struct task *task, uint64_t time, uint32_t former,
			      const struct call *call)
{
	struct json_object *args = value_arguments(call, &log->options->style.render), *elements;
	size_t path = call->entry->nr == SYS_execveat, count; /* which argument */
	struct json_object *argv = json_object_array_get_idx(args, path + 1);
	Perfetto__ProcessDescriptor process = PERFETTO__PROCESS_DESCRIPTOR__INIT;
	struct obstack memory;

	(void)former;
	if (json_object_object_get_ex(argv, "elements", &elements))
		argv = elements;
	count = json_object_is_type(argv, json_type_array) ? json_object_array_length(argv) : 0;
	obstack_init(&memory);
	process.process_name = basename(word_of(&memory, json_object_array_get_idx(args, path)));
	process.cmdline = obstack_alloc(&memory, (count + 1) * sizeof(*process.cmdline));
	while (process.n_cmdline < count) {
		process.cmdline[process.n_cmdline] =
			word_of(&memory, json_object_array_get_idx(argv, process.n_cmdline));
		process.n_cmdline++;
	}
	put_instant(log, task, time, 0, 0, "exec");
	put_process(log, task->process, &process);
	obstack_free(&memory, NULL);
	json_object_put(args);
}

static void perfetto_ended(struct trace_log *log, struct task *task, const struct trace_end *end)
{
	uint64_t flow = task->tid == task->process->pid ? flow_of(FLOW_END, task->tid, 0, 0) : 0;
	struct line name = { 0 };

	if (end->fate == FATE_EXITED) {
		put_instant(log, task, end->time, flow, 0, "exited with %d", end->status & 0xff);
		return;
	}
	render_signal(&name, end->status);
	put_instant(log, task, end->time, flow, 0, "killed by %s%s", name.data, end->core ? " (core dumped)" : "");
	free(name.data);
}

static void perfetto_superseded(struct trace_log *log, struct task *leader, uint32_t by)
{
	put_instant(log, leader, 0, 0, 0, "superseded by execve of thread %u", by);
}

const struct trace_format trace_perfetto = {
	.name = "perfetto",
	.begin = perfetto_begin,
	.returned = perfetto_returned,
	.signal = perfetto_signal,
	.started = perfetto_started,
	.executed = perfetto_executed,
	.ended = perfetto_ended,
	.superseded = perfetto_superseded,
};
