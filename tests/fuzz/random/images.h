/*
 * execve in all ways, of files of all kinds, by whoever can call it, and what the new image finds of the old one.
 */
#ifndef FUZZ_RANDOM_IMAGES_H
#define FUZZ_RANDOM_IMAGES_H

#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>

/* Where files are made: a directory of this process's own, which it removes. */
static char workshop[64];

static void write_file(const char *name, const char *text, size_t size, mode_t mode)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);

	NEED(fd >= 0);
	NEED(write(fd, text, size) == (ssize_t)size);
	NEED(fchmod(fd, mode) == 0);
	close(fd);
}

static void write_script(const char *name, const char *interpreter, const char *argument)
{
	char line[5000];
	int size = snprintf(line, sizeof(line), "#!%s%s%s\nnothing\n", interpreter, *argument ? " " : "", argument);

	write_file(name, line, (size_t)size, 0755);
}

/* The own program, with some of its bytes changed. */
static void write_damaged(const char *name, uint32_t how)
{
	/* class, data, version, type, machine, phoff, phentsize, phnum */
	static const struct {
		uint16_t at, value;
	} damages[] = {
		{ 4, 1 }, { 5, 2 }, { 6, 9 }, { 16, 1 }, { 18, 40 }, { 32, 7 }, { 54, 55 }, { 56, 0 }, { 1, 'F' },
	};
	static char head[1 << 16];
	int fd = open(program, O_RDONLY | O_CLOEXEC);
	ssize_t size = read(fd, head, sizeof(head));

	close(fd);
	NEED(size > 64);
	how %= ARRAY_SIZE(damages) + 3;
	if (how < ARRAY_SIZE(damages))
		memcpy(head + damages[how].at, &damages[how].value, 1);
	else
		size = how == ARRAY_SIZE(damages) ? 0 : how == ARRAY_SIZE(damages) + 1 ? 40 : 100;
	write_file(name, head, (size_t)size, 0755);
}

/* A file to execute: a name in the workshop. Most cannot be executed. */
static const char *make_file(void)
{
	char inside[256];

	switch (draw(14)) {
	case 0: NEED(symlink(program, "file") == 0); break;
	case 1: write_script("file", program, ""); break;
	case 2: write_script("file", program, "images_seen argument with spaces"); break;
	case 3:
		write_script("first", program, "images_seen");
		snprintf(inside, sizeof(inside), "%s/first", workshop);
		write_script("file", inside, draw(2) ? "second" : "");
		break;
	case 4: /* its own interpreter */
		snprintf(inside, sizeof(inside), "%s/file", workshop);
		write_script("file", inside, "");
		break;
	case 5: write_script("file", "/nowhere/at/all", ""); break;
	case 6: write_file("file", "#!", 2, 0755); break;
	case 7: write_file("file", "text\n", 5, draw(2) ? 0755 : 0644); break;
	case 8: NEED(mkdir("file", 0755) == 0); break;
	case 9: NEED(symlink(draw(2) ? "file" : "nothing", "file") == 0); break;
	case 10: NEED(mkfifo("file", 0755) == 0); break;
	case 11: write_script("file", "relative", ""); break;
	default: write_damaged("file", draw(100)); break;
	}
	return "file";
}

