#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "cli/trace/calls.h"
#include "cli/trace/format.h"
#include "cli/trace/namespaces.h"
#include "cli/trace/stack.h"
#include "cli/trace/tasks.h"

static bool shows_end(const struct trace_style *style, const struct trace_end *end)
{
	return end->fate == FATE_KILLED ? style->signals >> (end->status - 1) & 1 : !(style->quiet & QUIET_EXIT);
}

static void forget_task(struct trace_log *log, struct task *task)
{
	trace_stream_close(log, task);
	task_remove(&log->tasks, task);
}

/* Tells how a thread ended, and forgets it. */
static void end_task(struct trace_log *log, struct task *task, struct trace_end end)
{
	trace_call_end(log, task, OUTCOME_NONE, end.time);
	if (shows_end(&log->options->style, &end))
		TRACE_TELL(ended, log, task, &end);
	forget_task(log, task);
}

/* Tells how a process ended: the thread that it began with is the last. Without an exit, or a signal that was seen, it
 * can only have been killed by the one that nobody sees. */
static void end_process(struct trace_log *log, struct process *process)
{
	uint64_t time = process->ended ? process->ended : log->time;
	struct trace_end end = { process->fate, process->status, process->core, time };
	struct task *leader = NULL, *next;

	if (process->fate == FATE_NONE)
		end = (struct trace_end){ FATE_KILLED, SIGKILL, process->core, time };
	for (struct task *task = process->tasks; task; task = task->sibling) {
		trace_call_end(log, task, OUTCOME_NONE, time);
		if (task->tid == process->pid)
			leader = task;
	}
	for (struct task *task = process->tasks; task; task = next) {
		next = task->sibling;
		if (task != leader)
			end_task(log, task, end);
	}
	if (leader)
		end_task(log, leader, end);
}

void trace_tasks_reaped(struct trace_log *log, uint32_t pid, int status)
{
	struct process *process = process_find(&log->tasks, pid);

	if (!process || !process->tasks)
		return;
	process->fate = WIFEXITED(status) ? FATE_EXITED : FATE_KILLED;
	process->status = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
	process->core = WCOREDUMP(status);
	end_process(log, process);
}

/* The status that waitpid would give, as far as it is known. */
static int status_of_process(const struct process *process)
{
	return process->fate == FATE_EXITED ? (process->status & 0xff) << 8 :
	       process->fate == FATE_KILLED ? process->status : SIGKILL;
}

void trace_on_reaped(struct trace_log *log, struct task *task)
{
	struct k23_ring_reaped reaped;
	struct process *process;

	if (task->record.size < sizeof(reaped))
		return;
	memcpy(&reaped, task->record.data, sizeof(reaped));
	process = log->channel->foreign_pids ? NULL : process_find(&log->tasks, (uint32_t)reaped.pid);
	task->reaped = reaped.known ? reaped.status : process ? status_of_process(process) : 0;
	if (!process)
		return;
	trace_tasks_reaped(log, (uint32_t)reaped.pid, task->reaped);
	process_remove(&log->tasks, process);
}

void trace_on_start(struct trace_log *log, struct task *task)
{
	struct k23_ring_start start;

	if (task->record.size < sizeof(start))
		return;
	memcpy(&start, task->record.data, sizeof(start));
	memcpy(task->comm, start.comm, sizeof(task->comm) - 1);
	task_name(&log->tasks, task->tid, task->comm, true);
	if (start.process)
		task->process->images = 2; /* of its parent */
	TRACE_TELL(started, log, task, start.time, start.process);
}

void trace_task_namespace(struct trace_log *log, struct task *task, uint64_t inode)
{
	uint32_t pid = task->process->pid, tid = task->tid;

	if (namespaces_find(&log->namespaces, &inode, &pid, &tid))
		task_move(&log->tasks, task, inode, pid, tid);
}

void trace_on_texts(struct trace_log *log, struct task *task)
{
	struct k23_ring_texts texts;
	struct items items;

	(void)log;
	if (task->record.size < sizeof(texts))
		return;
	items.data = task->record.data + sizeof(texts);
	items.size = task->record.size - sizeof(texts);
	stack_space_set(&task->process->space, &items);
}

void trace_on_end(struct trace_log *log, struct task *task)
{
	struct process *process = task->process;
	struct k23_ring_end end;

	if (task->record.size < sizeof(end))
		return;
	memcpy(&end, task->record.data, sizeof(end));
	/* The first thread stays until the process ends, as a zombie. Whether there are others may not be known yet. */
	if (!end.process && task->tid != process->pid) {
		end_task(log, task, (struct trace_end){ FATE_EXITED, end.status, false, end.time });
		return;
	}
	process->fate = FATE_EXITED;
	process->status = end.status;
	process->ended = end.time;
	if (end.process && !task->sibling && process->tasks == task)
		end_process(log, process);
}

