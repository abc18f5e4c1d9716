/*
 * record-files: every file that the processes of a run name, in one SQLite database:
 * k23 run --hook record-files:out=files.db -- make -j2
 *
 * Records go to a ring in run state, so that they outlive whoever made them. Now and then, and at the end, a process
 * writes to the database what there is, of all processes: those that cannot (in a chroot, with other credentials, with
 * no descriptor free) leave it to others. See k23-record-files(7).
 */
#include <k23/hook.h>

#include <pthread.h>
#include <stdbool.h>
#include <sys/uio.h>

#include "record_database.h"
#include "record_log.h"
#include "record_path.h"

#define CYCLES (1ul << 28)	/* some 100 ms: so long records wait, if there is another one then */
#define AT_LEAST (LOG_SIZE / 8) /* so many bytes do not wait */

static const char *const names[] = {
	[HOW_STAT] = "stat",	 [HOW_READ] = "read",	  [HOW_WRITE] = "write",   [HOW_READ_WRITE] = "read-write",
	[HOW_CREATE] = "create", [HOW_REMOVE] = "remove", [HOW_RENAME] = "rename", [HOW_RENAME_TO] = "rename-to",
	[HOW_LINK] = "link",	 [HOW_CHANGE] = "change", [HOW_EXEC] = "exec",	   [HOW_CHDIR] = "chdir",
	[HOW_CHROOT] = "chroot", [HOW_WATCH] = "watch",	  [HOW_MOUNT] = "mount",
};

/* What calls do with their paths, where it is not HOW_STAT: with the first one, and with the second. */
static const struct {
	const char *call;
	uint8_t how[2];
} hows[] = {
	{ "creat", { HOW_CREATE } },
	{ "mkdir", { HOW_CREATE } },
	{ "mkdirat", { HOW_CREATE } },
	{ "mknod", { HOW_CREATE } },
	{ "mknodat", { HOW_CREATE } },
	{ "symlink", { HOW_CREATE } },
	{ "symlinkat", { HOW_CREATE } },
	{ "link", { HOW_LINK, HOW_CREATE } },
	{ "linkat", { HOW_LINK, HOW_CREATE } },
	{ "rename", { HOW_RENAME, HOW_RENAME_TO } },
	{ "renameat", { HOW_RENAME, HOW_RENAME_TO } },
	{ "renameat2", { HOW_RENAME, HOW_RENAME_TO } },
	{ "unlink", { HOW_REMOVE } },
	{ "unlinkat", { HOW_REMOVE } },
	{ "rmdir", { HOW_REMOVE } },
	{ "truncate", { HOW_WRITE } },
	{ "truncate64", { HOW_WRITE } },
	{ "acct", { HOW_WRITE } },
	{ "uselib", { HOW_READ } },
	{ "chmod", { HOW_CHANGE } },
	{ "fchmodat", { HOW_CHANGE } },
	{ "fchmodat2", { HOW_CHANGE } },
	{ "chown", { HOW_CHANGE } },
	{ "chown32", { HOW_CHANGE } },
	{ "lchown", { HOW_CHANGE } },
	{ "lchown32", { HOW_CHANGE } },
	{ "fchownat", { HOW_CHANGE } },
	{ "utime", { HOW_CHANGE } },
	{ "utimes", { HOW_CHANGE } },
	{ "futimesat", { HOW_CHANGE } },
	{ "utimensat", { HOW_CHANGE } },
	{ "utimensat_time64", { HOW_CHANGE } },
	{ "setxattr", { HOW_CHANGE } },
	{ "lsetxattr", { HOW_CHANGE } },
	{ "setxattrat", { HOW_CHANGE } },
	{ "removexattr", { HOW_CHANGE } },
	{ "lremovexattr", { HOW_CHANGE } },
	{ "removexattrat", { HOW_CHANGE } },
	{ "file_setattr", { HOW_CHANGE } },
	{ "execve", { HOW_EXEC } },
	{ "execveat", { HOW_EXEC } },
	{ "chdir", { HOW_CHDIR } },
	{ "chroot", { HOW_CHROOT } },
	{ "inotify_add_watch", { HOW_WATCH } },
	{ "fanotify_mark", { HOW_WATCH } },
	{ "mount", { HOW_MOUNT, HOW_MOUNT } },
	{ "umount", { HOW_MOUNT } },
	{ "umount2", { HOW_MOUNT } },
	{ "pivot_root", { HOW_MOUNT, HOW_MOUNT } },
	{ "move_mount", { HOW_MOUNT, HOW_MOUNT } },
	{ "mount_setattr", { HOW_MOUNT } },
	{ "swapon", { HOW_MOUNT } },
	{ "swapoff", { HOW_MOUNT } },
};

