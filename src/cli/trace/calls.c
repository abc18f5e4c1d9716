#include <limits.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "cli/render/memory.h"
#include "cli/trace/calls.h"
#include "cli/trace/format.h"
#include "cli/trace/stack.h"
#include "i386_numbers.h"

#define NO_SUCH LONG_MIN

/* Whether calls are shown only when it is known how they end. */
static bool shows_late(const struct trace_log *log)
{
	return log->options->style.statuses != STATUS_ALL;
}

static unsigned status_of(const struct call *call)
{
	if (call->outcome == OUTCOME_UNKNOWN)
		return STATUS_UNAVAILABLE;
	if (call->outcome == OUTCOME_NONE)
		return STATUS_UNFINISHED;
	return call->result < 0 && call->result >= -4095 ? STATUS_FAILED : STATUS_SUCCESSFUL;
}

/* The call is over, or nothing more will be known of it. */
static void tell_return(struct trace_log *log, struct task *task, struct trace_return ret)
{
	unsigned status = ret.detached ? STATUS_DETACHED : status_of(ret.call);
	static struct stack stack;

	task->in_call = false;
	if (task->hidden || !(log->options->style.statuses & status))
		return;
	if (log->request->stack_size) {
		stack_walk(task->process->space, ret.call, &stack);
		ret.stack = &stack;
	}
	TRACE_TELL(returned, log, task, &ret);
}

void trace_call_end(struct trace_log *log, struct task *task, enum outcome outcome, uint64_t time)
{
	struct k23_ring_entry entry;
	struct call call;

	if (!task->in_call)
		return;
	call = task_call(task, &entry);
	call.outcome = outcome;
	tell_return(log, task, (struct trace_return){ .call = &call, .time = time });
}

static bool is_call(const struct task *task, long nr, long nr_i386)
{
	struct k23_ring_entry entry;

	memcpy(&entry, task->entry.data, sizeof(entry));
	return entry.nr == (entry.arch == K23_ARCH_I386 ? nr_i386 : nr);
}

static bool makes_task(const struct task *task)
{
	return is_call(task, SYS_clone, I386_NR_clone) || is_call(task, SYS_clone3, I386_NR_clone3) ||
	       is_call(task, SYS_fork, I386_NR_fork) || is_call(task, SYS_vfork, I386_NR_vfork);
}

/* A thread that has given itself a name has it from the next line on. */
static void rename_task(struct trace_log *log, struct task *task, const struct call *call)
{
	struct piece name;

	if (!is_call(task, SYS_prctl, I386_NR_prctl) || (int)call->entry->args[0] != PR_SET_NAME || call->result != 0 ||
	    !memory_piece(call, PHASE_ENTRY, call->entry->args[1], &name))
		return;
	memset(task->comm, 0, sizeof(task->comm));
	memcpy(task->comm, name.data, name.size < sizeof(task->comm) ? name.size : sizeof(task->comm) - 1);
	task_name(&log->tasks, task->tid, task->comm, true);
}

void trace_call_return(struct trace_log *log, struct task *task, const struct k23_ring_exit *exit, struct items out)
{
	struct k23_ring_entry entry;
	struct call call = task_call(task, &entry);
	uint64_t start = exit->start ? exit->start : entry.time, cycles = exit->end >= start ? exit->end - start : 0;

	call.out = out;
	call.outcome = OUTCOME_RESULT;
	call.result = exit->result;
	call.tampered = exit->tampered;
	if (log->summary && !task->hidden)
		summary_add(log->summary, entry.arch, entry.nr, cycles, status_of(&call) == STATUS_FAILED);
	if (makes_task(task) && exit->result > 0)
		task_name(&log->tasks, (uint32_t)exit->result, task->comm, false);
	tell_return(log, task, (struct trace_return){ .call = &call, .time = exit->end, .duration = cycles });
	rename_task(log, task, &call);
}

void trace_call_detach(struct trace_log *log, struct task *task, uint64_t time)
{
	struct k23_ring_entry entry;
	struct call call = task_call(task, &entry);

	tell_return(log, task, (struct trace_return){ .call = &call, .time = time, .detached = true });
}

void trace_calls_waiting(struct trace_log *log, struct process *process)
{
	if (shows_late(log))
		return;
	for (struct task *task = process->tasks; task; task = task->sibling)
		if (task->in_call && !task->hidden && !task->begun)
			TRACE_TELL(waiting, log, task);
}

bool trace_call_is_exec(const struct task *task)
{
	return task->in_call &&
	       (is_call(task, SYS_execve, I386_NR_execve) || is_call(task, SYS_execveat, I386_NR_execveat));
}

/* Whether the call never returns, and no more is recorded of it. */
static bool never_returns(const struct task *task)
{
	return is_call(task, SYS_exit, I386_NR_exit) || is_call(task, SYS_exit_group, I386_NR_exit_group) ||
	       is_call(task, SYS_rt_sigreturn, I386_NR_rt_sigreturn) || is_call(task, NO_SUCH, I386_NR_sigreturn);
}

/* Whether the record is once more the entry of the thread's call, which may have been overwritten. */
static bool is_same_entry(const struct task *task)
{
	struct k23_ring_entry entry, again;

	if (!task->in_call)
		return false;
	memcpy(&entry, task->entry.data, sizeof(entry));
	memcpy(&again, task->record.data, sizeof(again));
	return entry.time == again.time && entry.nr == again.nr;
}

void trace_on_entry(struct trace_log *log, struct task *task)
{
	struct k23_ring_entry entry;
	struct bytes swap;
	struct call call;

	if (task->record.size < sizeof(entry) || is_same_entry(task))
		return;
	trace_call_end(log, task, OUTCOME_UNKNOWN, log->time);
	swap = task->entry;
	task->entry = task->record;
	task->record = swap;
	call = task_call(task, &entry);
	task->ip = entry.ip;
	task->nr = entry.nr;
	task->in_call = true;
	task->begun = false;
	task->hidden = !k23_ring_has_call(&log->request->wanted, entry.arch, entry.nr) ||
		       !path_filter_has(&log->options->paths, &call);
	if (!shows_late(log) && !task->hidden)
		TRACE_TELL(call, log, task);
	if (never_returns(task))
		trace_call_end(log, task, OUTCOME_NONE, entry.time);
}

void trace_on_exit(struct trace_log *log, struct task *task)
{
	struct k23_ring_entry entry;
	struct k23_ring_exit exit;
	struct items out;

	if (!task->in_call || task->record.size < sizeof(exit))
		return;
	memcpy(&exit, task->record.data, sizeof(exit));
	memcpy(&entry, task->entry.data, sizeof(entry));
	if (exit.entered != (uint32_t)entry.time) /* it is that of another call, whose entry is lost */
		return;
	out.data = task->record.data + sizeof(exit);
	out.size = task->record.size - sizeof(exit);
	trace_call_return(log, task, &exit, out);
}
