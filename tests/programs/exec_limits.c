/* Programs that start where hardly anything is left: no descriptors, no /proc, no files.
 * Static: nothing but execve itself may need a file.
 */
#include "report.h"
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ipc.h>
#include <sys/shm.h>

#ifndef SCHED_DEADLINE
#define SCHED_DEADLINE 6
#endif

extern char **environ;

static void copy_self_to(const char *path)
{
	int from = open(self_path(), O_RDONLY), to = open(path, O_WRONLY | O_CREAT, 0755);
	char buffer[65536];
	ssize_t n;

	NEED(from >= 0 && to >= 0);
	while ((n = read(from, buffer, sizeof(buffer))) > 0)
		NEED(write(to, buffer, (size_t)n) == n);
	close(from);
	close(to);
}

HELPER(said)
{
	report_arguments();
	report_fds();
	no_children();
}

/* Writes to a file what it found; for those who closed everything. */
HELPER(filed)
{
	char text[64] = "";
	int fd, n = 0;

	for (fd = 0; fd < 1024; fd++)
		if (raw(SYS_fcntl, fd, F_GETFD) >= 0)
			n += snprintf(text + n, sizeof(text) - (size_t)n, "%d ", fd);
	no_children();
	n += snprintf(text + n, sizeof(text) - (size_t)n, "failures %d\n", guest_failures);
	fd = open(guest_argv[1], O_WRONLY | O_CREAT, 0644);
	(void)!write(fd, text, (size_t)n);
	_exit(9);
}

static int closed;

static void exec_closed(void)
{
	char name[16];
	int fd;

	snprintf(name, sizeof(name), "closed-%d", closed);
	for (fd = 0; fd < 3; fd++)
		if (closed & 1 << fd)
			close(fd);
	execl(self_path(), "zero", "filed", name, NULL);
}

CASE(standard_fds_closed)
{
	for (closed = 0; closed < 8; closed++)
		say("%d -> %d", closed, in_child(exec_closed));
}

static void exec_all_closed(void)
{
	self_path();
	raw(SYS_close_range, 0, ~0U, 0);
	execl(self_path(), "zero", "filed", "all-closed", NULL);
}

static void exec_cloexec(void)
{
	raw(SYS_close_range, 0, ~0U, CLOSE_RANGE_CLOEXEC);
	execl(self_path(), "zero", "filed", "all-cloexec", NULL);
}

CASE(all_closed)
{
	say("-> %d", in_child(exec_all_closed));
	say("-> %d", in_child(exec_cloexec));
}

static void exec_nofile(void)
{
	struct rlimit lim = { 3, 3 };

	self_path();
	raw(SYS_close_range, 3, ~0U, 0);
	NEED(setrlimit(RLIMIT_NOFILE, &lim) == 0);
	EXPECT(raw(SYS_dup, 1), -EMFILE);
	execl(self_path(), "zero", "said", NULL);
}

static void exec_nofile_zero(void)
{
	struct rlimit lim = { 0, 0 };

	self_path();
	NEED(setrlimit(RLIMIT_NOFILE, &lim) == 0);
	execl(self_path(), "zero", "said", NULL);
}

CASE(nofile)
{
	say("-> %d", in_child(exec_nofile));
	say("-> %d", in_child(exec_nofile_zero));
}

static void exec_chroot(void)
{
	NEED(chroot("root") == 0);
	NEED(chdir("/") == 0);
	EXPECT(access("/proc", F_OK), -1);
	execl("/program", "zero", "said", "in chroot", NULL);
}

static void exec_chroot_nobody(void)
{
	NEED(chroot("root") == 0);
	NEED(chdir("/") == 0);
	NEED(setresgid(65534, 65534, 65534) == 0);
	NEED(setresuid(65534, 65534, 65534) == 0);
	execl("/program", "zero", "said", "as nobody", NULL);
}

CASE(chrooted)
{
	if (getuid())
		guest_skip("needs root");
	NEED(mkdir("root", 0755) == 0);
	copy_self_to("root/program");
	say("-> %d", in_child(exec_chroot));
	say("-> %d", in_child(exec_chroot_nobody));
	unlink("root/program");
	rmdir("root");
}

static unsigned filter_action;

/* A filter against memory that becomes executable, as for MemoryDenyWriteExecute. */
static void exec_filtered(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 0, 2),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 3, 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_shmat, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, SHM_EXEC, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, filter_action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { ARRAY_SIZE(code), code };

	NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	NEED(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0);
	say("mprotect %ld", filter_action == SECCOMP_RET_KILL_PROCESS ? 0 : raw(SYS_mprotect, PAGE, PAGE, PROT_EXEC));
	execl(self_path(), "zero", "filtered", "again", NULL);
	_exit(3);
}

/* Once more from there: that one has no filter of its own making. */
HELPER(filtered)
{
	report_arguments();
	no_children();
	EXPECT(raw(SYS_getppid), getppid());
	if (guest_argc > 1)
		execl(self_path(), "zero", "filtered", NULL);
}