/* The files that a call names. */
struct files {
	uint64_t number; /* of the first one's record, if that is made already */
	unsigned count;
	uint8_t how[2];
	char path[2][LOG_PATH_MAX];
};

static struct state {
	struct log log;
	struct database database;
	struct roots roots;
	int32_t first;	  /* the process that the run began with */
	int32_t over;	  /* it has ended itself */
	uint64_t written; /* when, in cycles */
} *state;

static _Thread_local struct files *executing;
static int ending;  /* the process that does */
static int process; /* that these variables belong to: others may share them, as a child of vfork does */
static pthread_mutex_t in_database = PTHREAD_MUTEX_INITIALIZER; /* a fork would copy it half changed */

static const char *name_of_record(const struct log_record *record)
{
	const struct k23_call call = { .arch = record->arch, .nr = record->nr };
	const struct k23_syscall_info *info = k23_describe(&call);

	return info ? info->name : "?";
}

static bool is_time(void)
{
	return k23_cycles() - __atomic_load_n(&state->written, __ATOMIC_RELAXED) > CYCLES;
}

static void before_fork(void)
{
	pthread_mutex_lock(&in_database);
}

static void after_fork(void)
{
	pthread_mutex_unlock(&in_database);
}

static void begin_process(void)
{
	process = k23_pid();
	pthread_mutex_unlock(&in_database);
}

/* Writes what is in the ring. Returns NULL or what went wrong; then it is all still there. */
static const char *write_all(bool last)
{
	char path[LOG_PATH_MAX];
	struct database_writer writer;
	struct log_record record;
	const char *problem;
	uint64_t at, end;

	k23_lock(&state->log.writing);
	at = state->log.tail;
	end = log_end(&state->log);
	__atomic_store_n(&state->written, k23_cycles(), __ATOMIC_RELAXED);
	problem = at == end ? NULL : database_begin(&writer, &state->database, end - at, last);
	if (!problem && at != end) {
		while (at != end && log_read(&state->log, &at, &record, path) &&
		       database_insert(&writer, &record, name_of_record(&record), names[record.how], path))
			;
		problem = database_end(&writer, at == end, log_lost(&state->log));
		if (!problem)
			log_remove(&state->log, end);
	}
	k23_unlock(&state->log.writing);
	return problem;
}

/* Whoever shares the memory of another process leaves it to that: killed meanwhile, it would leave SQLite locked. */
static const char *write_records(bool last)
{
	const char *problem;

	if (k23_pid() != process)
		return NULL;
	pthread_mutex_lock(&in_database);
	problem = write_all(last);
	pthread_mutex_unlock(&in_database);
	return problem;
}

static uint64_t append(const struct k23_call *call, long nr, const struct files *files, unsigned i, long error)
{
	struct log_record record = {
		.number = i ? 0 : files->number, .pid = k23_pid(), .tid = k23_tid(), .arch = (uint16_t)call->arch,
		.nr = (uint16_t)nr, .how = files->how[i], .error = k23_failed(error) ? (int32_t)-error : 0,
	};

	return log_append(&state->log, &record, files->path[i]);
}

static uint8_t how_of(const char *call, unsigned i)
{
	for (size_t k = 0; k < sizeof(hows) / sizeof(hows[0]); k++)
		if (k23_strcmp(hows[k].call, call) == 0)
			return hows[k].how[i];
	return HOW_STAT;
}

static uint8_t how_opened(const struct k23_call *call, int flags_at)
{
	unsigned long flags = call->args[flags_at];

	if (k23_strcmp(k23_describe(call)->name, "openat2") == 0 && k23_copy_from(&flags, flags, sizeof(flags)) < 0)
		flags = 0;
	if (flags & O_PATH)
		return HOW_STAT;
	if (flags & O_CREAT)
		return HOW_CREATE;
	if ((flags & O_ACCMODE) == O_RDONLY)
		return flags & O_TRUNC ? HOW_WRITE : HOW_READ;
	return (flags & O_ACCMODE) == O_WRONLY ? HOW_WRITE : HOW_READ_WRITE;
}

/* A path that cannot be read names no file; nor do NULL and "", unless there is a descriptor that may be meant. */
static void find_file(struct files *files, const struct k23_call *call, const struct k23_syscall_info *info, int at)
{
	bool has_dirfd = at && info->kind[at - 1] == K23_DIRFD;
	char path[K23_PATH_MAX], *to = files->path[files->count];
	uint8_t *how = &files->how[files->count];

	*path = '\0';
	if (call->args[at] && k23_copy_string(path, sizeof(path), call->args[at]) < 0)
		return;
	if ((!*path && !has_dirfd) || (k23_strcmp(info->name, "mount") == 0 && !at && *path != '/'))
		return;
	*how = how_of(info->name, files->count);
	if (k23_starts_with(info->name, "open") && !k23_starts_with(info->name, "open_"))
		*how = how_opened(call, at + 1);
	path_absolute(to, has_dirfd ? (int)call->args[at - 1] : AT_FDCWD, path);
	roots_add(&state->roots, to);
	files->count++;
}

