#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/trace/stack.h"
#include "cli/trace/task.h"

static void *allocate(size_t size)
{
	void *memory = calloc(1, size);

	if (!memory)
		die(EXIT_K23, "out of memory");
	return memory;
}

struct process *process_find(const struct tasks *tasks, uint32_t pid)
{
	struct process *process = tasks->processes[pid % TASK_BUCKETS];

	while (process && process->pid != pid)
		process = process->next;
	return process;
}

static void free_process(struct process *process)
{
	stack_space_free(process->space);
	free(process);
}

void task_name(struct tasks *tasks, uint32_t tid, const char *comm, bool told)
{
	struct task_name *name = &tasks->names[tid % TASK_NAMES];

	if (!told && name->tid == tid && name->known)
		return;
	*name = (struct task_name){ .tid = tid, .known = told };
	memcpy(name->comm, comm, sizeof(name->comm) - 1);
}

const char *task_comm(const struct tasks *tasks, uint32_t tid)
{
	const struct task_name *name = &tasks->names[tid % TASK_NAMES];

	return name->tid == tid && *name->comm ? name->comm : NULL;
}

void process_remove(struct tasks *tasks, struct process *process)
{
	struct process **at = &tasks->processes[process->pid % TASK_BUCKETS];

	while (*at != process)
		at = &(*at)->next;
	*at = process->next;
	free_process(process);
}

static struct process *find_or_add(struct tasks *tasks, uint32_t pid)
{
	struct process *process = process_find(tasks, pid);

	if (process && process->tasks)
		return process;
	if (process)
		process_remove(tasks, process);
	process = allocate(sizeof(*process));
	process->pid = pid;
	process->next = tasks->processes[pid % TASK_BUCKETS];
	tasks->processes[pid % TASK_BUCKETS] = process;
	return process;
}

static void join_process(struct tasks *tasks, struct task *task, uint32_t pid)
{
	task->process = find_or_add(tasks, pid);
	task->sibling = task->process->tasks;
	task->process->tasks = task;
}

static void leave_process(struct task *task)
{
	struct task **sibling = &task->process->tasks;

	while (*sibling != task)
		sibling = &(*sibling)->sibling;
	*sibling = task->sibling;
}

struct task *task_find(struct tasks *tasks, uint32_t writer, uint32_t pid, uint32_t tid)
{
	struct task **bucket = &tasks->buckets[writer % TASK_BUCKETS], *task;
	struct bytes record, entry;

	for (task = *bucket; task; task = task->next)
		if (task->writer == writer)
			return task;
	task = tasks->spare;
	if (task)
		tasks->spare = task->next;
	else
		task = allocate(sizeof(*task));
	record = task->record;
	entry = task->entry;
	*task = (struct task){
		.writer = writer, .tid = tid, .nr = -1, .record = record, .entry = entry,
	};
	task->record.size = 0;
	join_process(tasks, task, pid);
	task->next = *bucket;
	*bucket = task;
	tasks->count++;
	return task;
}

void task_move(struct tasks *tasks, struct task *task, uint64_t namespace, uint32_t pid, uint32_t tid)
{
	struct process *former = task->process;

	leave_process(task);
	if (!former->tasks)
		process_remove(tasks, former);
	task->namespace = namespace;
	task->tid = tid;
	join_process(tasks, task, pid);
}

struct call task_call(const struct task *task, struct k23_ring_entry *entry)
{
	struct call call = { .entry = entry, .outcome = OUTCOME_NONE, .namespace = task->namespace };

	memcpy(entry, task->entry.data, sizeof(*entry));
	call.in.data = task->entry.data + sizeof(*entry);
	call.in.size = task->entry.size - sizeof(*entry);
	return call;
}

void task_remove(struct tasks *tasks, struct task *task)
{
	struct task_name *name = &tasks->names[task->tid % TASK_NAMES];
	struct task **at = &tasks->buckets[task->writer % TASK_BUCKETS];

	while (*at != task)
		at = &(*at)->next;
	*at = task->next;
	leave_process(task);
	task->next = tasks->spare;
	tasks->spare = task;
	tasks->count--;
	if (name->tid == task->tid)
		name->known = false;
}

void process_each(struct tasks *tasks, void (*call)(void *context, struct process *process), void *context)
{
	for (unsigned i = 0; i < TASK_BUCKETS; i++)
		for (struct process *process = tasks->processes[i], *next; process; process = next) {
			next = process->next;
			call(context, process);
		}
}

static void free_list(struct task *task)
{
	while (task) {
		struct task *next = task->next;

		free(task->record.data);
		free(task->entry.data);
		free(task);
		task = next;
	}
}

void tasks_free(struct tasks *tasks)
{
	for (unsigned i = 0; i < TASK_BUCKETS; i++) {
		free_list(tasks->buckets[i]);
		for (struct process *process = tasks->processes[i], *next; process; process = next) {
			next = process->next;
			free_process(process);
		}
	}
	free_list(tasks->spare);
}
