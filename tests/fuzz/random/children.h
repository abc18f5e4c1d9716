/*
 * Children that stop, go on and end, and what their parent hears of it.
 */
#ifndef FUZZ_RANDOM_CHILDREN_H
#define FUZZ_RANDOM_CHILDREN_H

#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>

/* When a parent hears of its child is a matter of time: what it has heard is said later. */
static volatile uint64_t heard_codes, heard_statuses;
static volatile int heard_signal;

static void on_child(int sig, siginfo_t *info, void *context)
{
	(void)context;
	heard_signal = sig;
	heard_codes |= 1ul << (info->si_code & 63);
	heard_statuses |= 1ul << (info->si_status & 63);
}

static void say_heard(void)
{
	say("heard %d, codes %lx, statuses %lx", heard_signal, (long)heard_codes, (long)heard_statuses);
	heard_codes = heard_statuses = 0;
	heard_signal = 0;
}

static void show_wait(const char *what, long r, pid_t pid, const siginfo_t *info)
{
	if (r < 0)
		say("%s: %ld", what, r);
	else
		say("%s: %ld, %s, code %d, status %d, signal %d", what, r, info->si_pid == pid ? "it" : "none",
		    info->si_code, info->si_status, info->si_signo);
}

static void wait_somehow(pid_t pid, int pidfd, int options)
{
	uint32_t kind = draw(5);
	siginfo_t info;
	long r;

	memset(&info, 0, sizeof(info));
	do {
		switch (kind) {
		case 0: r = raw(SYS_waitid, P_PID, pid, &info, options, NULL); break;
		case 1: r = raw(SYS_waitid, P_ALL, 0, &info, options, NULL); break;
		case 2: r = raw(SYS_waitid, P_PGID, 0, &info, options, NULL); break;
		case 3: r = raw(SYS_waitid, P_PGID, getpgid(0), &info, options, NULL); break;
		default: r = raw(SYS_waitid, P_PIDFD, pidfd, &info, options, NULL); break;
		}
	} while (r == -EINTR);
	show_wait("waited", r, pid, &info);
}

static void child_end(uint32_t how)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_DUMPABLE, 0);
	for (int sig = 1; sig < 32; sig++)
		signal(sig, SIG_DFL);
	switch (how) {
	case 0: raw(SYS_exit_group, 7); break;
	case 1: raw(SYS_exit, 0x1234); break;
	case 2: raise(SIGTERM); break;
	case 3: touch_nothing(); break;
	case 4: __builtin_trap(); break;
	case 5: abort(); break;
	case 6: raw(SYS_kill, getpid(), SIGKILL); break;
	case 7: raw(SYS_tgkill, getpid(), gettid(), SIGSYS); break;
	}
	raw(SYS_exit_group, 9);
}

