/* execve that fails: the right errno, and nothing is left behind. */
#include "report.h"
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/prctl.h>

extern char **environ;

static char *words[] = { "zero", "one", NULL };

HELPER(nothing)
{
}

static void write_file(const char *path, mode_t mode, const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);

	NEED(fd >= 0);
	NEED(write(fd, text, len) == (ssize_t)len);
	close(fd);
}

static unsigned long long fd_set_now(void)
{
	unsigned long long set = 0;
	int fd;

	for (fd = 0; fd < 64; fd++)
		if (raw(SYS_fcntl, fd, F_GETFD) >= 0)
			set |= 1ULL << fd;
	return set;
}

static int count_tasks(void)
{
	DIR *d = opendir("/proc/self/task");
	struct dirent *e;
	int n = 0;

	while (d && (e = readdir(d)))
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static void try_at(int line, const char *name, const void *path, void *argv, void *envp, long want)
{
	unsigned long long before = fd_set_now();
	unsigned long mask[2] = { 0, 1 };
	long r;

	raw(SYS_rt_sigprocmask, SIG_BLOCK, 0, &mask[0], 8);
	r = raw(SYS_execve, path, argv, envp);
	say("%s: %ld", name, r);
	if (r != want)
		guest_fail(__FILE_NAME__, line, name, r);
	raw(SYS_rt_sigprocmask, SIG_BLOCK, 0, &mask[1], 8);
	EXPECT(mask[1], mask[0]);
	CHECK(fd_set_now() == before);
	EXPECT(count_tasks(), 1);
	no_children();
}

#define TRY(name, path, argv, envp, want) try_at(__LINE__, name, path, argv, envp, want)

static void make_files(void)
{
	/* A 32-bit program's header, of 52 bytes, of which little is looked at. */
	static const char narrow[64] = { 0x7f, 'E', 'L', 'F', 1, 1, 1, [16] = 2, [18] = 3, [20] = 1, [42] = 32 };
	char script[300];

	write_file("plain", 0644, "#!/bin/sh\n", 10);
	write_file("garbage", 0755, "garbage\n", 8);
	write_file("empty", 0755, "", 0);
	write_file("cut-elf", 0755, "\177ELF\2\1\1", 7);
	write_file("one-byte", 0755, "#", 1);
	write_file("lost", 0755, "#!/nowhere\n", 11);
	write_file("secret", 0755, "#!./plain\n", 10);
	write_file("narrow", 0755, narrow, sizeof(narrow));
	memset(script, 'x', sizeof(script));
	memcpy(script, "#!/", 3);
	write_file("long-script", 0755, script, sizeof(script));
	NEED(symlink("loop", "loop") == 0);
	NEED(symlink("nowhere", "dangling") == 0);
	NEED(mkdir("dir", 0755) == 0);
	NEED(mkfifo("fifo", 0755) == 0);
}

CASE(errors)
{
	static char name[5000];
	static char *bad_argv[] = { "zero", (char *)16, NULL };
	char *bounds = guarded(8), **unterminated = (char **)guarded(16);

	make_files();
	memset(name, 'n', sizeof(name) - 1);
	unterminated[0] = unterminated[1] = "word";
	TRY("nonexistent", "./nonexistent", words, environ, -ENOENT);
	TRY("empty path", "", words, environ, -ENOENT);
	TRY("dangling", "./dangling", words, environ, -ENOENT);
	TRY("not executable", "./plain", words, environ, -EACCES);
	TRY("directory", "./dir", words, environ, -EACCES);
	TRY("root", "/", words, environ, -EACCES);
	TRY("fifo", "./fifo", words, environ, -EACCES);
	TRY("device", "/dev/null", words, environ, -EACCES);
	TRY("garbage", "./garbage", words, environ, -ENOEXEC);
	TRY("empty", "./empty", words, environ, -ENOEXEC);
	TRY("cut elf", "./cut-elf", words, environ, -ENOEXEC);
	TRY("one byte", "./one-byte", words, environ, -ENOEXEC);
	TRY("long script", "./long-script", words, environ, -ENOEXEC);
	TRY("not a directory", "./plain/x", words, environ, -ENOTDIR);
	TRY("loop", "./loop", words, environ, -ELOOP);
	TRY("component too long", name, words, environ, -ENAMETOOLONG);
	name[300] = 0;
	TRY("name too long", name, words, environ, -ENAMETOOLONG);
	TRY("path NULL", NULL, words, environ, -EFAULT);
	TRY("path bad", (void *)16, words, environ, -EFAULT);
	TRY("path kernel", (void *)-4096L, words, environ, -EFAULT);
	memcpy(bounds, "/bin/tru", 8);
	TRY("path unterminated", bounds, words, environ, -EFAULT);
	TRY("argv bad", self_path(), (void *)16, environ, -EFAULT);
	TRY("argv element bad", self_path(), bad_argv, environ, -EFAULT);
	TRY("argv unterminated", self_path(), unterminated, environ, -EFAULT);
	TRY("envp bad", self_path(), words, (void *)16, -EFAULT);
	TRY("envp element bad", self_path(), words, bad_argv, -EFAULT);
	TRY("envp unterminated", self_path(), words, unterminated, -EFAULT);
	/* which error wins when there are two */
	TRY("nonexistent, argv bad", "./nonexistent", (void *)16, environ, -ENOENT);
	TRY("garbage, argv bad", "./garbage", (void *)16, environ, -EFAULT);
	TRY("no interpreter", "./lost", words, environ, -ENOENT);
	TRY("no interpreter, argv bad", "./lost", bad_argv, environ, -EFAULT);
	TRY("interpreter not executable", "./secret", words, environ, -EACCES);
	TRY("interpreter not executable, envp bad", "./secret", words, (void *)16, -EFAULT);
	TRY("32 bits, argv bad", "./narrow", bad_argv, environ, -EFAULT);
}

/* Becomes root of namespaces in which it may mount. */
static bool enter_namespaces(void)
{
	char users[32], groups[32];
	int size[2] = {
		snprintf(users, sizeof(users), "0 %u 1", geteuid()),
		snprintf(groups, sizeof(groups), "0 %u 1", getegid()),
	};

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
		say("no namespaces of one's own: %d", errno);
		return false;
	}
	write_file("/proc/self/uid_map", 0, users, (size_t)size[0]);
	write_file("/proc/self/setgroups", 0, "deny", 4);
	write_file("/proc/self/gid_map", 0, groups, (size_t)size[1]);
	return true;
}

