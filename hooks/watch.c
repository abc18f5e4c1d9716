/*
 * watch: notes the processes of a run, and which signals kill them, for `k23 inject --watch` (k23/watch.h). It lies
 * beside another hook, which tells who has the memory.
 *
 * A process that dies of a signal is told so before. Of signals that the kernel forces on it, such as that of a fault
 * while it is blocked, only its parent's waiting tells.
 */
#include "collector.h"

#include <k23/explore.h>
#include <k23/inject.h>
#include <k23/watch.h>

#define DESCENT_COUNTS 1 /* none is used */
#include "descent.h"

#include <signal.h>
#include <sys/wait.h>

struct thread {
	struct descent descent;
	uint32_t process; /* the entry's number, from 1; 0: that of all threads of this memory */
};

static struct k23_watch *watch;
static uint32_t process_of_memory;

/* --- entries */

static struct k23_watch_process *entry_of(uint32_t number)
{
	return number ? &watch->processes[number - 1] : NULL;
}

static struct k23_watch_process *my_entry(void)
{
	const struct thread *thread = k23_thread_state();

	return entry_of(thread->process ? thread->process : process_of_memory);
}

static void note_program(struct k23_watch_process *entry)
{
	char path[K23_PATH_MAX];
	long length = k23_syscall(SYS_readlink, (unsigned long)"/proc/self/exe", (unsigned long)path, sizeof(path) - 1,
				  0, 0, 0);
	size_t skip;

	if (length < 0)
		return;
	path[length] = '\0';
	skip = (size_t)length < sizeof(entry->program) ? 0 : (size_t)length + 1 - sizeof(entry->program);
	memcpy(entry->program, path + skip, (size_t)length + 1 - skip);
}

/* An entry for this process, by its number; 0: there is no room. */
static uint32_t note_process(void)
{
	uint32_t number = __atomic_add_fetch(&watch->count, 1, __ATOMIC_RELAXED);
	struct k23_watch_process *entry;

	if (!number || number > K23_WATCH_PROCESSES)
		return 0;
	entry = entry_of(number);
	entry->descent = descent()->process;
	entry->key = process_key();
	note_program(entry);
	__atomic_store_n(&entry->known, 1, __ATOMIC_RELEASE);
	return number;
}

/* --- deaths */

static void note_death(struct k23_watch_process *entry, uint32_t signal)
{
	__atomic_store_n(entry ? &entry->signal : &watch->unlisted, signal, __ATOMIC_RELAXED);
}

static void on_signal(const struct k23_signal *signal)
{
	if (watch && !signal->handled)
		note_death(my_entry(), (uint32_t)signal->number);
}

/* The newest entry of a process of this PID namespace, as an id may be used again. */
static struct k23_watch_process *find_entry(long pid)
{
	uint32_t count = __atomic_load_n(&watch->count, __ATOMIC_RELAXED);
	uint64_t key = k23_descent_key(pid_namespace(), (uint32_t)pid);

	for (uint32_t i = count < K23_WATCH_PROCESSES ? count : K23_WATCH_PROCESSES; i > 0; i--)
		if (watch->processes[i - 1].key == key)
			return &watch->processes[i - 1];
	return NULL;
}

/* A process has been waited for that a signal had killed. */
static void note_reaped(long pid, int signal)
{
	struct k23_watch_process *entry = find_entry(pid);

	if (!entry || !entry->signal)
		note_death(entry, (uint32_t)signal);
}

static void after_wait4(const struct k23_call *call, long pid)
{
	int status;

	if (pid > 0 && call->args[1] && k23_copy_from(&status, call->args[1], sizeof(status)) == 0 &&
	    WIFSIGNALED(status))
		note_reaped(pid, WTERMSIG(status));
}

static void after_waitid(const struct k23_call *call, long result)
{
	struct {
		int signo, error, code, padding, pid, uid, status;
	} info;

	if (result == 0 && call->args[2] && k23_copy_from(&info, call->args[2], sizeof(info)) == 0 && info.pid > 0 &&
	    (info.code == CLD_KILLED || info.code == CLD_DUMPED))
		note_reaped(info.pid, info.status);
}

static long on_call(struct k23_call *call)
{
	struct k23_call before = *call;
	long result = forward(call);

	if (!watch || before.arch != K23_ARCH_X86_64)
		return result;
	if (before.nr == SYS_wait4)
		after_wait4(&before, result);
	else if (before.nr == SYS_waitid)
		after_waitid(&before, result);
	return result;
}

/* --- births */

static void fork_child(void)
{
	struct thread *thread = k23_thread_state();
	int has_own_memory = thread->descent.thread.id != 0; /* a copy, as all of its state is */

	if (!watch)
		return;
	descent_begin();
	thread->process = note_process();
	if (has_own_memory)
		process_of_memory = thread->process;
}

static int init(const struct k23_options *options)
{
	uint64_t at, magic = k23_option(options, "exploring") ? K23_EXPLORE_MAGIC : K23_INJECT_MAGIC;
	int r;

	if (!parse_number(k23_option(options, "at"), 16, &at))
		return k23_refuse("it is started by `k23 inject`");
	channel_is_another = 1;
	r = channel_init(options, magic, "inject --watch");
	if (r < 0 || !channel)
		return r;
	watch = (struct k23_watch *)((char *)channel + at);
	descent_go_on(watch->carried);
	descent_want(on_call);
	process_of_memory = note_process();
	return 0;
}

K23_HOOK(watch,
	.init = init,
	.fork_child = fork_child,
	.thread_start = descent_begin,
	.signal = on_signal,
	.thread_size = sizeof(struct thread),
	.calls = {
		CHANNEL_CALLS,
		{ SYS_wait4, on_call }, { SYS_waitid, on_call },
	});