static void do_children(void)
{
	struct sigaction action = { .sa_sigaction = on_child, .sa_flags = SA_SIGINFO }, before;
	sigset_t set = sigset_of(SIGCHLD), old;
	uint32_t stops = draw(3), how = draw(9), setting = draw(5);
	bool blocked = draw(3) == 0;
	int pidfd, known[2];
	char byte;
	pid_t pid;

	if (depth >= MAX_DEPTH || nested)
		return;
	if (setting == 1)
		action.sa_flags |= SA_NOCLDSTOP;
	else if (setting == 2)
		action.sa_flags |= SA_NOCLDWAIT;
	else if (setting == 3)
		action.sa_handler = SIG_IGN;
	if (draw(2))
		action.sa_flags |= SA_RESTART;
	sigaction(SIGCHLD, &action, &before);
	sigprocmask(blocked ? SIG_BLOCK : SIG_UNBLOCK, &set, &old);
	NEED(pipe(known) == 0);
	pid = fork();
	if (pid == 0) {
		/* Not gone before its parent has a descriptor of it. */
		close(known[1]);
		raw(SYS_read, known[0], &byte, 1);
		signal(SIGCHLD, SIG_DFL);
		for (uint32_t n = stops; n; n--)
			raise(SIGSTOP);
		child_end(how);
	}
	pidfd = (int)raw(SYS_pidfd_open, pid, 0);
	NEED(pidfd >= 0);
	close(known[0]);
	close(known[1]);
	for (uint32_t n = stops; n; n--) {
		wait_somehow(pid, pidfd, WSTOPPED | (draw(3) ? 0 : WNOWAIT));
		if (draw(2))
			raw(SYS_pidfd_send_signal, pidfd, SIGCONT, NULL, 0);
		else
			kill(pid, SIGCONT);
		if (n > 1)
			continue;
	}
	if (draw(3) == 0)
		wait_somehow(pid, pidfd, WEXITED | WNOWAIT);
	if (draw(2)) {
		wait_somehow(pid, pidfd, WEXITED);
	} else {
		int status = 0;
		pid_t whom = draw(2) ? pid : -1;
		long r;

		do
			r = raw(SYS_wait4, whom, &status, 0, NULL);
		while (r == -EINTR);
		say("wait4: %ld, status %x", r == pid ? 0 : r, (unsigned)status);
	}
	say("after: %ld, %ld", raw(SYS_wait4, -1, NULL, __WALL, NULL), raw(SYS_pidfd_send_signal, pidfd, 0, NULL, 0));
	close(pidfd);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	/* One that is pending hides the next. */
	if (stops)
		heard_codes &= ~(1ul << CLD_EXITED | 1ul << CLD_KILLED | 1ul << CLD_DUMPED), heard_statuses = 0;
	say_heard();
	sigprocmask(SIG_SETMASK, &old, NULL);
	sigaction(SIGCHLD, &before, NULL);
}

/* Children by raw clone calls, with flags of all kinds; they touch no library. */
static volatile int shared_word;

