/* Every way to start a program from a program, and what survives it.
 * Built dynamic and static.
 */
#include "report.h"
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <spawn.h>
#include <stddef.h>

extern char **environ;

HELPER(said)
{
	report_arguments();
	report_exe();
	report_fds();
	report_tasks();
	say("env %s", environ[0] ? "some" : "none");
}

HELPER(state)
{
	report_all();
}

HELPER(alternate_stack)
{
	stack_t stack;

	NEED(sigaltstack(NULL, &stack) == 0);
	say("flags %x, size %zu", stack.ss_flags, stack.ss_size);
}

static void exec_autodisarm(void)
{
	static char memory[1 << 16];
	stack_t stack = { .ss_sp = memory, .ss_size = sizeof(memory), .ss_flags = (int)(1u << 31) };

	NEED(sigaltstack(&stack, NULL) == 0); /* SS_AUTODISARM */
	execl(self_path(), "zero", "alternate_stack", NULL);
}

/* The kernel forgets the stack, and keeps that flag. */
CASE(autodisarm)
{
	say("-> %d", in_child(exec_autodisarm));
}

HELPER(nothing)
{
}

static void copy_self(int to)
{
	int from = open(self_path(), O_RDONLY | O_CLOEXEC);
	char buffer[65536];
	ssize_t n;

	NEED(from >= 0);
	while ((n = read(from, buffer, sizeof(buffer))) > 0)
		NEED(write(to, buffer, (size_t)n) == n);
	close(from);
}

static void write_file(const char *path, mode_t mode, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	NEED(fd >= 0);
	NEED(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static void exec_said(void)
{
	execl(self_path(), "zero", "said", "one", "two", NULL);
}

CASE(simple)
{
	say("-> %d", in_child(exec_said));
}

/* The pid stays, and 100 execs in a row leave nothing behind. */
HELPER(again)
{
	char left[16];
	int n = atoi(guest_argv[1]);

	EXPECT(getpid(), atoi(guest_argv[2]));
	if (n == 0) {
		report_fds();
		report_tasks();
		return;
	}
	snprintf(left, sizeof(left), "%d", n - 1);
	execl(self_path(), "again", "again", left, guest_argv[2], NULL);
	CHECK(!"exec");
}

CASE(hundred)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", getpid());
	execl(self_path(), "again", "again", "100", pid, NULL);
	CHECK(!"exec");
}

static void exec_empty_env(void)
{
	char *argv[] = { "zero", "said", NULL }, *envp[] = { NULL };

	execve(self_path(), argv, envp);
}

static void exec_null_env(void)
{
	char *argv[] = { "zero", "said", NULL };

	raw(SYS_execve, self_path(), argv, NULL);
}

/* argv NULL or empty: the kernel makes it { "" } */
static void exec_null_argv(void)
{
	char *envp[] = { NULL };
	long r = raw(SYS_execve, self_path(), NULL, envp);

	say("no argv: %ld", r);
}

CASE(empty)
{
	say("-> %d", in_child(exec_empty_env));
	say("-> %d", in_child(exec_null_env));
}

HELPER(count)
{
	unsigned long sum = 0, n, i;
	char **v;

	for (i = 0; i < (unsigned long)guest_argc; i++)
		sum = sum * 31 + strlen(guest_argv[i]);
	for (v = environ, n = 0; *v; v++, n++)
		sum = sum * 31 + strlen(*v) + (unsigned char)(*v)[strlen(*v) / 2];
	say("%d arguments, %lu variables, %lu", guest_argc, n, sum);
}

static char **many(const char *first, const char *second, size_t n, size_t len)
{
	char **v = calloc(n + 3, sizeof(*v));
	size_t i;

	v[0] = (char *)first;
	v[1] = (char *)second;
	for (i = 2; i < n + 2; i++) {
		v[i] = malloc(len + 1);
		memset(v[i], 'a' + (int)(i % 26), len);
		v[i][1] = '=';
		v[i][len] = 0;
	}
	return v;
}

static void exec_big(void)
{
	execve(self_path(), many("zero", "count", 8000, 127), many("A=B", "C=D", 8000, 127));
}

static void exec_long_strings(void)
{
	execve(self_path(), many("zero", "count", 8, 131000), many("A=B", "C=D", 8, 131000));
}

/* A megabyte of arguments and one of environment. */
CASE(big)
{
	say("-> %d", in_child(exec_big));
	say("-> %d", in_child(exec_long_strings));
}

static void exec_other_class(void)
{
	execve("./other-class", many("zero", "count", 2, 3), environ);
	say("not executed: %d", errno);
}

/* The kernel does not look at the byte of the header that says whether the program is one of 64 bits. */
CASE(other_class)
{
	int from = open(self_path(), O_RDONLY), to = open("other-class", O_RDWR | O_CREAT, 0755);
	char buffer[65536];
	ssize_t n;

	while ((n = read(from, buffer, sizeof(buffer))) > 0)
		NEED(write(to, buffer, (size_t)n) == n);
	NEED(pwrite(to, "\1", 1, 4) == 1);
	close(to);
	close(from);
	say("-> %d", in_child(exec_other_class));
	unlink("other-class");
}

/* The two vectors, of n strings more than two, end right before pages that nobody may touch, on any boundary. */
static char **at_the_end(char **vector, size_t n, size_t odd)
{
	size_t size = (n + 3) * sizeof(*vector);
	char *place = guarded(size + odd);

	memcpy(place, vector, size);
	return (char **)place;
}

static size_t strings;

static void exec_at_the_end(void)
{
	char **arguments = at_the_end(many("zero", "count", strings, 3), strings, strings % 3 ? 0 : 3);
	char **variables = at_the_end(many("A=B", "C=D", strings / 2, 3), strings / 2, 0);

	raw(SYS_execve, self_path(), arguments, variables);
}

CASE(vectors_at_the_end)
{
	static const size_t counts[] = { 0,   1,   2,	 29,  60,  61,	62,  63,  64,  65,
					 123, 126, 127, 128, 500, 509, 510, 511, 512, 1300 };

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		strings = counts[i];
		say("-> %d", in_child(exec_at_the_end));
	}
}

