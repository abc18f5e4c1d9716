#include "cli/inject/watch.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/inject/family.h"
#include "cli/name_set.h"
#include "core/describe.h"

char *watch_hook_spec(const struct segment *segment, size_t at, bool exploring)
{
	char *memory = segment_hook_spec(segment, "watch"), *spec;

	if (asprintf(&spec, "%s,at=%zx%s", memory, at, exploring ? ",exploring" : "") < 0)
		die(EXIT_K23, "out of memory");
	free(memory);
	return spec;
}

void watch_add(struct watch_losses *losses, const struct watch_loss *loss)
{
	losses->at = reallocarray(losses->at, losses->count + 1, sizeof(*losses->at));
	if (!losses->at)
		die(EXIT_K23, "out of memory");
	losses->at[losses->count++] = *loss;
}

static struct watch_loss *add(struct watch_losses *losses)
{
	static const struct watch_loss nothing;

	watch_add(losses, &nothing);
	return &losses->at[losses->count - 1];
}

bool watch_is_crash(int sig)
{
	static const int mistakes[] = { SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGSYS, SIGXCPU, SIGXFSZ };

	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++)
		if (sig == mistakes[i])
			return true;
	return false;
}

/* --- processes */

static int compare_processes(const void *a, const void *b)
{
	const struct watch_process *x = a, *y = b;
	int order = strcmp(x->noted.program, y->noted.program);

	return order ? order : k23_descent_compare(&x->noted.descent, &y->noted.descent);
}

/* The program may have written to it. A line is not to end in it. */
static void clean_program(char program[K23_WATCH_PATH])
{
	program[K23_WATCH_PATH - 1] = '\0';
	for (; *program; program++)
		if ((unsigned char)*program < ' ')
			*program = '?';
}

struct watch_processes watch_take(const struct k23_watch *watch)
{
	size_t count = watch->count < K23_WATCH_PROCESSES ? watch->count : K23_WATCH_PROCESSES;
	struct watch_processes taken = { calloc(count + 1, sizeof(*taken.at)), 0, (int)watch->unlisted };

	if (!taken.at)
		die(EXIT_K23, "out of memory");
	for (size_t i = 0; i < count; i++) {
		if (!__atomic_load_n(&watch->processes[i].known, __ATOMIC_ACQUIRE))
			continue;
		taken.at[taken.count] = (struct watch_process){ watch->processes[i], i, 1 };
		clean_program(taken.at[taken.count++].noted.program);
	}
	qsort(taken.at, taken.count, sizeof(*taken.at), compare_processes);
	for (size_t i = 1; i < taken.count; i++) {
		const struct watch_process *before = &taken.at[i - 1];

		if (strcmp(before->noted.program, taken.at[i].noted.program) == 0)
			taken.at[i].number = before->number +
					     (before->noted.descent.id != taken.at[i].noted.descent.id);
	}
	return taken;
}

static void name_process(struct watch_name *name, const struct watch_process *process)
{
	descent_write(name->thread, &process->noted.descent);
	memcpy(name->program, process->noted.program, sizeof(name->program));
	name->number = process->number;
}

void watch_name(struct watch_name *name, const struct watch_processes *processes, const struct k23_descent *process)
{
	*name = (struct watch_name){ 0 };
	descent_write(name->thread, process);
	for (size_t i = 0; i < processes->count; i++)
		if (k23_descent_compare(&processes->at[i].noted.descent, process) == 0) {
			name_process(name, &processes->at[i]);
			return;
		}
}

/* --- crashes */

static int compare_crashes(const void *a, const void *b)
{
	const struct watch_process *const *x = a, *const *y = b;

	return k23_descent_compare(&(*x)->noted.descent, &(*y)->noted.descent);
}

void watch_add_crashes(struct watch_losses *losses, const struct watch_processes *processes)
{
	const struct watch_process **crashed = calloc(processes->count + 1, sizeof(struct watch_process *));
	size_t count = 0;

	if (!crashed)
		die(EXIT_K23, "out of memory");
	for (size_t i = 0; i < processes->count; i++)
		if (watch_is_crash((int)processes->at[i].noted.signal))
			crashed[count++] = &processes->at[i];
	qsort(crashed, count, sizeof(struct watch_process *), compare_crashes);
	for (size_t i = 0; i < count; i++) {
		struct watch_loss *loss = add(losses);

		loss->signal = (int)crashed[i]->noted.signal;
		name_process(&loss->name, crashed[i]);
	}
	free(crashed);
	if (watch_is_crash(processes->unlisted))
		add(losses)->signal = processes->unlisted;
}

/* --- processes that hang */

static void read_text(char *text, size_t size, const char *format, int pid, int tid)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), format, pid, tid);
	file = fopen(path, "re");
	text[file ? fread(text, 1, size - 1, file) : 0] = '\0';
	if (file)
		fclose(file);
}

/* What a thread does: its call, with the descriptor if that is what it is about. */
static void describe_thread(char *text, size_t size, int pid, int tid, bool *waits_for_child)
{
	char line[256];
	struct k23_syscall_info info;
	unsigned long long argument;
	long nr;

	read_text(line, sizeof(line), "/proc/%d/task/%d/syscall", pid, tid);
	if (sscanf(line, "%ld %llx", &nr, &argument) != 2 || nr < 0 || !core_describe(K23_ARCH_X86_64, nr, &info)) {
		snprintf(text, size, "%s", *line ? "no call" : "a call that is not known");
		return;
	}
	*waits_for_child |= nr == SYS_wait4 || nr == SYS_waitid;
	if (info.kind[0] == K23_FD)
		snprintf(text, size, "%s(%d)", info.name, (int)argument);
	else
		snprintf(text, size, "%s", info.name);
}