static void find_files(struct files *files, const struct k23_call *call)
{
	const struct k23_syscall_info *info = k23_describe(call);

	files->count = 0;
	files->number = 0;
	for (int i = 0; info && i < info->args && files->count < 2; i++)
		if (info->kind[i] == K23_PATH)
			find_file(files, call, info, i);
}

/* The directory that it has told. */
static void find_directory(struct files *files, const struct k23_call *call, long result)
{
	files->count = !k23_failed(result) &&
		       k23_copy_string(files->path[0], sizeof(files->path[0]), call->args[0]) > 0;
	files->how[0] = HOW_STAT;
	if (files->count)
		roots_add(&state->roots, files->path[0]);
}

static long on_call(struct k23_call *call)
{
	long nr = call->nr, result;
	struct files files;

	if (!state)
		return k23_forward(call);
	find_files(&files, call);
	executing = files.count && files.how[0] == HOW_EXEC ? &files : NULL;
	result = k23_forward(call);
	executing = NULL;
	if (result == -K23_ERESTART)
		return result;
	if (!files.count && call->arch == K23_ARCH_X86_64 && nr == SYS_getcwd)
		find_directory(&files, call, result);
	for (unsigned i = 0; i < files.count; i++)
		append(call, nr, &files, i, result);
	if (files.count && files.how[0] == HOW_CHROOT && !result)
		roots_note(&state->roots, files.path[0]);
	if (files.count && (is_time() || log_size(&state->log) > AT_LEAST || ending == k23_pid()))
		write_records(false);
	return result;
}

/* It may be of the process itself. */
static long on_kill(struct k23_call *call)
{
	if (state)
		write_records(false);
	return k23_forward(call);
}

/* An execve that succeeds does not come back to on_call. If it fails, its record is made anew. */
static void exec_begin(struct k23_exec *exec)
{
	const struct k23_call call = { .arch = K23_ARCH_X86_64, .nr = SYS_execve };

	(void)exec;
	if (executing)
		executing->number = append(&call, call.nr, executing, 0, 0);
}

/* Whether the first process has ended, or was killed: its memory is gone, also if nobody has waited for it yet. */
static bool is_over(void)
{
	char byte;
	const struct iovec here = { &byte, 1 }, there = { NULL, 1 };

	return __atomic_load_n(&state->over, __ATOMIC_RELAXED) ||
	       k23_syscall(SYS_process_vm_readv, (unsigned)state->first, (unsigned long)&here, 1,
			   (unsigned long)&there, 1, 0) == -ESRCH;
}

/* As long as the first process is there, somebody will write. */
static void process_exit(int status)
{
	bool first = state && k23_pid() == state->first;
	const char *problem;

	(void)status;
	if (!state)
		return;
	ending = k23_pid();
	if (first)
		__atomic_store_n(&state->over, 1, __ATOMIC_RELAXED);
	if (!is_time() && !is_over())
		return;
	problem = write_records(true);
	if (problem && first)
		k23_print("record-files: %lu bytes of records are not in %s: %s\n",
			  (unsigned long)log_size(&state->log), state->database.path, problem);
}

/* All calls that name files, whatever their numbers. */
static void want_calls(void)
{
	for (long nr = 0; nr < (long)K23_NUMBERS; nr++) {
		const struct k23_call call = { .arch = K23_ARCH_X86_64, .nr = nr };
		const struct k23_syscall_info *info = k23_describe(&call);

		for (int i = 0; info && i < info->args; i++)
			if (info->kind[i] == K23_PATH)
				k23_want(nr, on_call);
	}
	k23_want(SYS_getcwd, on_call);
}

static int init(const struct k23_options *options)
{
	const char *out = k23_option(options, "out"), *problem;
	struct state *shared = (struct state *)k23_run_state();

	if (!out || !*out)
		return k23_refuse("it needs out=FILE");
	want_calls();
	if (!shared)
		return 0; /* a line has said so */
	if (!shared->first) {
		path_absolute(shared->database.path, AT_FDCWD, out);
		problem = database_create(&shared->database);
		if (problem)
			return k23_refuse("%s: %s", shared->database.path, problem);
		shared->first = k23_pid();
		roots_note(&shared->roots, "");
	}
	state = shared;
	process = k23_pid();
	return -pthread_atfork(before_fork, after_fork, begin_process);
}

K23_HOOK(record_files, .init = init, .exec_begin = exec_begin, .process_exit = process_exit,
	 .run_size = sizeof(struct state), .i386 = on_call,
	 .calls = { { SYS_kill, on_kill }, { SYS_tkill, on_kill }, { SYS_tgkill, on_kill } });