static void exec_script(void)
{
	execl("./one", "zero", "from", "caller", NULL);
}

static void exec_script_argument(void)
{
	execl("./two", "zero", "caller", NULL);
}

static void exec_nested(void)
{
	execl("./three", "zero", "caller", NULL);
}

static void exec_deep(void)
{
	say("deep: %ld", (long)execl("./d7", "zero", NULL) - errno);
}

static void exec_no_interpreter(void)
{
	say("missing: %d", execl("./missing", "zero", NULL) ? errno : 0);
	say("directory: %d", execl("./directory", "zero", NULL) ? errno : 0);
	say("nothing: %d", execl("./nothing", "zero", NULL) ? errno : 0);
	no_children();
	report_fds();
}

CASE(scripts)
{
	char text[4200], name[8];
	int i;

	snprintf(text, sizeof(text), "#!%s\n", self_path());
	write_file("zero", 0755, text);
	snprintf(text, sizeof(text), "#!  %s   said  \nignored\n", self_path());
	write_file("one", 0755, text);
	snprintf(text, sizeof(text), "#!%s said and more \n", self_path());
	write_file("two", 0755, text);
	write_file("three", 0755, "#!./one argument");
	write_file("d0", 0755, "#!./one");
	for (i = 1; i < 8; i++) {
		snprintf(text, sizeof(text), "#!./d%d", i - 1);
		snprintf(name, sizeof(name), "d%d", i);
		write_file(name, 0755, text);
	}
	write_file("missing", 0755, "#!/nonexistent/interpreter\n");
	write_file("directory", 0755, "#!/\n");
	write_file("nothing", 0755, "#!\n");
	say("-> %d", in_child(exec_script));
	say("-> %d", in_child(exec_script_argument));
	say("-> %d", in_child(exec_nested));
	say("-> %d", in_child(exec_deep));
	say("-> %d", in_child(exec_no_interpreter));
	/* nobody wants the base directory's name in the listing of files */
	unlink("zero"), unlink("one"), unlink("two");
}