CASE(no_executable_memory)
{
	filter_action = SECCOMP_RET_ERRNO | EACCES;
	say("-> %d", in_child(exec_filtered));
	filter_action = SECCOMP_RET_KILL_PROCESS;
	say("-> %d", in_child(exec_filtered));
}

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_GET_MDWE 66
#endif

static void exec_frozen(void)
{
	NEED(prctl(PR_SET_MDWE, 1, 0, 0, 0) == 0);
	execl(self_path(), "zero", "filtered", "again", NULL);
	_exit(3);
}

CASE(mdwe)
{
	if (prctl(PR_GET_MDWE, 0, 0, 0, 0) < 0)
		guest_skip("no PR_SET_MDWE");
	say("-> %d", in_child(exec_frozen));
}

/* In another IPC namespace; returns what the id of its next segment is written to, or -1. */
static int other_ipc_namespace(void)
{
	NEED(unshare(CLONE_NEWUSER | CLONE_NEWIPC) == 0);
	return open("/proc/sys/kernel/shm_next_id", O_WRONLY);
}

static void try_other_ipc(void)
{
	_exit(other_ipc_namespace() < 0 ? GUEST_SKIP : 0);
}

/* In another IPC namespace a segment of the program's has the id that one of its creator's had. */
static void exec_other_ipc(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512], wanted[32] = "", *memory;
	int next_id, id;

	NEED(maps);
	while (fgets(line, sizeof(line), maps))
		if (strstr(line, "/SYSV"))
			sscanf(line, "%*s %*s %*s %*s %31s", wanted);
	fclose(maps);
	next_id = other_ipc_namespace();
	if (wanted[0]) {
		NEED(write(next_id, wanted, strlen(wanted)) > 0);
		id = shmget(IPC_PRIVATE, 256 * PAGE, 0700);
		EXPECT(id, atoi(wanted));
		memory = shmat(id, NULL, 0);
		NEED(memory != (char *)-1);
		memset(memory, 0xcc, 256 * PAGE);
		shmctl(id, IPC_RMID, NULL);
	}
	close(next_id);
	execl(self_path(), "zero", "filtered", "again", NULL);
	_exit(3);
}

CASE(other_ipc)
{
	if (in_child(try_other_ipc) == GUEST_SKIP)
		guest_skip("the ids of segments cannot be chosen");
	say("-> %d", in_child(exec_other_ipc));
}

/* Little address space and a small stack. */
static void exec_small(void)
{
	struct rlimit as = { 64 << 20, 64 << 20 }, stack = { 128 << 10, 128 << 10 };

	NEED(setrlimit(RLIMIT_STACK, &stack) == 0);
	NEED(setrlimit(RLIMIT_AS, &as) == 0);
	execl(self_path(), "zero", "said", "small", NULL);
}

CASE(small_memory)
{
	say("-> %d", in_child(exec_small));
}

/* struct sched_attr, whose header does not go with the C library's */
struct scheduling {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

HELPER(limited)
{
	struct scheduling attr;
	struct rlimit lim;

	NEED(getrlimit(RLIMIT_FSIZE, &lim) == 0);
	say("files of %lu bytes", (unsigned long)lim.rlim_cur);
	NEED(getrlimit(RLIMIT_NPROC, &lim) == 0);
	EXPECT(raw(SYS_sched_getattr, 0, &attr, sizeof(attr), 0), 0);
	say("%lu processes, policy %u, flags %llx", (unsigned long)lim.rlim_cur, attr.policy,
	    (unsigned long long)attr.flags);
	no_children();
}

/* execve makes no process: what refuses one to a program does not refuse execve. */
static void exec_at_limit(void)
{
	struct rlimit lim;

	NEED(getrlimit(RLIMIT_NPROC, &lim) == 0);
	lim.rlim_cur = 0;
	NEED(setrlimit(RLIMIT_NPROC, &lim) == 0);
	execl(self_path(), "zero", "limited", NULL);
}

CASE(no_more_processes)
{
	say("-> %d", in_child(exec_at_limit));
}

/* Nor does it write a file. */
static void exec_at_limits(void)
{
	struct rlimit none = { 0, 0 }, small;

	NEED(getrlimit(RLIMIT_FSIZE, &small) == 0);
	small.rlim_cur = 4096;
	NEED(setrlimit(RLIMIT_FSIZE, &small) == 0 && setrlimit(RLIMIT_NPROC, &none) == 0);
	execl(self_path(), "zero", "limited", NULL);
}

CASE(no_more_processes_or_files)
{
	say("-> %d", in_child(exec_at_limits));
}

static void exec_deadline(void)
{
	struct scheduling attr = {
		.size = sizeof(attr),
		.policy = SCHED_DEADLINE,
		.runtime = 5000000,
		.deadline = 10000000,
		.period = 10000000,
	};

	if (raw(SYS_sched_setattr, 0, &attr, 0) != 0)
		say("not permitted");
	execl(self_path(), "zero", "limited", NULL);
}

CASE(deadline)
{
	say("-> %d", in_child(exec_deadline));
}