/* Adds what one more thread does, unless another one does the same. */
static void add_call(char calls[K23_WATCH_PATH], const char *call)
{
	size_t length = strlen(calls), more = strlen(call);
	const char *same = strstr(calls, call);

	if (same && (same == calls || same[-1] == ' ') && (same[more] == ',' || !same[more]))
		return;
	snprintf(calls + length, K23_WATCH_PATH - length, "%s%s", length ? ", " : "", call);
}

/* Returns whether a thread of it waits for a child. */
static bool describe_calls(char calls[K23_WATCH_PATH], pid_t pid)
{
	char path[40], call[64];
	bool waits_for_child = false;
	struct dirent *entry;
	DIR *directory;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	directory = opendir(path);
	while (directory && (entry = readdir(directory))) {
		int tid = (int)strtol(entry->d_name, NULL, 10);

		if (tid <= 0)
			continue;
		describe_thread(call, sizeof(call), pid, tid, &waits_for_child);
		add_call(calls, call);
	}
	if (directory)
		closedir(directory);
	return waits_for_child;
}

/* By its id in its own PID namespace. An id may be used again: the newest. */
static const struct watch_process *find_process(const struct watch_processes *processes, pid_t pid)
{
	const struct watch_process *found = NULL;
	char path[40], status[4096], *ids, *last;
	struct stat namespace;
	uint64_t key;

	snprintf(path, sizeof(path), "/proc/%d/ns/pid", pid);
	read_text(status, sizeof(status), "/proc/%d/task/%d/status", pid, pid);
	ids = strstr(status, "\nNSpid:");
	if (!ids || stat(path, &namespace) != 0)
		return NULL;
	ids[1 + strcspn(ids + 1, "\n")] = '\0';
	last = strrchr(ids, '\t');
	key = k23_descent_key(namespace.st_ino, (uint32_t)strtoul(last ? last : "", NULL, 10));
	for (size_t i = 0; i < processes->count; i++)
		if (processes->at[i].noted.key == key && (!found || processes->at[i].order > found->order))
			found = &processes->at[i];
	return found;
}

/* Returns whether it waits for a child. */
static bool add_hanging(struct watch_losses *losses, const struct watch_processes *processes, pid_t pid)
{
	const struct watch_process *process = find_process(processes, pid);
	struct watch_loss *loss = add(losses);
	char path[40];

	if (process) {
		name_process(&loss->name, process);
	} else {
		snprintf(path, sizeof(path), "/proc/%d/exe", pid);
		if (readlink(path, loss->name.program, sizeof(loss->name.program) - 1) > 0)
			clean_program(loss->name.program);
	}
	return describe_calls(loss->calls, pid);
}

void watch_add_hanging(struct watch_losses *losses, const struct watch_processes *processes, pid_t ancestor)
{
	struct watch_losses waiting = { 0 };
	struct relative *relatives;
	size_t count = family_list(ancestor, &relatives);

	for (size_t i = 0; i < count; i++)
		if (!relatives[i].ended && add_hanging(losses, processes, relatives[i].pid))
			watch_add(&waiting, &losses->at[--losses->count]);
	for (size_t i = 0; i < waiting.count; i++)
		watch_add(losses, &waiting.at[i]);
	if (losses->count > WATCH_HANGING)
		losses->count = WATCH_HANGING;
	free(waiting.at);
	free(relatives);
}

/* --- output */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

void watch_print_name(FILE *to, const struct watch_name *name)
{
	if (!*name->program)
		fprintf(to, "a process that is not known");
	else if (!name->number)
		fprintf(to, "a process of %s", base_name(name->program));
	else
		fprintf(to, "process %u of %s", name->number, base_name(name->program));
	if (*name->thread)
		fprintf(to, " (%s)", name->thread);
}

void watch_print(FILE *to, const struct watch_loss *loss)
{
	if (loss->signal)
		fprintf(to, "%s in ", strsignal(loss->signal));
	watch_print_name(to, &loss->name);
	if (!loss->signal)
		fprintf(to, " in %s", loss->calls);
}

void watch_write(FILE *to, const struct watch_loss *loss)
{
	if (loss->signal)
		fprintf(to, "crash\tSIG%s", sigabbrev_np(loss->signal));
	else
		fprintf(to, "hang\t%s", loss->calls);
	fprintf(to, "\t%s\t%u\t%s\n", loss->name.thread, loss->name.number, loss->name.program);
}

bool watch_read(struct watch_losses *losses, char *line)
{
	const char *kind = strsep(&line, "\t"), *what = strsep(&line, "\t"), *thread = strsep(&line, "\t"),
		   *number = strsep(&line, "\t");
	bool crashed = strcmp(kind, "crash") == 0;
	struct watch_loss *loss;

	if (!line || (!crashed && strcmp(kind, "hang") != 0))
		return false;
	loss = add(losses);
	loss->signal = crashed ? name_set_signal(what) : 0;
	snprintf(loss->calls, sizeof(loss->calls), "%s", crashed ? "" : what);
	snprintf(loss->name.thread, sizeof(loss->name.thread), "%s", thread);
	loss->name.number = (unsigned)strtoul(number, NULL, 10);
	snprintf(loss->name.program, sizeof(loss->name.program), "%s", line);
	return true;
}
