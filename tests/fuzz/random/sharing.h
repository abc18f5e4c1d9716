/*
 * Processes that share more than a thread's worth, or less: memory, handlers, descriptors, the directory; and what each
 * makes of it.
 */
#ifndef FUZZ_RANDOM_SHARING_H
#define FUZZ_RANDOM_SHARING_H

#include <linux/close_range.h>

static const unsigned long sharing[] = { CLONE_VM, CLONE_FILES, CLONE_FS, CLONE_SIGHAND | CLONE_VM, CLONE_SYSVSEM,
					 CLONE_IO, CLONE_PARENT, CLONE_VFORK, CLONE_VM | CLONE_VFORK, CLONE_UNTRACED };
static volatile int shared_signals;

static void on_shared(int sig)
{
	shared_signals += sig;
}

static void show_sharing(const char *who)
{
	char directory[256] = "";
	uint64_t handled = 0;
	int count = 0;

	for (int sig = 1; sig < 65; sig++) {
		struct sigaction now = { 0 };

		if (sigaction(sig, NULL, &now) == 0 && now.sa_handler == on_shared)
			handled |= 1ul << (sig - 1);
	}
	for (int fd = 0; fd < 100; fd++)
		count += raw(SYS_fcntl, fd, F_GETFD, 0) >= 0;
	raw(SYS_getcwd, directory, sizeof(directory));
	say("%s: handled %lx, %d descriptors, in %.40s, mask %lo, signals %d", who, (long)handled, count, directory,
	    raw(SYS_umask, 022), shared_signals);
}

/* Calls no function of the library that needs a thread of its own. */
static void one_shared_step(void)
{
	static const int chosen[] = { SIGUSR1, SIGUSR2, SIGSYS, SIGTRAP, SIGSEGV, SIGCHLD, 45 };
	static const unsigned long apart[] = { CLONE_FILES,   CLONE_FS, CLONE_SYSVSEM,
					       CLONE_SIGHAND, CLONE_VM, CLONE_THREAD };
	struct sigaction action = { .sa_handler = on_shared, .sa_flags = SA_NODEFER };
	sigset_t set;
	int sig = PICK(chosen), fd;

	switch (draw(11)) {
	case 0: sigaction(sig, &action, NULL); break;
	case 1:
		action.sa_handler = SIG_DFL;
		sigaction(sig, &action, NULL);
		break;
	case 2:
		sigaction(sig, &action, NULL);
		set = sigset_of(sig);
		raw(SYS_rt_sigprocmask, SIG_UNBLOCK, &set, NULL, 8);
		raw(SYS_tgkill, raw(SYS_getpid), raw(SYS_gettid), sig);
		break;
	case 3: raw(SYS_dup2, 1, 50 + draw(20)); break;
	case 4: raw(SYS_close, 50 + draw(20)); break;
	case 5: raw(SYS_chdir, draw(2) ? "/" : "/usr"); break;
	case 6: raw(SYS_umask, draw(0100)); break;
	case 7: say("apart: %ld", raw(SYS_unshare, PICK(apart))); break;
	case 8:
		fd = (int)raw(SYS_memfd_create, "shared", 1);
		raw(SYS_dup3, fd, 60, draw(2) ? O_CLOEXEC : 0);
		raw(SYS_close, fd);
		break;
	case 9: raw(SYS_close_range, 50, 80, draw(2) ? CLOSE_RANGE_UNSHARE : CLOSE_RANGE_CLOEXEC); break;
	default: say("call: %ld", raw(SYS_close, -1)); break;
	}
}

static int share(void *arg)
{
	uint32_t end = (uint32_t)(uintptr_t)arg;

	if (end & 8)
		depth++;
	for (uint32_t n = 1 + draw(4); n; n--)
		one_shared_step();
	show_sharing("sharer");
	switch (end & 7) {
	case 0: raw(SYS_exit, 31); break;
	case 1: raw(SYS_exit_group, 32); break;
	case 2: raw(SYS_kill, raw(SYS_getpid), SIGKILL); break;
	case 3: {
		const char *words[] = { "random", guest_argv[0], "77", "9", NULL };

		raw(SYS_execve, program, words, environ);
		break;
	}
	case 4: {
		const char *words[] = { "nothing", NULL };

		say("not executed: %ld", raw(SYS_execve, "/nowhere", words, environ));
		break;
	}
	case 5:
		signal(SIGTERM, SIG_DFL);
		raw(SYS_tgkill, raw(SYS_getpid), raw(SYS_gettid), SIGTERM);
		break;
	default: break;
	}
	raw(SYS_exit, 33);
	return 0;
}

/* One at a time: who shares the numbers that are drawn must not draw at once. */
static void in_sharing(void)
{
	shared_signals = 0;
	for (uint32_t n = 1 + draw(3); n; n--) {
		char *stack = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		unsigned long flags = draw(3) ? SIGCHLD : 0;
		uint32_t end = draw(8);
		pid_t pid;

		for (uint32_t some_flags = 1 + draw(3); some_flags; some_flags--)
			flags |= PICK(sharing);
		if (flags & CLONE_PARENT) /* whoever waits for it is another */
			flags &= ~(unsigned long)CLONE_PARENT;
		if (!(flags & CLONE_VM))
			end |= 8;
		pid = clone(share, stack + 64 * PAGE, (int)flags, (void *)(uintptr_t)end);
		/* They would say it at the same time. */
		if (pid > 0)
			await(pid);
		say("made with %lx: %d", flags, pid < 0 ? errno : 0);
		munmap(stack, 64 * PAGE);
		show_sharing("maker");
		one_shared_step();
	}
	show_sharing("in the end");
	leave();
}

static void do_sharing(void)
{
	in_own_process(in_sharing);
}

#endif