/* For another machine (aarch64), by itself and then with an interpreter for it, which is one for this machine. */
CASE(other_machine)
{
	static const char rule[] = ":other:M:18:\\xb7\\x00::/bin/echo:";
	int status;

	write_file("other", 0755, "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\267\0\1\0\0\0", 24);
	TRY("for another machine", "./other", words, environ, -ENOEXEC);
	NEED(mkdir("formats", 0755) == 0);
	if (!enter_namespaces())
		return;
	if (mount("none", "formats", "binfmt_misc", 0, NULL) != 0) {
		say("no binfmt_misc: %d", errno);
		return;
	}
	write_file("formats/register", 0, rule, sizeof(rule) - 1);
	for (int i = 0; i < 3; i++) {
		if (fork() == 0) {
			raw(SYS_execve, "./other", words, environ);
			_exit(9);
		}
		NEED(wait(&status) > 0);
		say("%#x", status);
	}
	NEED(umount("formats") == 0);
}

/* Anybody may execute the files, but the mount says otherwise, whatever they are. */
CASE(mounted_noexec)
{
	NEED(mkdir("mounted", 0755) == 0);
	if (!enter_namespaces())
		return;
	NEED(mount("none", "mounted", "tmpfs", MS_NOEXEC, NULL) == 0);
	write_file("mounted/script", 0755, "#!/bin/sh\n", 10);
	TRY("script", "./mounted/script", words, environ, -EACCES);
	write_file("mounted/lost", 0755, "#!/nowhere\n", 11);
	TRY("script without interpreter", "./mounted/lost", words, environ, -EACCES);
	write_file("nested", 0755, "#!mounted/lost\n", 15);
	TRY("script with such a script", "./nested", words, environ, -EACCES);
	write_file("mounted/foreign", 0755, "\177ELF\1\1\1\0\0\0\0\0\0\0\0\0\2\0\3\0\1\0\0\0", 24);
	TRY("for 32 bits", "./mounted/foreign", words, environ, -EACCES);
	write_file("mounted/secret", 0711, "#!/bin/sh\n", 10);
	TRY("not readable", "./mounted/secret", words, environ, -EACCES);
	NEED(umount("mounted") == 0);
}

