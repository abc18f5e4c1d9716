/*
 * What the machine has for k23, as this user. A seccomp filter may kill whoever makes a call that it forbids, so a
 * child makes the calls.
 */
#include <errno.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/doctor/doctor.h"
#include "cli/returns.h"
#include "cli/store_use.h"
#include "core/page.h"

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif
#define X32_BIT 0x40000000
#define SEGMENT_SIZE (1u << 20) /* about that of the segment with the runtime */
#define RESULT_SIZE 200

/* What the child that tries something shares with this process. */
static struct attempt {
	const char *call; /* the one that is being made; of static storage */
	int error;
	int segment; /* that the child has made and not removed; -1: none */
} *attempt;

#define TRY(name, result) (attempt->call = (name), (result))

/* Lets a child run `task`, which makes its calls by TRY and returns whether they went well. If they did not, *result is
 * which call failed, and how. */
static bool works(bool (*task)(void), char result[RESULT_SIZE])
{
	int status = 0;
	pid_t child;

	attempt = mmap(NULL, CORE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (attempt == MAP_FAILED)
		die(EXIT_K23, "out of memory");
	fflush(stdout);
	attempt->call = "fork";
	attempt->segment = -1;
	child = fork();
	if (child == 0) {
		bool well = task();

		attempt->error = errno;
		_exit(!well);
	}
	attempt->error = child < 0 ? errno : 0;
	if (child > 0)
		waitpid(child, &status, 0);
	if (child > 0 && WIFSIGNALED(status))
		snprintf(result, RESULT_SIZE, "%s: whoever calls it is killed by SIG%s", attempt->call,
			 sigabbrev_np(WTERMSIG(status)));
	else
		snprintf(result, RESULT_SIZE, "%s: %s", attempt->call, strerror(attempt->error));
	if (attempt->segment >= 0)
		shmctl(attempt->segment, IPC_RMID, NULL);
	munmap(attempt, CORE_PAGE);
	return child > 0 && status == 0;
}

void doctor_try_calls(const struct check *check, struct finding *finding)
{
	char result[RESULT_SIZE];

	if (works(check->calls, result)) {
		finding_set(finding, OK, "%s", check->works);
		return;
	}
	finding_set(finding, check->verdict, "%s", result);
	finding->means = check->means;
	finding->todo = check->todo;
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
	finding_set(finding, strcmp(name.machine, "x86_64") == 0 ? OK : MISSING, "Linux %s on %s", name.release,
		    name.machine);
	if (finding->verdict == OK)
		return;
	finding->means = "run, stat, trace: nothing can be interposed";
	finding->todo = "use a 64-bit kernel, and no personality of another machine";
}

static bool set_dispatch(void)
{
	return TRY("prctl(PR_SET_SYSCALL_USER_DISPATCH)", prctl(PR_SET_SYSCALL_USER_DISPATCH, 0, 0, 0, 0)) == 0;
}

/* What the helper of an execve does, with a child in the caller's place. */
static bool trace_child(void)
{
	pid_t child = TRY("fork", fork());
	bool well;

	if (child == 0) {
		pause();
		_exit(0);
	}
	well = child > 0 && TRY("ptrace(PTRACE_SEIZE)", ptrace(PTRACE_SEIZE, child, 0,
							       PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL)) == 0;
	if (child > 0) {
		int error = errno;

		kill(child, SIGKILL);
		errno = error;
	}
	return well;
}

static bool copy_memory(void)
{
	long from = 23, to = 0;
	struct iovec local = { &to, sizeof(to) }, remote = { &from, sizeof(from) };

	return TRY("process_vm_readv", process_vm_readv(getpid(), &local, 1, &remote, 1, 0)) == sizeof(to) &&
	       TRY("process_vm_writev", process_vm_writev(getpid(), &local, 1, &remote, 1, 0)) == sizeof(to);
}

static bool make_executable(void)
{
	void *memory = mmap(NULL, CORE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return TRY("mprotect(PROT_EXEC)", mprotect(memory, CORE_PAGE, PROT_READ | PROT_EXEC)) == 0;
}

static bool make_segment(void)
{
	attempt->segment = TRY("shmget", shmget(IPC_PRIVATE, SEGMENT_SIZE, IPC_CREAT | 0700));
	/* works() removes it, also if this kills the child. */
	return attempt->segment >= 0 &&
	       TRY("shmat(SHM_EXEC)", shmat(attempt->segment, NULL, SHM_RDONLY | SHM_EXEC)) != (void *)-1;
}

/* Takes a descriptor of a child's, which lets everybody trace it, as a helper does. */
static bool take_from_child(int file)
{
	pid_t child = TRY("fork", fork());
	int pidfd, error;
	bool well;

	if (child == 0) {
		prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
		pause();
		_exit(0);
	}
	pidfd = child > 0 ? TRY("pidfd_open", (int)syscall(SYS_pidfd_open, child, 0)) : -1;
	well = pidfd >= 0 && TRY("pidfd_getfd", syscall(SYS_pidfd_getfd, pidfd, file, 0)) >= 0;
	/* It may not have run yet. */
	for (int i = 0; i < 50 && pidfd >= 0 && !well && errno == EPERM; i++) {
		usleep(1000);
		well = syscall(SYS_pidfd_getfd, pidfd, file, 0) >= 0;
	}
	error = errno;
	if (child > 0)
		kill(child, SIGKILL);
	errno = error;
	return well;
}

static bool pass_memory(void)
{
	int file = TRY("memfd_create", (int)syscall(SYS_memfd_create, "k23", 0)), sockets[2];

	return file >= 0 && TRY("socketpair", socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets)) == 0 &&
	       take_from_child(file);
}

static void check_proc(struct finding *finding)
{
	if (access("/proc/self/map_files", F_OK) == 0) {
		finding_set(finding, OK, "there is /proc");
		return;
	}
	finding_set(finding, LIMITED, "/proc/self/map_files: %s", strerror(errno));
	finding->means = "patching: what the store knows, and nothing is learned; stat, trace: no other PID "
			 "namespaces; record: nothing";
	finding->todo = "mount /proc, or learn where it is mounted";
}

static void check_vdso(struct finding *finding)
{
	if (getauxval(AT_SYSINFO_EHDR)) {
		finding_set(finding, OK, "there is a vDSO: time calls stay in it unless a hook wants them");
		return;
	}
	finding_set(finding, LIMITED, "there is no vDSO");
	finding->means = "run, stat, trace: no program can be started by a helper";
	finding->todo = "boot with vdso=1";
}

static void check_vsyscall(struct finding *finding)
{
	char line[256];
	FILE *maps = fopen("/proc/self/maps", "re");
	bool present = false;

	while (maps && fgets(line, sizeof(line), maps))
		present |= strstr(line, "[vsyscall]") != NULL;
	if (!maps) {
		finding_set(finding, OK, "there is no /proc to tell of a vsyscall page");
		return;
	}
	fclose(maps);
	finding_set(finding, present ? LIMITED : OK, "there is %s vsyscall page", present ? "a" : "no");
	if (!present)
		return;
	finding->means = "run, stat, trace: no hook sees calls into that page, which very old programs make";
	finding->todo = "boot with vsyscall=none";
}

static void check_x32(struct finding *finding)
{
	bool present = syscall(X32_BIT | SYS_getpid) >= 0 || errno != ENOSYS;

	finding_set(finding, present ? LIMITED : OK, "the kernel has %sx32 calls", present ? "" : "no ");
	if (present)
		finding->means = "run, stat, trace: those that need special treatment are refused";
}

static void check_returns(struct finding *finding)
{
	struct returns_cost cost = returns_measure();

	finding_set(finding, OK,
		    "a call from a few functions deep takes %.0f ns with returns paired, %.0f ns with them filled: %s",
		    cost.paired, cost.fill, returns_are_paired(cost) ? "paired" : "filled");
}

static void check_io_uring(struct finding *finding)
{
	char line[16];
	const char *disabled = read_line("/proc/sys/kernel/io_uring_disabled", line, sizeof(line));
	bool off = disabled && strcmp(disabled, "2") == 0;

	finding_set(finding, off ? OK : LIMITED, "io_uring is switched %s", off ? "off" : "on");
	if (off)
		return;
	finding->means = "run, stat, trace: hooks see io_uring_enter, and not the operations that are queued";
	finding->todo = "if that matters, let a hook refuse io_uring_setup, or set kernel.io_uring_disabled=2";
}

static void check_gs(struct finding *finding)
{
	if (gs_has_fsgsbase()) {
		finding_set(finding, OK, "FSGSBASE: patched sites find their thread, whatever it does with %%gs");
		return;
	}
	finding_set(finding, LIMITED, "the processor has no FSGSBASE, or the kernel does not allow it");
	finding->means = "patching: none in a process that sets the base of %gs, as Wine does: its calls take a signal";
	finding->todo = "if that matters, boot without nofsgsbase, on a processor since 2012";
}

/* Whether this user may write a store: its directory, or where that is to be made. */
static bool may_write(const char *path)
{
	char *copy = strdup(path), *directory = copy;
	bool may;

	do
		directory = dirname(directory);
	while (access(directory, F_OK) != 0 && strcmp(directory, "/") != 0 && strcmp(directory, ".") != 0);
	may = access(directory, W_OK | X_OK) == 0;
	free(copy);
	return may;
}

static void check_store(struct finding *finding)
{
	char *path = store_default_path();
	struct launch none = { 0 };
	struct store store;
	long r;

	if (!path) {
		finding_set(finding, LIMITED, "there is no HOME for a store");
		finding->means = "patching: by the system's store only, and nothing is learned";
		finding->todo = "give --store, or set HOME or K23_STORE";
		return;
	}
	r = store_use_load(&store, path, store_use_is_own(&none));
	if (r == 0)
		finding_set(finding, OK, "%s: %zu files are known%s", path, store.files.count,
			    store_use_is_own(&none) ? ", with the system's store" : "");
	else
		finding_set(finding, LIMITED, "%s %s", path, r == -ENOENT ? "is not there yet" : store_problem(r));
	store_free(&store);
	if ((r == 0 || r == -ENOENT) && !may_write(path)) {
		finding_set(finding, LIMITED, "%s cannot be written", path);
		finding->means = "patching: by what is known now; nothing is learned";
		finding->todo = "let HOME, K23_STORE or --store name a place that this user may write to";
	} else if (r == -ENOENT) {
		finding->means = "patching: not before a first run";
		finding->todo = "run the program, or `k23 learn -- PROGRAM`";
	} else if (r != 0) {
		finding->means = "patching: none";
		finding->todo = r == -ESTALE ? "the next run begins a new store" :
					       "`k23 sites prune --reset` begins a new store";
	}
	free(path);
}

static void check_processes(struct finding *finding)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NPROC, &limit);
	if (limit.rlim_cur == RLIM_INFINITY || geteuid() == 0)
		finding_set(finding, OK, "there is no limit on processes for this user");
	else
		finding_set(finding, limit.rlim_cur < 8 ? LIMITED : OK,
			    "this user may have %lu processes (RLIMIT_NPROC)", (unsigned long)limit.rlim_cur);
	if (finding->verdict == OK)
		return;
	finding->means = "run, stat, trace: each execve needs one more for a moment, or k23 loads the program itself";
	finding->todo = "ulimit -u";
}