static void exec_fd(int fd)
{
	char *argv[] = { "zero", "said", NULL };

	say("execveat: %ld", raw(SYS_execveat, fd, "", argv, environ, 0x1000 /* AT_EMPTY_PATH */));
}

static void exec_memfd(void)
{
	int fd = (int)raw(SYS_memfd_create, "guest", 0);

	copy_self(fd);
	exec_fd(fd);
}

static void exec_memfd_cloexec(void)
{
	int fd = (int)raw(SYS_memfd_create, "guest", 1 /* MFD_CLOEXEC */);

	copy_self(fd);
	exec_fd(fd);
}

/* The interpreter could not open what is closed on exec: ENOENT; without the flag it works. */
static void exec_memfd_script(void)
{
	char text[4200];
	int fd;

	snprintf(text, sizeof(text), "#!%s said", self_path());
	fd = (int)raw(SYS_memfd_create, "script", 1);
	NEED(write(fd, text, strlen(text)) > 0);
	exec_fd(fd);
	close(fd);
	/* whatever the interpreter is */
	fd = (int)raw(SYS_memfd_create, "script", 1);
	NEED(write(fd, "#!/\n", 4) == 4);
	exec_fd(fd);
	close(fd);
	fd = (int)raw(SYS_memfd_create, "script", 0);
	NEED(write(fd, text, strlen(text)) > 0);
	exec_fd(fd);
}

static void exec_deleted(void)
{
	int fd = open("copy", O_WRONLY | O_CREAT | O_CLOEXEC, 0755);

	copy_self(fd);
	close(fd);
	fd = open("copy", O_RDONLY | O_CLOEXEC);
	unlink("copy");
	exec_fd(fd);
}

static void exec_fexecve(void)
{
	char *argv[] = { "zero", "said", NULL };

	fexecve(open(self_path(), O_RDONLY), argv, environ);
}

static void exec_dirfd(void)
{
	char *argv[] = { "zero", "said", NULL };
	int fd = open("copy", O_WRONLY | O_CREAT | O_CLOEXEC, 0755), dir;

	copy_self(fd);
	close(fd);
	NEED(symlink("copy", "link") == 0);
	dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	EXPECT(raw(SYS_execveat, dir, "link", argv, environ, 0x100 /* AT_SYMLINK_NOFOLLOW */), -ELOOP);
	EXPECT(raw(SYS_execveat, dir, "", argv, environ, 0), -ENOENT);
	EXPECT(raw(SYS_execveat, dir, "", argv, environ, 0x1000), -EACCES);
	EXPECT(raw(SYS_execveat, 999, "link", argv, environ, 0), -EBADF);
	EXPECT(raw(SYS_execveat, dir, "link", argv, environ, 0x40000000), -EINVAL);
	NEED(chdir("/") == 0);
	raw(SYS_execveat, dir, "link", argv, environ, 0);
	CHECK(!"execveat");
}

static void exec_proc_self(void)
{
	execl("/proc/self/exe", "zero", "said", NULL);
}

CASE(execveat)
{
	say("-> %d", in_child(exec_memfd));
	say("-> %d", in_child(exec_memfd_cloexec));
	say("-> %d", in_child(exec_memfd_script));
	say("-> %d", in_child(exec_deleted));
	say("-> %d", in_child(exec_fexecve));
	say("-> %d", in_child(exec_dirfd));
	unlink("copy"), unlink("link");
	say("-> %d", in_child(exec_proc_self));
}

static pthread_barrier_t barrier;