/* What an image may leave to the next one. */
static void leave_something(void)
{
	static const int left[] = { SIGUSR1, SIGSYS, SIGTRAP, SIGSEGV, SIGCHLD, SIGALRM, SIGPIPE, 40 };
	static char room[1 << 15];
	stack_t stack = { .ss_sp = room, .ss_size = sizeof(room), .ss_flags = draw(2) ? (int)(1u << 31) : 0 };
	struct itimerval timer = { .it_value = { 100, 0 } };
	struct rlimit limit;
	sigset_t set = sigset_of(PICK(left));
	siginfo_t info = { .si_code = SI_QUEUE };
	timer_t posix;

	switch (draw(16)) {
	case 0: signal(PICK(left), SIG_IGN); break;
	case 1: signal(PICK(left), SIG_DFL); break;
	case 2: sigprocmask(SIG_BLOCK, &set, NULL); break;
	case 3:
		set = sigset_of(SIGSYS);
		sigprocmask(SIG_BLOCK, &set, NULL);
		info.si_value.sival_int = 31;
		raw(SYS_rt_sigqueueinfo, getpid(), SIGSYS, &info);
		break;
	case 4:
		set = sigset_of(40);
		sigprocmask(SIG_BLOCK, &set, NULL);
		for (uint32_t n = draw(4); n; n--)
			raw(SYS_rt_tgsigqueueinfo, getpid(), gettid(), 40, &info);
		break;
	case 5: sigaltstack(&stack, NULL); break;
	case 6: setitimer(draw(2) ? ITIMER_REAL : ITIMER_VIRTUAL, &timer, NULL); break;
	case 7: timer_create(CLOCK_MONOTONIC, NULL, &posix); break;
	case 8: personality((unsigned long)(draw(2) ? ADDR_NO_RANDOMIZE : READ_IMPLIES_EXEC)); break;
	case 9: prctl(PR_SET_PDEATHSIG, SIGTERM); break;
	case 10: prctl(PR_SET_DUMPABLE, draw(2)); break;
	case 11: prctl(PR_SET_TIMERSLACK, 70000 + draw(3)); break;
	case 12: prctl(PR_SET_NAME, "before"); break;
	case 13:
		NEED(getrlimit(RLIMIT_STACK, &limit) == 0);
		limit.rlim_cur = (rlim_t)(1u << (18 + draw(4)));
		NEED(setrlimit(RLIMIT_STACK, &limit) == 0);
		break;
	case 14: dup2(2, 30 + (int)draw(4)); break;
	default: fcntl(dup2(2, 40), F_SETFD, FD_CLOEXEC); break;
	}
}

HELPER(images_seen)
{
	static const int asked[] = { PR_GET_DUMPABLE, PR_GET_TIMERSLACK, PR_GET_NO_NEW_PRIVS, PR_GET_SECCOMP };
	sigset_t blocked, pending;
	struct itimerval timer;
	struct rlimit limit;
	uint64_t ignored = 0;
	char name[17] = "", link[256], line[256];
	int number = 0, count = 0;
	siginfo_t info;
	struct timespec zero = { 0 };
	stack_t stack;
	FILE *timers;
	ssize_t size;

	for (int i = 0; i < guest_argc; i++)
		if (!strchr(guest_argv[i], '/'))
			say("argument %d: %s", i, guest_argv[i]);
	for (char **at = environ; *at; at++)
		count++;
	say("%d in the environment", count);
	sigprocmask(SIG_BLOCK, NULL, &blocked);
	sigpending(&pending);
	for (int sig = 1; sig < 65; sig++) {
		struct sigaction now = { 0 };

		if (sigaction(sig, NULL, &now) == 0 && now.sa_handler == SIG_IGN)
			ignored |= 1ul << sig;
		else if (now.sa_handler != SIG_DFL || now.sa_flags)
			say("action of %d is set: %x", sig, now.sa_flags);
	}
	say("blocked %lx, pending %lx, ignored %lx", *(long *)&blocked, *(long *)&pending, (long)ignored);
	memset(&info, 0, sizeof(info));
	while (raw(SYS_rt_sigtimedwait, &pending, &info, &zero, 8) > 0)
		say("was pending: %d, code %d, value %d, own %d", info.si_signo, info.si_code, info.si_value.sival_int,
		    info.si_pid == getpid());
	NEED(sigaltstack(NULL, &stack) == 0);
	say("stack %x %lx %p", (unsigned)stack.ss_flags, (long)stack.ss_size, stack.ss_sp);
	for (int which = 0; which < 3; which++) {
		NEED(getitimer((__itimer_which_t)which, &timer) == 0);
		say("timer %d: %d", which, timer.it_value.tv_sec || timer.it_value.tv_usec);
	}
	timers = fopen("/proc/self/timers", "re");
	count = 0;
	while (timers && fgets(line, sizeof(line), timers))
		count++;
	say("%d lines of timers", count);
	for (unsigned i = 0; i < ARRAY_SIZE(asked); i++)
		say("attribute %d: %ld", asked[i], raw(SYS_prctl, asked[i], 0, 0, 0, 0));
	prctl(PR_GET_PDEATHSIG, &number);
	prctl(PR_GET_NAME, name);
	NEED(getrlimit(RLIMIT_STACK, &limit) == 0);
	say("death %d, name %s, personality %lx, stack's limit %lx", number, strlen(name) ? name : "none",
	    raw(SYS_personality, ~0u), (long)limit.rlim_cur);
	size = readlink("/proc/self/exe", link, sizeof(link));
	say("is %s", size > 0 && (size_t)size == strlen(program ? program : self_path()) ? "itself" : "another file");
	for (count = 0, number = 3; number < 64; number++)
		count += fcntl(number, F_GETFD) >= 0;
	say("%d descriptors", count);
	raw(SYS_exit_group, 12);
}