CASE(too_big)
{
	size_t len = 140000;
	char *big = malloc(len + 1), *one[] = { big, NULL }, **many = calloc(5001, sizeof(char *));
	int i;

	memset(big, 'b', len);
	big[len] = 0;
	TRY("long string", self_path(), one, environ, -E2BIG);
	TRY("long variable", self_path(), words, one, -E2BIG);
	big[130000] = 0;
	for (i = 0; i < 200; i++)
		many[i] = big;
	TRY("many strings", self_path(), many, environ, -E2BIG);
	TRY("nonexistent and big", "./nonexistent", many, environ, -ENOENT);
	write_file("lost", 0755, "#!/nowhere\n", 11);
	TRY("no interpreter, and big", "./lost", many, environ, -E2BIG);
}

/* A program that is open for writing: kernels differ (6.11 tried to allow it), so ask natively. */
CASE(busy)
{
	int from = open(self_path(), O_RDONLY), to = open("busy", O_RDWR | O_CREAT, 0755);
	char buffer[65536];
	ssize_t n;
	pid_t pid;

	while ((n = read(from, buffer, sizeof(buffer))) > 0)
		NEED(write(to, buffer, (size_t)n) == n);
	close(from);
	pid = fork();
	if (pid == 0) {
		char *argv[] = { "zero", "nothing", NULL };
		long r = raw(SYS_execve, "./busy", argv, environ);

		say("busy: %ld", r);
		no_children();
		_exit(3);
	}
	say("-> %d", wait_for(pid));
	unlink("busy");
}

/* Landlock forbids to execute what may be executed by its mode. */
CASE(landlocked)
{
	struct { unsigned long long access; } rules = { 1 << 0 /* execute */ | 1 << 2 /* read files */ };
	long ruleset = raw(SYS_landlock_create_ruleset, &rules, sizeof(rules), 0);

	if (ruleset < 0)
		return;
	NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	NEED(raw(SYS_landlock_restrict_self, ruleset, 0) == 0);
	EXPECT(raw(SYS_execve, "/bin/true", words, environ), -EACCES);
}

CASE(limits)
{
	struct rlimit lim;

	/* stack limits decide how large the arguments may be */
	NEED(getrlimit(RLIMIT_STACK, &lim) == 0);
	lim.rlim_cur = 1 << 20;
	NEED(setrlimit(RLIMIT_STACK, &lim) == 0);
	{
		char *big = malloc(100001), *many[4] = { big, big, big, NULL };

		memset(big, 'b', 100000);
		big[100000] = 0;
		TRY("over a quarter of the stack", self_path(), many, environ, -E2BIG);
	}
}

CASE(vforked)
{
	static volatile long result;
	volatile int local = 1;
	pid_t pid = vfork();

	if (pid == 0) {
		result = raw(SYS_execve, "/nonexistent", words, environ);
		local = 2;
		_exit(3);
	}
	EXPECT(wait_for(pid), 3);
	EXPECT(result, -ENOENT);
	EXPECT(local, 2);
	no_children();
	say("done");
}

CASE(spawned)
{
	pid_t pid = -5;

	make_files();
	EXPECT(posix_spawn(&pid, "./nonexistent", NULL, NULL, words, environ), ENOENT);
	EXPECT(posix_spawn(&pid, "./plain", NULL, NULL, words, environ), EACCES);
	EXPECT(posix_spawn(&pid, "./garbage", NULL, NULL, words, environ), ENOEXEC);
	NEED(setenv("PATH", "/usr/bin:/bin", 1) == 0); /* whatever the tester's has that this user may not look into */
	EXPECT(posix_spawnp(&pid, "no-such-program", NULL, NULL, words, environ), ENOENT);
	no_children();
	say("done");
}