/* A thread has executed another program, which has ended the other threads. It has the first one's id now. */
static void supersede(struct trace_log *log, struct process *process, struct task *exec, const struct task *image,
		      uint64_t time)
{
	struct task *leader = NULL, *next;

	for (struct task *task = process->tasks; task; task = task->sibling)
		if (task != exec && task != image) {
			trace_call_end(log, task, OUTCOME_NONE, time);
			leader = task->tid == process->pid ? task : leader;
		}
	for (struct task *task = process->tasks; task; task = next) {
		next = task->sibling;
		if (task != exec && task != image && task != leader)
			end_task(log, task, (struct trace_end){ FATE_EXITED, 0, false, time });
	}
	if (!leader)
		return;
	log->tasks.count--; /* the image's thread is the one that has executed it */
	if (!(log->options->style.quiet & QUIET_THREAD_EXECVE))
		TRACE_TELL(superseded, log, leader, exec->tid);
	log->tasks.count++;
	forget_task(log, leader);
}

/* The thread goes on in the program that it has executed: in the same file, and on the same track. */
static void go_on_as(struct trace_log *log, struct task *exec, struct task *image, uint64_t time, uint32_t former)
{
	struct stream *stream = image->stream;
	struct k23_ring_entry entry;
	struct call call = task_call(exec, &entry);

	if (stream != &log->main) {
		image->stream = exec->stream;
		exec->stream = stream;
	}
	image->track = exec->track;
	TRACE_TELL(executed, log, image, time, former, &call);
}

/*
 * A process has become another program: its execve has succeeded. A process of the same id may exist in another PID
 * namespace; if there are such namespaces, other threads are left alone.
 */
void trace_on_image(struct trace_log *log, struct task *image)
{
	struct k23_ring_exit success = { .type = K23_RING_EXIT };
	struct process *process = image->process;
	struct k23_ring_image record;
	struct task *exec = process->tasks;
	uint32_t former;
	bool detached;

	if (image->record.size < sizeof(record))
		return;
	memcpy(&record, image->record.data, sizeof(record));
	memcpy(image->comm, record.comm, sizeof(image->comm) - 1);
	task_name(&log->tasks, image->tid, image->comm, true);
	while (exec && (exec == image || !trace_call_is_exec(exec)))
		exec = exec->sibling;
	process->images++;
	if (!exec && log->seen && log->options->detach_on_exec)
		forget_task(log, image); /* of a program that runs untraced already */
	log->seen = true;
	if (!exec)
		return;
	if (!log->channel->foreign_pids)
		supersede(log, process, exec, image, record.time);
	success.start = success.end = record.time;
	former = exec->tid;
	exec->tid = process->pid;
	detached = log->options->detach_on_exec && process->images > 2;
	log->tasks.count--;
	log->detached += detached;
	if (detached)
		trace_call_detach(log, exec, record.time);
	else
		trace_call_return(log, exec, &success, (struct items){ 0 });
	log->tasks.count++;
	if (detached)
		forget_task(log, image);
	else
		go_on_as(log, exec, image, record.time, former);
	forget_task(log, exec);
	task_name(&log->tasks, process->pid, record.comm, true);
}

/* Whether the process is gone, or is a zombie. */
static bool is_gone(uint32_t pid)
{
	char path[32], text[512];
	const char *end;
	size_t size;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return kill((pid_t)pid, 0) != 0 && errno == ESRCH;
	size = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[size] = '\0';
	end = strrchr(text, ')'); /* of the name; the state follows */
	return size == 0 || (end && (end[2] == 'Z' || end[2] == 'X'));
}

static void sweep_process(void *context, struct process *process)
{
	struct trace_log *log = context;

	if (!process->tasks && kill((pid_t)process->pid, 0) != 0 && errno == ESRCH)
		process_remove(&log->tasks, process);
	else if (process->gone)
		end_process(log, process);
	else
		process->gone = process->tasks && is_gone(process->pid);
}

void trace_tasks_sweep(struct trace_log *log)
{
	if (!log->channel->foreign_pids)
		process_each(&log->tasks, sweep_process, log);
}

static void end_each(void *context, struct process *process)
{
	struct trace_log *log = context;

	if (!log->open_end || process->fate != FATE_NONE)
		end_process(log, process);
	while (process->tasks) {
		trace_call_end(log, process->tasks, OUTCOME_NONE, log->time);
		forget_task(log, process->tasks);
	}
}

void trace_tasks_end(struct trace_log *log)
{
	process_each(&log->tasks, end_each, log);
}