HELPER(threaded_end)
{
	EXPECT(getpid(), atoi(guest_argv[1]));
	EXPECT(raw(SYS_gettid), getpid());
	report_fds();
	report_tasks();
	report_signals();
}

static void *sleeper(void *arg)
{
	char pid[16];
	long turn = (long)arg;

	pthread_barrier_wait(&barrier);
	if (turn != 25)
		for (;;)
			pause();
	snprintf(pid, sizeof(pid), "%d", getpid());
	execl(self_path(), "zero", "threaded_end", pid, NULL);
	return NULL;
}

static void exec_threaded(void)
{
	pthread_t t;
	long i;

	pthread_barrier_init(&barrier, NULL, 51);
	for (i = 0; i < 50; i++)
		NEED(pthread_create(&t, NULL, sleeper, (void *)i) == 0);
	pthread_barrier_wait(&barrier);
	for (;;)
		pause();
}

/* A thread that is not the leader execs while 50 others sleep. */
STRESS(threaded)
{
	say("-> %d", in_child(exec_threaded));
	no_children();
}

static void *spinner(void *arg)
{
	char pid[16];

	if (!arg) {
		pthread_barrier_wait(&barrier);
		for (;;)
			raw(SYS_getppid);
	}
	pthread_barrier_wait(&barrier);
	snprintf(pid, sizeof(pid), "%d", getpid());
	execl(self_path(), "zero", "threaded_end", pid, NULL);
	return NULL;
}

static void exec_busy(void)
{
	pthread_t t;
	long i;

	pthread_barrier_init(&barrier, NULL, 9);
	for (i = 0; i < 8; i++)
		NEED(pthread_create(&t, NULL, spinner, (void *)(long)(i == 4)) == 0);
	spinner(NULL);
}

/* The same while the others, the leader too, make calls all the time. */
STRESS(threaded_busy)
{
	say("-> %d", in_child(exec_busy));
}

static void *racer(void *arg)
{
	(void)arg;
	pthread_barrier_wait(&barrier);
	execl(self_path(), "zero", "nothing", NULL);
	return NULL;
}

static void exec_race(void)
{
	pthread_t t;
	int i;

	pthread_barrier_init(&barrier, NULL, 8);
	for (i = 0; i < 7; i++)
		NEED(pthread_create(&t, NULL, racer, NULL) == 0);
	racer(NULL);
}

/* Eight threads exec at once: one wins, and the program starts once. */
STRESS(threaded_race)
{
	say("-> %d", in_child(exec_race));
	no_children();
}

CASE(vforked)
{
	volatile int i;

	for (i = 0; i < 20; i++) {
		pid_t pid = vfork();

		if (pid == 0) {
			execl(self_path(), "zero", i ? "nothing" : "said", NULL);
			_exit(127);
		}
		EXPECT(wait_for(pid), 0);
	}
	no_children();
}

CASE(spawned)
{
	char *argv[] = { "zero", "said", NULL };
	pid_t pid;

	NEED(posix_spawn(&pid, self_path(), NULL, NULL, argv, environ) == 0);
	EXPECT(wait_for(pid), 0);
	EXPECT(posix_spawn(&pid, "/nonexistent", NULL, NULL, argv, environ), ENOENT);
	no_children();
}