static pthread_barrier_t barrier;

static void *fail_loop(void *arg)
{
	int i;

	(void)arg;
	/* while one thread is in execve, clone(CLONE_FS) of another gives EAGAIN */
	pthread_barrier_wait(&barrier);
	for (i = 0; i < 50; i++)
		EXPECT(raw(SYS_execve, i & 1 ? "/nonexistent" : "./garbage", words, environ),
		       i & 1 ? -ENOENT : -ENOEXEC);
	return NULL;
}

/* Failing in several threads at once, the process goes on. */
STRESS(threads)
{
	pthread_t t[8];
	size_t i;

	write_file("garbage", 0755, "garbage\n", 8);
	pthread_barrier_init(&barrier, NULL, ARRAY_SIZE(t));
	for (i = 0; i < ARRAY_SIZE(t); i++)
		NEED(pthread_create(&t[i], NULL, fail_loop, NULL) == 0);
	for (i = 0; i < ARRAY_SIZE(t); i++)
		pthread_join(t[i], NULL);
	no_children();
	unlink("garbage");
}

static volatile sig_atomic_t caught;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info, (void)context;
	caught++;
}

/* Signals arriving during a failed execve are neither lost nor doubled. */
STRESS(signalled)
{
	pid_t pid, self = getpid();
	int i, before;

	set_handler(SIGRTMIN, on_signal, SA_RESTART);
	caught = 0;
	pid = fork();
	if (pid == 0) {
		for (i = 0; i < 500; i++)
			while (sigqueue(self, SIGRTMIN, (union sigval){ 0 }) < 0)
				;
		_exit(0);
	}
	do {
		before = caught;
		EXPECT(raw(SYS_execve, "/nonexistent", words, environ), -ENOENT);
	} while (before < 500 && caught < 500);
	EXPECT(wait_for(pid), 0);
	EXPECT(caught, 500);
	no_children();
}

static volatile pid_t chld_pid;

static void on_chld(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)context;
	chld_pid = info->si_pid;
}

/* No SIGCHLD of a process that we did not start. */
CASE(no_sigchld)
{
	int i;

	set_handler(SIGCHLD, on_chld, 0);
	for (i = 0; i < 100; i++)
		EXPECT(raw(SYS_execve, i & 1 ? "/nonexistent" : "/dev/null", words, environ),
		       i & 1 ? -ENOENT : -EACCES);
	EXPECT(chld_pid, 0);
	no_children();
	say("done");
}

static volatile bool is_failing;

static void *fail_often(void *arg)
{
	for (int i = 0; i < 300; i++)
		EXPECT(raw(SYS_execve, "./cut-elf", words, environ), -ENOEXEC);
	is_failing = false;
	return arg;
}

/* Waits of another thread, for children of every kind, find those only that the program has. */
STRESS(among_waits)
{
	pthread_t t;
	siginfo_t info;
	int status;

	write_file("cut-elf", 0755, "\177ELF\2\1\1", 7);
	is_failing = true;
	NEED(pthread_create(&t, NULL, fail_often, NULL) == 0);
	while (is_failing) {
		pid_t pid;

		EXPECT(raw(SYS_wait4, -1, &status, __WALL, 0), -ECHILD);
		EXPECT(raw(SYS_waitid, P_ALL, 0, &info, WEXITED | __WALL, 0), -ECHILD);
		CHECK(raw(SYS_wait4, -1, &status, WNOHANG | __WALL, 0) <= 0);
		pid = fork();
		if (pid == 0) {
			usleep(500);
			_exit(8);
		}
		EXPECT(raw(SYS_wait4, -1, &status, __WALL, 0), pid);
		EXPECT(status, 8 << 8);
	}
	pthread_join(t, NULL);
	unlink("cut-elf");
}
