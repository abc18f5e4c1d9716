/*
 * k23 doctor: tries what this machine offers to this user, and tells what follows for k23.
 */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ipc.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"
#include "core/page.h"
#include "sites/store.h"

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif
#define HWCAP2_FSGSBASE_BIT 2
#define X32_BIT 0x40000000

static const char help[] =
	"usage: k23 doctor [--json]\n"
	"\n"
	"Tells what this machine offers to this user, and what k23 can do with it.\n"
	"\n"
	"Exit status: 0 when programs can be interposed, 125 when not.\n";

enum verdict { OK, LIMITED, MISSING };
static const char *const verdict_names[] = { "ok", "limited", "missing" };

struct finding {
	enum verdict verdict;
	char detail[256];
};

__attribute__((format(printf, 3, 4))) static void note(struct finding *finding, enum verdict verdict,
						       const char *format, ...)
{
	va_list args;

	va_start(args, format);
	finding->verdict = verdict;
	vsnprintf(finding->detail, sizeof(finding->detail), format, args);
	va_end(args);
}

/* The first line of a file, or NULL. */
static const char *read_line(const char *path, char *line, int size)
{
	FILE *file = fopen(path, "re");
	char *got = file ? fgets(line, size, file) : NULL;

	if (file)
		fclose(file);
	if (got)
		got[strcspn(got, "\n")] = '\0';
	return got;
}

static void check_kernel(struct finding *finding)
{
	struct utsname name;

	uname(&name);
	note(finding, strcmp(name.machine, "x86_64") == 0 ? OK : MISSING, "Linux %s on %s", name.release, name.machine);
}

static void check_guard(struct finding *finding)
{
	if (prctl(PR_SET_SYSCALL_USER_DISPATCH, 0, 0, 0, 0) == 0)
		note(finding, OK, "the kernel can catch every system call outside the gate");
	else
		note(finding, MISSING, "the kernel has no Syscall User Dispatch: Linux 5.11 or later has it (%s)",
		     strerror(errno));
}

/* What the helper of an execve does, with a child in the caller's place. */
static void check_ptrace(struct finding *finding)
{
	char line[64];
	pid_t child = fork();
	int status;

	if (child == 0) {
		pause();
		_exit(0);
	}
	if (child < 0) {
		note(finding, MISSING, "no process can be started: %s", strerror(errno));
		return;
	}
	if (ptrace(PTRACE_SEIZE, child, 0, PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL) == 0)
		note(finding, OK, "a process can be traced during its execve (Yama ptrace_scope: %s)",
		     read_line("/proc/sys/kernel/yama/ptrace_scope", line, sizeof(line)) ? line : "none");
	else
		note(finding, LIMITED,
		     "ptrace is forbidden (%s), by a container's seccomp profile or by Yama's ptrace_scope 3: k23 "
		     "loads programs itself, and /proc/PID/exe may lead to a file in memory", strerror(errno));
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
}

static void check_memory(struct finding *finding)
{
	long from = 23, to = 0;
	struct iovec local = { &to, sizeof(to) }, remote = { &from, sizeof(from) };

	if (process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == sizeof(to) && to == 23)
		note(finding, OK, "hooks can read and write the program's memory safely");
	else
		note(finding, MISSING, "process_vm_readv does not work: %s", strerror(errno));
}

static void check_run(struct finding *finding)
{
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		char *argv[] = { (char *)"true", NULL };
		struct launch launch = { .argv = argv };

		_exit(launch_exec(&launch));
	}
	if (child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		note(finding, OK, "`k23 run true` works");
	else
		note(finding, MISSING, "`k23 run true` fails with status 0x%x", (unsigned)status);
}

static void check_shared_memory(struct finding *finding)
{
	int id = shmget(IPC_PRIVATE, CORE_PAGE, IPC_CREAT | 0700);
	void *text = id < 0 ? (void *)-1 : shmat(id, NULL, SHM_RDONLY | SHM_EXEC);

	if (id < 0)
		note(finding, LIMITED,
		     "no System V shared memory (%s): no `k23 stat` and `k23 trace`, and each process "
		     "has the runtime to itself",
		     strerror(errno));
	else if (text == (void *)-1)
		note(finding, LIMITED,
		     "shared memory cannot be executable (%s): each process has the runtime to itself",
		     strerror(errno));
	else
		note(finding, OK,
		     "processes share the runtime; `k23 stat` and `k23 trace` can share memory with programs");
	if (id >= 0)
		shmctl(id, IPC_RMID, NULL);
	if (text != (void *)-1)
		shmdt(text);
}

static void check_vdso(struct finding *finding)
{
	if (getauxval(AT_SYSINFO_EHDR))
		note(finding, OK, "time calls stay in the vDSO unless a hook wants them");
	else
		note(finding, LIMITED, "there is no vDSO: programs cannot be started (boot with vdso=1)");
}