/* State that execve must keep or reset. */
static void exec_state(void)
{
	struct sched_param param = { .sched_priority = 0 };
	struct rlimit lim = { 300, 4096 };
	sigset_t set;
	cpu_set_t one;
	stack_t ss = { .ss_sp = malloc(65536), .ss_size = 65536 };

	umask(027);
	NEED(nice(5) >= 0);
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	NEED(sched_setaffinity(0, sizeof(one), &one) == 0);
	NEED(sched_setscheduler(0, SCHED_BATCH, &param) == 0);
	NEED(setrlimit(RLIMIT_NOFILE, &lim) == 0);
	NEED(prctl(PR_SET_PDEATHSIG, SIGUSR2) == 0);
	NEED(prctl(PR_SET_DUMPABLE, 0) == 0);
	NEED(prctl(PR_SET_TIMERSLACK, 70000) == 0);
	NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	NEED(prctl(PR_SET_NAME, "renamed") == 0);
	NEED(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
	NEED(raw(SYS_personality, 0x0040000 /* ADDR_NO_RANDOMIZE */) >= 0);
	signal(SIGHUP, SIG_IGN);
	signal(SIGSYS, SIG_IGN);
	signal(SIGUSR1, guest_on_tick);
	NEED(sigaltstack(&ss, NULL) == 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN + 3);
	sigaddset(&set, SIGSYS);
	NEED(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	NEED(raise(SIGUSR1) == 0);
	NEED(kill(getpid(), SIGRTMIN + 3) == 0);
	NEED(dup2(1, 40) == 40);
	NEED(fcntl(1, F_DUPFD_CLOEXEC, 50) == 50);
	execl(self_path(), "zero", "state", NULL);
}

CASE(kept)
{
	say("-> %d", in_child(exec_state));
}

static void exec_nobody(void)
{
	NEED(setgroups(0, NULL) == 0);
	NEED(setresgid(65534, 65534, 65534) == 0);
	NEED(setresuid(65534, 65534, 65534) == 0);
	EXPECT(prctl(PR_GET_DUMPABLE), 0);
	execl(self_path(), "zero", "state", NULL);
}

static void exec_nobody_effective(void)
{
	NEED(setegid(65534) == 0);
	NEED(seteuid(65534) == 0);
	execl(self_path(), "zero", "state", NULL);
}

CASE(dropped)
{
	if (getuid())
		guest_skip("needs root");
	NEED(chmod(".", 0777) == 0);
	say("-> %d", in_child(exec_nobody));
	say("-> %d", in_child(exec_nobody_effective));
}

/* Root with few capabilities: execve gives all of them. */
static void exec_reduced(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0, 0, 0 } };

	data[0].effective = data[0].permitted = 1u << CAP_CHOWN;
	EXPECT(raw(SYS_capset, &header, data), 0);
	execl(self_path(), "zero", "state", NULL);
}

CASE(reduced)
{
	if (getuid())
		guest_skip("needs root");
	say("-> %d", in_child(exec_reduced));
}

/* Root with a file system id of its own, whose right to trace is not effective: few may read the new image. */
static void exec_other_fsuid(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	EXPECT(raw(SYS_capget, &header, data), 0);
	data[0].effective &= ~(1u << CAP_SYS_PTRACE);
	EXPECT(raw(SYS_capset, &header, data), 0);
	raw(SYS_setfsuid, 65534);
	execl(self_path(), "zero", "state", NULL);
}

CASE(other_fsuid)
{
	NEED(chmod(".", 0777) == 0);
	say("-> %d", in_child(exec_other_fsuid));
}

/* execve makes no process, so it does not matter that there can be none. For root there is no such limit. */
static void exec_only_process(void)
{
	struct rlimit one = { 1, 1 };

	if (!getuid())
		NEED(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
	NEED(setrlimit(RLIMIT_NPROC, &one) == 0);
	EXPECT(raw(SYS_fork), -EAGAIN);
	execl(self_path(), "zero", "once_more", NULL);
}

/* The file that the process is, by the paths that lead to it. */
HELPER(once_more)
{
	char path[64], link[256], magic[4];
	struct stat status;
	int file = open("/proc/self/exe", O_RDONLY);

	EXPECT(read(file, magic, sizeof(magic)), 4);
	NEED(fstat(file, &status) == 0);
	close(file);
	say("size %ld", (long)status.st_size);
	snprintf(path, sizeof(path), "/proc/%d/exe", getpid());
	link[readlinkat(AT_FDCWD, path, link, sizeof(link) - 1)] = '\0';
	say("%s", link);
	EXPECT(readlink("/proc/self/exe", link, 1), 1);
	EXPECT(raw(SYS_readlink, "/proc/self/exe", link, 0), -EINVAL);
	execl("/proc/self/exe", "zero", "said", NULL);
	CHECK(!"exec");
}

CASE(only_process)
{
	NEED(chmod(".", 0777) == 0);
	say("-> %d", in_child(exec_only_process));
}

/* The program starts where no process can trace another, so where there is no helper. */
HELPER(under_no_ptrace)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { ARRAY_SIZE(code), code };

	NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	NEED(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0);
	execv(guest_argv[1], guest_argv + 1);
	_exit(9);
}

