/*
 * The format of JSON lines: an object for each event, as k23-trace-json(5) and schemas/k23-trace.schema.json have it.
 */
#include <json-c/json.h>
#include <stdlib.h>

#include "cli/render/line.h"
#include "cli/trace/format.h"
#include "cli/trace/line.h"
#include "cli/trace/log.h"
#include "cli/value.h"
#include "cli/verdict.h"
#include "version.h"

#define SCHEMA 1

/* Writes the object, which it takes, as a line. */
static void put(const struct stream *stream, struct json_object *event)
{
	size_t size;
	const char *text = json_object_to_json_string_length(
		event, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &size);

	fwrite(text, 1, size, stream->file);
	fputc('\n', stream->file);
	json_object_put(event);
}

static void add(struct json_object *event, const char *name, struct json_object *value)
{
	json_object_object_add_ex(event, name, value, JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_ADD_CONSTANT_KEY);
}

/* Begins an event. time: in nanoseconds. */
static struct json_object *event_of(const char *type, int64_t time)
{
	struct json_object *event = json_object_new_object();

	add(event, "type", json_object_new_string(type));
	add(event, "time", json_object_new_int64(time));
	return event;
}

static struct json_object *event_of_task(const char *type, int64_t time, const struct task *task)
{
	struct json_object *event = event_of(type, time);

	add(event, "pid", json_object_new_int64(task->process->pid));
	add(event, "tid", json_object_new_int64(task->tid));
	return event;
}

/* time: in cycles. */
static struct json_object *task_event(struct trace_log *log, const char *type, const struct task *task, uint64_t time)
{
	return event_of_task(type, trace_log_time(log, time), task);
}

static void json_begin(struct trace_log *log, struct stream *stream)
{
	struct json_object *event = event_of("trace", 0);

	add(event, "schema", json_object_new_int(SCHEMA));
	add(event, "generator", json_object_new_string("k23 " K23_VERSION));
	add(event, "started", json_object_new_int64(log->start_unix));
	put(stream, event);
}

static void json_finish(struct trace_log *log)
{
	struct json_object *event = event_of("end", trace_log_time(log, log->time));

	add(event, "lost", json_object_new_int64((int64_t)log->lost));
	add(event, "dropped", json_object_new_int64(log->dropped ? (int64_t)*log->dropped : 0));
	if (log->verdict)
		verdict_json(log->verdict, event);
	put(&log->main, event);
}

static void add_call(struct json_object *event, const struct call *call, const struct render_options *options)
{
	struct line name = { 0 };

	render_name(&name, call->entry);
	add(event, "syscall", json_object_new_string_len(name.data, (int)name.size));
	free(name.data);
	add(event, "number", json_object_new_int64(call->entry->nr));
	add(event, "ip", value_hex(call->entry->ip));
	add(event, "args", value_arguments(call, options));
}

/* What is known of a call when it is made. */
static struct json_object *call_event(struct trace_log *log, const char *type, struct task *task,
				      const struct call *call)
{
	struct json_object *event;

	if (!task->begun)
		task->made = trace_log_time(log, call->entry->time);
	event = event_of_task(type, task->made, task);
	add_call(event, call, &log->options->style.render);
	return event;
}

static void json_waiting(struct trace_log *log, struct task *task)
{
	struct k23_ring_entry entry;
	struct call call = task_call(task, &entry);

	put(task->stream, call_event(log, "waiting", task, &call));
	task->begun = true;
}

static const char *status_of(const struct trace_return *ret, const struct json_object *error)
{
	if (ret->detached)
		return "detached";
	if (ret->call->outcome != OUTCOME_RESULT)
		return ret->call->outcome == OUTCOME_NONE ? "unfinished" : "unavailable";
	return error ? "failed" : "successful";
}

static void add_operations(struct json_object *event, const struct call *call, const struct render_options *options)
{
	struct json_object *members = value_operations(call, options);

	json_object_object_foreach(members, name, value)
		json_object_object_add(event, name, json_object_get(value));
	json_object_put(members);
}

static void json_returned(struct trace_log *log, struct task *task, const struct trace_return *ret)
{
	struct json_object *event = call_event(log, "call", task, ret->call), *error = value_error(ret->call);
	struct json_object *tampering = value_tampering(ret->call);

	add(event, "status", json_object_new_string(status_of(ret, error)));
	if (error)
		add(event, "error", error);
	else if (ret->call->outcome == OUTCOME_RESULT)
		add(event, "result", value_result(ret->call, &log->options->style.render));
	if (tampering)
		add(event, "tampered", tampering);
	add_operations(event, ret->call, &log->options->style.render);
	if (ret->stack)
		add(event, "stack", value_stack(ret->stack));
	if (ret->call->outcome == OUTCOME_RESULT)
		add(event, "duration", json_object_new_int64((int64_t)((double)ret->duration * log->rate)));
	put(task->stream, event);
}

static void json_signal(struct trace_log *log, struct task *task, uint64_t time, const siginfo_t *info)
{
	struct json_object *event = task_event(log, "signal", task, time);

	add(event, "signal", value_of_signal(info->si_signo));
	add(event, "siginfo", value_siginfo(info, task->namespace, &log->options->style.render));
	put(task->stream, event);
}

static void json_started(struct trace_log *log, struct task *task, uint64_t time, bool process)
{
	put(task->stream, task_event(log, process ? "process" : "thread", task, time));
}

static void json_executed(struct trace_log *log, struct task *task, uint64_t time, uint32_t former,
			  const struct call *call)
{
	struct json_object *event = task_event(log, "exec", task, time);

	add_call(event, call, &log->options->style.render);
	if (former != task->tid)
		add(event, "former_tid", json_object_new_int64(former));
	put(task->stream, event);
}

static void json_ended(struct trace_log *log, struct task *task, const struct trace_end *end)
{
	bool killed = end->fate == FATE_KILLED;
	struct json_object *event = task_event(log, killed ? "killed" : "exit", task, end->time);

	if (killed) {
		add(event, "signal", value_of_signal(end->status));
		add(event, "core", json_object_new_boolean(end->core));
	} else {
		add(event, "status", json_object_new_int(end->status & 0xff));
	}
	put(task->stream, event);
}

static void json_superseded(struct trace_log *log, struct task *leader, uint32_t by)
{
	struct json_object *event = task_event(log, "superseded", leader, log->time);

	add(event, "by_tid", json_object_new_int64(by));
	put(leader->stream, event);
}

static void json_lost(struct trace_log *log, uint32_t tid)
{
	struct json_object *event = event_of("lost", trace_log_time(log, log->time));

	add(event, "tid", json_object_new_int64(tid));
	put(&log->main, event);
}

const struct trace_format trace_json = {
	.name = "json",
	.common = true,
	.begin = json_begin,
	.finish = json_finish,
	.waiting = json_waiting,
	.returned = json_returned,
	.signal = json_signal,
	.started = json_started,
	.executed = json_executed,
	.ended = json_ended,
	.superseded = json_superseded,
	.lost = json_lost,
};