/* Calls execve in one of many ways; the arguments say what the image is to do, if there is one. */
static void execute(const char *name)
{
	static char big[1 << 18];
	char level[8];
	const char *words[] = { "random", "images_seen", "one", "", "x y", level, NULL };
	const char *bare[] = { NULL };
	const char *variables[] = { "A=1", "A=1", "=", "novalue", "", NULL };
	const char *large[] = { "random", "images_seen", big, NULL };
	char **env = draw(2) ? environ : (char **)variables, **argv = (char **)words;
	static const int flags[] = { 0,	      AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW,
				     0x10000, 1,	     AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW };
	int fd, directory, chosen;
	long r;

	snprintf(level, sizeof(level), "%d", depth);
	switch (draw(10)) {
	case 0: argv = (char **)bare; break;
	case 1: argv = NULL; break;
	case 2: argv = (char **)(scratch + 2 * PAGE); break;
	case 3: env = (char **)8; break;
	case 4: words[3] = (char *)(scratch + 2 * PAGE); break;
	case 5:
		memset(big, 'x', sizeof(big) - 1);
		argv = (char **)large;
		break;
	case 6: env = NULL; break;
	default: break;
	}
	switch (draw(8)) {
	case 0: r = raw(SYS_execve, name, argv, env); break;
	case 1: r = raw(SYS_execve, "/proc/self/exe", argv, env); break;
	case 2:
		fd = open(name, O_PATH | (draw(2) ? O_CLOEXEC : 0));
		r = raw(SYS_execveat, fd, "", argv, env, PICK(flags));
		break;
	case 3:
		directory = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		r = raw(SYS_execveat, directory, name, argv, env, PICK(flags));
		break;
	case 4: r = raw(SYS_execveat, -100, name, argv, env, PICK(flags)); break;
	case 5: r = raw(SYS_execveat, draw(2) ? -1 : 900, draw(2) ? "" : name, argv, env, PICK(flags)); break;
	case 6: /* a copy in memory */
		fd = (int)raw(SYS_memfd_create, "copy", draw(2) ? 1 : 0);
		chosen = open(program, O_RDONLY | O_CLOEXEC);
		for (char part[4096]; (r = read(chosen, part, sizeof(part))) > 0;)
			NEED(write(fd, part, (size_t)r) == r);
		close(chosen);
		r = raw(SYS_execveat, fd, "", argv, env, AT_EMPTY_PATH);
		break;
	default: /* still open for writing, or the name is nowhere */
		fd = open(name, O_WRONLY | O_NONBLOCK);
		r = raw(SYS_execve, draw(2) ? name : (char *)(scratch + 2 * PAGE), argv, env);
		break;
	}
	say("not executed: %ld", r);
}

static void *execute_in_thread(void *name)
{
	execute(name);
	return NULL;
}

static int execute_in_clone(void *name)
{
	execute(name);
	raw(SYS_exit, 6);
	return 0;
}

static void in_images(void)
{
	const char *name;
	pthread_t thread;
	char *stack;
	pid_t pid;

	NEED(chdir(workshop) == 0);
	name = draw(3) ? make_file() : program;
	for (uint32_t n = draw(4); n; n--)
		leave_something();
	switch (draw(5)) {
	case 0:
	case 1: execute(name); break;
	case 2:
		NEED(pthread_create(&thread, NULL, execute_in_thread, (void *)(uintptr_t)name) == 0);
		pthread_join(thread, NULL);
		break;
	case 3:
		pid = vfork();
		if (pid == 0) {
			execute(name);
			_exit(4);
		}
		await(pid);
		break;
	default:
		stack = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		await(clone(execute_in_clone, stack + 64 * PAGE, CLONE_VM | CLONE_VFORK | SIGCHLD,
			    (void *)(uintptr_t)name));
		break;
	}
	raw(SYS_exit_group, 8);
}

static void do_images(void)
{
	static const char *const made[] = { "file", "first" };

	if (depth >= MAX_DEPTH || nested)
		return;
	snprintf(workshop, sizeof(workshop), "/tmp/k23-random-XXXXXX");
	NEED(mkdtemp(workshop));
	in_own_process(in_images);
	for (unsigned i = 0; i < ARRAY_SIZE(made); i++) {
		char path[128];

		snprintf(path, sizeof(path), "%s/%s", workshop, made[i]);
		if (unlink(path))
			rmdir(path);
	}
	rmdir(workshop);
}

#endif