static void do_clone(void)
{
	static const unsigned long some_flags[] = { CLONE_FILES,
						    CLONE_FS,
						    CLONE_SIGHAND | CLONE_VM,
						    CLONE_VM,
						    CLONE_PARENT_SETTID,
						    CLONE_CHILD_SETTID,
						    CLONE_CHILD_CLEARTID,
						    CLONE_PIDFD,
						    CLONE_IO,
						    CLONE_SYSVSEM,
						    CLONE_UNTRACED,
						    CLONE_VFORK,
						    CLONE_CLEAR_SIGHAND,
						    CLONE_THREAD,
						    CLONE_NEWUTS | CLONE_NEWIPC };
	static const int exits[] = { SIGCHLD, 0, SIGUSR1, 39, SIGTRAP, SIGSEGV, SIGSYS, 99 };
	static volatile int parent_tid, child_tid;
	struct clone_args args = { 0 };
	struct sigaction action = { .sa_sigaction = on_child, .sa_flags = SA_SIGINFO }, before;
	int pidfd = -1, sig = PICK(exits), status = 0;
	uint32_t how = draw(4), end = draw(3);
	sigset_t old, set;
	char *stack = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long pid, r;

	if (depth >= MAX_DEPTH || nested)
		return;
	parent_tid = child_tid = shared_word = 0;
	for (uint32_t n = draw(4); n; n--)
		args.flags |= PICK(some_flags);
	args.exit_signal = (uint64_t)sig;
	args.pidfd = (uint64_t)(uintptr_t)&pidfd;
	args.parent_tid = (uint64_t)(uintptr_t)&parent_tid;
	args.child_tid = (uint64_t)(uintptr_t)&child_tid;
	if (args.flags & CLONE_VM) {
		args.stack = (uint64_t)(uintptr_t)stack;
		args.stack_size = 16 * PAGE;
	}
	if (args.flags & CLONE_THREAD && args.flags & CLONE_SIGHAND) /* a thread ends as one, and nobody waits */
		args.flags &= ~(uint64_t)CLONE_THREAD;
	if (how == 0) {
		args.flags &= 0xffffffff & ~(uint64_t)(CLONE_PARENT_SETTID | CLONE_PIDFD);
		args.flags &= ~(uint64_t)CLONE_CLEAR_SIGHAND;
	}
	/* An exit signal that is not harmless is heard. */
	set = sigset_of(sig < 65 ? sig : 0);
	if (sig && sig < 65)
		sigaction(sig, &action, &before);
	sigprocmask(SIG_UNBLOCK, &set, &old);
	{
		register long r8 __asm__("r8") = 0, r10 __asm__("r10") = (long)args.child_tid;
		long nr = how ? SYS_clone3 : SYS_clone, a = how ? (long)&args : (long)args.flags | sig;
		long b = how ? (long)sizeof(args) : args.stack ? (long)(args.stack + args.stack_size) : 0;

		/* The child has nothing of the stack but what is in registers. */
		__asm__ volatile("syscall\n\t"
				 "test %%rax, %%rax\n\t"
				 "jnz 1f\n\t"
				 "incl %[word]\n\t"
				 "mov $39, %%eax\n\t"
				 "syscall\n\t"
				 "mov %[end], %%edx\n\t"
				 "mov $11, %%edi\n\t"
				 "mov $60, %%eax\n\t"
				 "cmp $1, %%edx\n\t"
				 "jb 2f\n\t"
				 "mov $231, %%eax\n\t"
				 "je 2f\n\t"
				 "mov %%eax, %%edi\n\t"
				 "mov $39, %%eax\n\t"
				 "syscall\n\t"
				 "mov %%eax, %%edi\n\t"
				 "mov $9, %%esi\n\t"
				 "mov $62, %%eax\n\t"
				 "2: syscall\n\t"
				 "hlt\n\t"
				 "1:"
				 : "=a"(pid), [word] "+m"(shared_word)
				 : "a"(nr), "D"(a), "S"(b), "d"((long)args.parent_tid), "r"(r10),
				   "r"(r8), [end] "r"(end)
				 : "rcx", "r11", "memory", "cc");
	}
	say("clone %u of flags %lx, signal %d: %ld", how, (long)args.flags, sig, pid < 0 ? pid : 0);
	if (pid > 0) {
		do
			r = raw(SYS_wait4, pid, &status, __WALL, NULL);
		while (r == -EINTR);
		say("ended: %ld, status %x, word %d, parent's %d, child's %d", r == pid ? 0 : r, (unsigned)status,
		    shared_word, parent_tid == pid,
		    child_tid == pid ? 1
		    : child_tid	     ? 2
				     : 0);
		if (args.flags & CLONE_PIDFD && how)
			say("pidfd: %ld", raw(SYS_pidfd_send_signal, pidfd, 0, NULL, 0));
	}
	if (pidfd >= 0)
		close(pidfd);
	say_heard();
	if (sig && sig < 65)
		sigaction(sig, &before, NULL);
	sigprocmask(SIG_SETMASK, &old, NULL);
	munmap(stack, 16 * PAGE);
}

/* A thread executes, or outlives the first, or ends the process. */
static void *in_last_thread(void *arg)
{
	uint32_t what = (uint32_t)(uintptr_t)arg;

	if (what & 4)
		while (state_of(getpid()) != 'Z')
			usleep(1000);
	if ((what & 3) == 0) {
		const char *words[] = { "random", guest_argv[0], "77", "9", NULL };

		execv(program, (char **)words);
	}
	if ((what & 3) == 1)
		raw(SYS_exit_group, 21);
	if ((what & 3) == 2)
		raw(SYS_exit, 22);
	raw(SYS_kill, getpid(), SIGKILL);
	return NULL;
}

static void do_last_thread(void)
{
	uint32_t what = draw(8);
	pid_t pid;

	if (depth >= MAX_DEPTH || nested)
		return;
	pid = fork();
	if (pid == 0) {
		pthread_t thread;

		depth = MAX_DEPTH;
		NEED(pthread_create(&thread, NULL, in_last_thread, (void *)(uintptr_t)what) == 0);
		if (what & 4)
			raw(SYS_exit, 33);
		pthread_join(thread, NULL);
		raw(SYS_exit_group, 34);
	}
	await(pid);
}

#endif