static void pid1(void)
{
	EXPECT(getpid(), 1);
	execl(self_path(), "zero", "state", NULL);
}

static void child_execs(void)
{
	say("-> %d", in_child(exec_said));
}

static void pid1_parent(void)
{
	EXPECT(getpid(), 1);
	child_execs();
	execl(self_path(), "zero", "simple", NULL);
}

static void in_namespaces(void)
{
	NEED(unshare(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS) == 0);
	say("init -> %d", in_child(pid1));
	/* the namespace dies with its first process */
	say("then %ld", (long)fork() < 0 ? (long)-errno : 0L);
}

static void in_namespaces_parent(void)
{
	NEED(unshare(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS) == 0);
	say("init -> %d", in_child(pid1_parent));
}

static void in_user_namespace(void)
{
	NEED(unshare(CLONE_NEWUSER) == 0);
	execl(self_path(), "zero", "state", NULL);
}

/* The children are to be elsewhere, and the process is not. */
static void between_namespaces(void)
{
	NEED(unshare(CLONE_NEWUSER | CLONE_NEWPID) == 0);
	execl(self_path(), "zero", "twice", NULL);
}

HELPER(twice)
{
	say("its first child -> %d", in_child(pid1));
	execl(self_path(), "zero", "state", NULL);
}

CASE(namespaces)
{
	say("-> %d", in_child(between_namespaces));
	say("-> %d", in_child(in_namespaces));
	say("-> %d", in_child(in_namespaces_parent));
	say("-> %d", in_child(in_user_namespace));
}

HELPER(ticked)
{
	/* itimers survive execve; their handler does not */
	struct itimerval it;

	NEED(getitimer(ITIMER_REAL, &it) == 0);
	EXPECT(it.it_interval.tv_usec, 1000);
	stop_ticks();
	no_children();
}

static void exec_ticked(void)
{
	sigset_t set = sigset_of(SIGALRM);

	start_ticks();
	/* a handled signal arriving after execve reset the handler would kill: keep it ignored */
	signal(SIGALRM, SIG_IGN);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	execl(self_path(), "zero", "ticked", NULL);
}

HELPER(child_signals)
{
	sigset_t set = sigset_of(SIGCHLD);
	struct timespec none = { 0, 0 };
	pid_t expected = atoi(guest_argv[1]);
	siginfo_t info;
	int status;

	if (sigtimedwait(&set, &info, &none) == SIGCHLD)
		say("code %d, status %d, of %s", info.si_code, info.si_status,
		    info.si_pid == expected ? "the child" : "another");
	say("more %d", sigtimedwait(&set, &info, &none));
	if (expected)
		EXPECT(waitpid(-1, &status, WNOHANG), expected);
	no_children();
}

static bool with_child;

static void exec_blocked(void)
{
	sigset_t set = sigset_of(SIGCHLD);
	char text[16];
	pid_t pid = 0;

	sigprocmask(SIG_BLOCK, &set, NULL);
	if (with_child) {
		siginfo_t info;

		pid = fork();
		if (pid == 0)
			_exit(7);
		NEED(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0);
	}
	snprintf(text, sizeof(text), "%d", pid);
	execl(self_path(), "zero", "child_signals", text, NULL);
}