const struct check doctor_machine[] = {
	{ .name = "kernel", .run = check_kernel },
	{
		.name = "dispatch",
		.calls = set_dispatch,
		.works = "Syscall User Dispatch can be switched on",
		.verdict = MISSING,
		.means = "run, stat, trace: nothing can be interposed",
		.todo = "for Invalid argument, use Linux 5.11 or later; if not, allow this prctl in the seccomp filter",
	},
	{
		.name = "ptrace",
		.calls = trace_child,
		.works = "a child can be traced",
		.verdict = LIMITED,
		.means = "run, stat, trace: k23 loads programs itself, and /proc/PID/exe may lead to a file in memory",
		.todo = "allow ptrace in the container's seccomp profile (--cap-add=SYS_PTRACE), and have "
			"kernel.yama.ptrace_scope below 3",
	},
	{
		.name = "memory",
		.calls = copy_memory,
		.works = "memory of processes can be copied",
		.verdict = LIMITED,
		.means = "run, stat, trace: each start, and large copies by hooks, take longer; nothing starts where "
			 "who calls these is killed",
		.todo = "allow process_vm_readv and process_vm_writev in the seccomp filter",
	},
	{
		.name = "executable",
		.calls = make_executable,
		.works = "memory that was written to can become executable",
		.verdict = LIMITED,
		.means = "patching: none; run, stat, trace: each start with hooks takes milliseconds, and needs ptrace",
		.todo = "take off PR_SET_MDWE, MemoryDenyWriteExecute=, or the seccomp filter",
	},
	{
		.name = "segments",
		.calls = make_segment,
		.works = "a System V segment of 1 MB can be attached, executable",
		.verdict = LIMITED,
		.means = "run, stat, trace: each process has the runtime, about 100 KB, and the store to itself",
		.todo = "raise kernel.shmmax, shmall, shmmni, or allow shmget and shmat in the seccomp filter",
	},
	{
		.name = "sharing",
		.calls = pass_memory,
		.works = "a file in memory can be handed on",
		.verdict = LIMITED,
		.means = "stat, trace: they use a System V segment, if there are any, and miss other IPC namespaces; "
			 "record: nothing",
		.todo = "allow memfd_create, pidfd_open, pidfd_getfd and socketpair in the seccomp filter",
	},
	{ .name = "proc", .run = check_proc },
	{ .name = "vdso", .run = check_vdso },
	{ .name = "vsyscall", .run = check_vsyscall },
	{ .name = "x32", .run = check_x32 },
	{ .name = "io_uring", .run = check_io_uring },
	{ .name = "fsgsbase", .run = check_gs },
	{ .name = "returns", .run = check_returns },
	{ .name = "store", .run = check_store },
	{ .name = "processes", .run = check_processes },
};
const size_t doctor_machine_count = sizeof(doctor_machine) / sizeof(doctor_machine[0]);