static void check_vsyscall(struct finding *finding)
{
	char line[256];
	FILE *maps = fopen("/proc/self/maps", "re");
	bool present = false;

	while (maps && fgets(line, sizeof(line), maps))
		present |= strstr(line, "[vsyscall]") != NULL;
	if (maps)
		fclose(maps);
	if (present)
		note(finding, LIMITED, "the kernel answers calls into the old vsyscall page itself: no hook sees them "
		     "(boot with vsyscall=none)");
	else
		note(finding, OK, "no vsyscall page");
}

static void check_x32(struct finding *finding)
{
	if (syscall(X32_BIT | SYS_getpid) < 0 && errno == ENOSYS)
		note(finding, OK, "the kernel has no x32 calls");
	else
		note(finding, LIMITED, "the kernel has x32 calls: those that need special treatment are refused");
}

static void check_io_uring(struct finding *finding)
{
	char line[16];
	const char *disabled = read_line("/proc/sys/kernel/io_uring_disabled", line, sizeof(line));

	if (disabled && strcmp(disabled, "2") == 0)
		note(finding, OK, "io_uring is switched off");
	else
		note(finding, LIMITED, "operations queued in an io_uring are no system calls: hooks see "
		     "io_uring_enter only (a hook can refuse io_uring_setup)");
}

static void check_gs(struct finding *finding)
{
	if (getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE_BIT)
		note(finding, OK, "FSGSBASE: patched sites can find their thread");
	else
		note(finding, LIMITED, "no FSGSBASE: nothing is patched, every call takes a signal");
}

static void check_store(struct finding *finding)
{
	char *path = store_default_path();
	struct store store;
	long r;

	if (!path) {
		note(finding, LIMITED, "no HOME for a store: nothing is learned or patched without --store");
		return;
	}
	r = store_read(&store, path);
	if (r == 0) {
		note(finding, OK, "%s knows %zu files", path, store.files.count);
		store_free(&store);
	} else if (r == -ENOENT) {
		note(finding, OK,
		     "%s is not there yet: programs are not patched before `k23 learn` or a first `k23 run`", path);
	} else {
		note(finding, LIMITED, "%s %s: nothing is patched", path, store_problem(r));
	}
	free(path);
}

static void check_processes(struct finding *finding)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NPROC, &limit);
	if (limit.rlim_cur == RLIM_INFINITY || geteuid() == 0)
		note(finding, OK, "no limit on processes for this user");
	else
		note(finding, limit.rlim_cur < 8 ? LIMITED : OK,
		     "at most %lu processes; each execve needs one more for a moment", (unsigned long)limit.rlim_cur);
}

static const struct check {
	const char *name;
	void (*run)(struct finding *finding);
	bool vital;
} checks[] = {
	{ "kernel", check_kernel, true },
	{ "guard", check_guard, true },
	{ "start", check_ptrace, true },
	{ "memory", check_memory, true },
	{ "run", check_run, true },
	{ "shared memory", check_shared_memory, false },
	{ "vdso", check_vdso, false },
	{ "vsyscall", check_vsyscall, false },
	{ "x32", check_x32, false },
	{ "io_uring", check_io_uring, false },
	{ "fsgsbase", check_gs, false },
	{ "store", check_store, false },
	{ "processes", check_processes, false },
};
#define CHECK_COUNT (sizeof(checks) / sizeof(checks[0]))

static void print_json(const struct finding *findings, bool works)
{
	struct json_object *report = json_object_new_object(), *list = json_object_new_array();

	json_object_object_add(report, "works", json_object_new_boolean(works));
	json_object_object_add(report, "uid", json_object_new_int64(geteuid()));
	json_object_object_add(report, "checks", list);
	for (size_t i = 0; i < CHECK_COUNT; i++) {
		struct json_object *entry = json_object_new_object();

		json_object_object_add(entry, "name", json_object_new_string(checks[i].name));
		json_object_object_add(entry, "verdict", json_object_new_string(verdict_names[findings[i].verdict]));
		json_object_object_add(entry, "detail", json_object_new_string(findings[i].detail));
		json_object_array_add(list, entry);
	}
	puts(json_object_to_json_string_ext(report, JSON_C_TO_STRING_PRETTY));
	json_object_put(report);
}

int command_doctor(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct finding findings[CHECK_COUNT];
	bool json = false, works = true;
	int option;

	while ((option = next_option("doctor", argc, argv, "h", options)) != -1) {
		if (option == 'h') {
			fputs(help, stdout);
			return 0;
		}
		json = true;
	}
	if (optind != argc)
		die_usage("doctor", "there are no arguments");
	for (size_t i = 0; i < CHECK_COUNT; i++) {
		checks[i].run(&findings[i]);
		works &= !checks[i].vital || findings[i].verdict == OK;
	}
	if (json) {
		print_json(findings, works);
	} else {
		for (size_t i = 0; i < CHECK_COUNT; i++)
			printf("%-8s %-14s %s\n", verdict_names[findings[i].verdict], checks[i].name,
			       findings[i].detail);
		printf("\nk23 %s for uid %u on this machine.\n", works ? "works" : "does not work", geteuid());
	}
	return works ? 0 : EXIT_K23;
}