/* SIGCHLD stays blocked: what is pending then is of children of the program's. */
CASE(blocked_sigchld)
{
	say("-> %d", in_child(exec_blocked));
	with_child = true;
	say("-> %d", in_child(exec_blocked));
}

HELPER(all_child_signals)
{
	sigset_t set = sigset_of(SIGCHLD);
	struct timespec none = { 0, 0 };
	siginfo_t info;

	while (sigtimedwait(&set, &info, &none) == SIGCHLD)
		say("code %d, %s %d", info.si_code, info.si_code > 0 ? "status" : "value",
		    info.si_code > 0 ? info.si_status : info.si_code == SI_QUEUE ? info.si_value.sival_int : 0);
	while (wait(NULL) > 0)
		;
}

/* Ways to have SIGCHLD pending, for the thread and for the process. */
enum { BY_RAISE = 1, TO_THREAD = 2, BY_KILL = 4, TO_PROCESS = 8, BY_CHILD = 16, BY_NOBODY = 32, IGNORED = 64 };
static int ways;

static void exec_with_child_signals(void)
{
	siginfo_t info = { .si_code = SI_QUEUE, .si_value = { 5 } };
	siginfo_t nobody = { .si_code = SI_USER };
	sigset_t set = sigset_of(SIGCHLD);

	if (ways & IGNORED)
		signal(SIGCHLD, SIG_IGN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (ways & BY_KILL)
		kill(getpid(), SIGCHLD);
	if (ways & TO_PROCESS)
		sigqueue(getpid(), SIGCHLD, (union sigval){ 6 });
	if (ways & BY_NOBODY)
		NEED(raw(SYS_rt_sigqueueinfo, getpid(), SIGCHLD, &nobody) == 0);
	if (ways & TO_THREAD)
		NEED(raw(SYS_rt_tgsigqueueinfo, getpid(), getpid(), SIGCHLD, &info) == 0);
	if (ways & BY_RAISE)
		raise(SIGCHLD);
	if (ways & BY_CHILD) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(7);
		NEED(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0 || errno == ECHILD);
	}
	execl(self_path(), "zero", "all_child_signals", NULL);
}

/* A SIGCHLD of each kind, and one for the thread beside one for the process, are pending as before. */
CASE(pending_sigchld)
{
	static const int all[] = { 0, BY_RAISE, TO_THREAD, BY_KILL, TO_PROCESS, BY_CHILD, BY_NOBODY,
				   TO_THREAD | BY_KILL, BY_RAISE | TO_PROCESS, TO_THREAD | TO_PROCESS,
				   BY_RAISE | BY_CHILD, TO_THREAD | BY_CHILD, TO_THREAD | BY_NOBODY, IGNORED,
				   IGNORED | TO_THREAD, IGNORED | BY_KILL, IGNORED | BY_RAISE | TO_PROCESS,
				   IGNORED | BY_CHILD };

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		ways = all[i];
		say("%d -> %d", ways, in_child(exec_with_child_signals));
	}
}

/* Its process group is stopped at any moment of its execve, and it alone is continued. */
STRESS(stopped_group)
{
	int i, status;

	for (i = 0; i < 40; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			setpgid(0, 0);
			execl(self_path(), "zero", "nothing", NULL);
			_exit(9);
		}
		setpgid(pid, pid);
		usleep((useconds_t)(i * 25));
		kill(-pid, SIGSTOP);
		EXPECT(waitpid(pid, &status, WUNTRACED), pid);
		if (!WIFSTOPPED(status)) {
			EXPECT(status, 0);
			continue;
		}
		kill(pid, SIGCONT);
		EXPECT(waitpid(pid, &status, 0), pid);
		EXPECT(status, 0);
	}
}

/* Ignored signals arrive at 1 kHz during execve. */
STRESS(under_signals)
{
	EXPECT(in_child(exec_ticked), 0);
}

CASE(no_argv)
{
	int code = in_child(exec_null_argv);

	say("-> %d", code);
}
