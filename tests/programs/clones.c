/* clone and clone3 by hand: own stacks, every flag that a program may reasonably use, and errors. */
#include "guest.h"
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>

long raw_clone(unsigned long flags, void *stack, int *ptid, int *ctid, unsigned long tls,
	       int (*fn)(void *), void *arg);
long raw_clone3(struct clone_args *args, size_t size, int (*fn)(void *), void *arg);

#define THREAD_FLAGS                                                                               \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)

static char *new_stack(size_t size)
{
	return (char *)guarded(size) + size;
}

static volatile int shared;

/* The children below have no thread-local storage of their own: raw calls only. */
static int set_shared(void *arg)
{
	shared = (int)(long)arg;
	return raw(SYS_close, -1) == -EBADF ? 17 : 99;
}

CASE(fork_like)
{
	shared = 1;
	EXPECT(wait_for((pid_t)raw_clone(SIGCHLD, new_stack(65536), NULL, NULL, 0, set_shared, (void *)5L)), 17);
	EXPECT(shared, 1);
}

CASE(shared_memory)
{
	int i;

	for (i = 0; i < 50; i++) {
		long pid = raw_clone(CLONE_VM | SIGCHLD, new_stack(PAGE), NULL, NULL, 0, set_shared,
				     (void *)(long)(i + 2));

		EXPECT(wait_for((pid_t)pid), 17);
		EXPECT(shared, i + 2);
	}
	no_children();
}

/* Without an exit signal a plain wait does not see the child. */
CASE(no_exit_signal)
{
	int status;
	long pid = raw_clone(CLONE_VM, new_stack(PAGE), NULL, NULL, 0, set_shared, (void *)9L);

	EXPECT(raw(SYS_wait4, pid, &status, 0, 0), -ECHILD);
	EXPECT(raw(SYS_wait4, pid, &status, __WCLONE, 0), pid);
	EXPECT(shared, 9);
	signal(SIGUSR1, SIG_IGN);
	pid = raw_clone(CLONE_VM | SIGUSR1, new_stack(PAGE), NULL, NULL, 0, set_shared, (void *)9L);
	EXPECT(raw(SYS_wait4, pid, &status, __WALL, 0), pid);
}

CASE(vfork_like)
{
	struct timespec ts = { 0, 1000000 };
	int i;

	for (i = 0; i < 20; i++) {
		long pid;

		shared = 0;
		pid = raw_clone(CLONE_VM | CLONE_VFORK | SIGCHLD, new_stack(PAGE), NULL, NULL, 0, set_shared,
				(void *)6L);
		EXPECT(shared, 6);
		EXPECT(wait_for((pid_t)pid), 17);
	}
	raw(SYS_nanosleep, &ts, 0);
}

static volatile int parent_tid, child_tid;

static int check_tids(void *arg)
{
	(void)arg;
	return (parent_tid == raw(SYS_gettid) ? 1 : 0) + (child_tid == raw(SYS_gettid) ? 2 : 0);
}

CASE(tids)
{
	long pid;

	parent_tid = child_tid = -1;
	pid = raw_clone(CLONE_VM | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, new_stack(PAGE),
			(int *)&parent_tid, (int *)&child_tid, 0, check_tids, NULL);
	EXPECT(parent_tid, pid);
	EXPECT(wait_for((pid_t)pid), 3);
	EXPECT(child_tid, pid);
	/* not shared: the child's copy only */
	child_tid = -1;
	pid = raw_clone(CLONE_CHILD_SETTID | SIGCHLD, new_stack(PAGE), NULL, (int *)&child_tid, 0, check_tids,
			NULL);
	EXPECT(wait_for((pid_t)pid), 2);
	EXPECT(child_tid, -1);
}

/* A thread with one page of stack, cleared tid and a wake-up. */
static int one_call(void *arg)
{
	__atomic_add_fetch(&shared, raw(SYS_close, -1) == -EBADF ? (int)(long)arg : 1000000, __ATOMIC_SEQ_CST);
	return 0;
}

STRESS(threads)
{
	static char *stacks[16];
	int i;

	for (i = 0; i < 16; i++)
		if (!stacks[i])
			stacks[i] = new_stack(PAGE);
	shared = 0;
	for (i = 0; i < 500; i++) {
		long tid;

		child_tid = 1;
		tid = raw_clone(THREAD_FLAGS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID, stacks[i % 16],
				(int *)&parent_tid, (int *)&child_tid, 0, one_call, (void *)1L);
		EXPECT(parent_tid, tid);
		while (child_tid)
			raw(SYS_futex, &child_tid, FUTEX_WAIT, 1, 0, 0, 0);
	}
	EXPECT(shared, 500);
	no_children();
}

static unsigned long tls_block[64];

static int read_tls(void *arg)
{
	unsigned long value;

	(void)arg;
	__asm__ volatile("mov %%fs:16, %0" : "=r"(value));
	return value == 0x7777 ? 3 : 4;
}

CASE(tls)
{
	tls_block[2] = 0x7777;
	EXPECT(wait_for((pid_t)raw_clone(CLONE_VM | CLONE_SETTLS | SIGCHLD, new_stack(PAGE), NULL, NULL,
					 (unsigned long)tls_block, read_tls, NULL)), 3);
}

static int open_null(void *arg)
{
	(void)arg;
	return raw(SYS_dup2, 1, 77) == 77 ? 1 : 2;
}

CASE(files)
{
	EXPECT(wait_for((pid_t)raw_clone(CLONE_FILES | SIGCHLD, new_stack(PAGE), NULL, NULL, 0, open_null,
					 NULL)), 1);
	EXPECT(close(77), 0);
	EXPECT(wait_for((pid_t)raw_clone(SIGCHLD, new_stack(PAGE), NULL, NULL, 0, open_null, NULL)), 1);
	EXPECT(close(77), -1);
}

static int make_sibling(void *arg)
{
	long pid = raw_clone(CLONE_PARENT | SIGCHLD, new_stack(PAGE), NULL, NULL, 0, set_shared, arg);

	return pid > 0 && raw(SYS_wait4, -1, 0, 0, 0) == -ECHILD ? 5 : 6;
}

/* CLONE_PARENT: the grandchild is our child. */
CASE(sibling)
{
	int sum;

	raw_clone(SIGCHLD, new_stack(PAGE), NULL, NULL, 0, make_sibling, NULL);
	sum = wait_for(-1);
	sum += wait_for(-1);
	EXPECT(sum, 22);
	no_children();
}

CASE(clear_sighand)
{
	struct clone_args args = { .flags = 0x100000000ULL /* CLONE_CLEAR_SIGHAND */, .exit_signal = SIGCHLD };
	struct sigaction sa;
	long pid;

	signal(SIGUSR1, guest_on_tick);
	signal(SIGUSR2, SIG_IGN);
	pid = raw(SYS_clone3, &args, sizeof(args));
	if (pid == 0) {
		sigaction(SIGUSR1, NULL, &sa);
		CHECK(sa.sa_handler == SIG_DFL);
		sigaction(SIGUSR2, NULL, &sa);
		CHECK(sa.sa_handler == SIG_IGN);
		EXPECT(raw(SYS_close, -1), -EBADF);
		_exit(guest_failures ? 1 : 0);
	}
	EXPECT(wait_for((pid_t)pid), 0);
}

CASE(clone3)
{
	int pidfd = -1, i;

	for (i = 0; i < 20; i++) {
		char *stack = new_stack(PAGE);
		struct clone_args args = {
			.flags = CLONE_VM | CLONE_PIDFD | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID,
			.pidfd = (unsigned long)&pidfd,
			.parent_tid = (unsigned long)&parent_tid,
			.child_tid = (unsigned long)&child_tid,
			.exit_signal = SIGCHLD,
			.stack = (unsigned long)stack - PAGE,
			.stack_size = PAGE,
		};
		siginfo_t info;
		long pid = raw_clone3(&args, sizeof(args), check_tids, NULL);

		EXPECT(parent_tid, pid);
		EXPECT(raw(SYS_waitid, 3 /* P_PIDFD */, pidfd, &info, WEXITED, 0), 0);
		EXPECT(info.si_status, 3);
		EXPECT(info.si_pid, pid);
		EXPECT(close(pidfd), 0);
	}
	/* fork-like, and with the oldest size */
	{
		struct clone_args args = { .exit_signal = SIGCHLD };
		long pid = raw(SYS_clone3, &args, 64 /* CLONE_ARGS_SIZE_VER0 */);

		if (pid == 0)
			raw(SYS_exit_group, 23);
		EXPECT(wait_for((pid_t)pid), 23);
	}
}

CASE(clone3_set_tid)
{
	int tid = 1, code;
	pid_t pid;

	/* not the root of a namespace where we may choose: EPERM or EINVAL natively, too */
	struct clone_args args = { .exit_signal = SIGCHLD, .set_tid = (unsigned long)&tid, .set_tid_size = 40 };

	say("too many levels: %ld", raw(SYS_clone3, &args, sizeof(args)));
	args.set_tid_size = 1;
	say("taken: %ld", raw(SYS_clone3, &args, sizeof(args)));
	/* in a new pid namespace the first process may be given 1, nothing else */
	pid = fork();
	if (pid == 0) {
		long child;

		if (raw(SYS_unshare, CLONE_NEWUSER | CLONE_NEWPID))
			_exit(9);
		tid = 7;
		say("first as 7: %ld", raw(SYS_clone3, &args, sizeof(args)));
		tid = 1;
		child = raw(SYS_clone3, &args, sizeof(args));
		if (child == 0) {
			tid = 500;
			child = raw(SYS_clone3, &args, sizeof(args));
			if (child == 0)
				raw(SYS_exit_group, raw(SYS_getpid) == 500 ? 4 : 5);
			EXPECT(child, 500);
			raw(SYS_exit_group, wait_for((pid_t)child));
		}
		_exit(wait_for((pid_t)child));
	}
	code = wait_for(pid);
	say("-> %d", code);
}

CASE(errors)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	struct {
		struct clone_args args;
		char more[64];
	} large = { .args = { .exit_signal = SIGCHLD } };
	struct clone_args *edge = guarded(sizeof(*edge));
	struct {
		struct clone_args args;
		uint64_t more;
	} *short_of_one = guarded(sizeof(*short_of_one));
	long pid;

	EXPECT(raw(SYS_clone3, &args, 63), -EINVAL);
	EXPECT(raw(SYS_clone3, &args, 0), -EINVAL);
	EXPECT(raw(SYS_clone3, &args, 4097), -E2BIG);
	EXPECT(raw(SYS_clone3, 0, sizeof(args)), -EFAULT);
	EXPECT(raw(SYS_clone3, 16, sizeof(args)), -EFAULT);
	*edge = args;
	EXPECT(raw(SYS_clone3, edge, sizeof(args) + 8), -EFAULT);
	short_of_one->args = args;
	short_of_one->more = 0;
	EXPECT(raw(SYS_clone3, short_of_one, sizeof(*short_of_one) + 8), -EFAULT);
	short_of_one->more = 1ull << 63;
	EXPECT(raw(SYS_clone3, short_of_one, sizeof(*short_of_one) + 8), -E2BIG);
	pid = raw(SYS_clone3, edge, sizeof(args));
	if (pid == 0)
		raw(SYS_exit_group, 3);
	EXPECT(wait_for((pid_t)pid), 3);
	large.more[60] = 1;
	EXPECT(raw(SYS_clone3, &large, sizeof(large)), -E2BIG);
	large.more[60] = 0;
	pid = raw(SYS_clone3, &large, sizeof(large));
	if (pid == 0)
		raw(SYS_exit_group, 4);
	EXPECT(wait_for((pid_t)pid), 4);
	args.flags = 1ULL << 63;
	EXPECT(raw(SYS_clone3, &args, sizeof(args)), -EINVAL);
	args.flags = CLONE_THREAD;
	EXPECT(raw(SYS_clone3, &args, sizeof(args)), -EINVAL);
	args.flags = CLONE_SIGHAND;
	EXPECT(raw(SYS_clone3, &args, sizeof(args)), -EINVAL);
	args.flags = 0;
	args.exit_signal = 65;
	EXPECT(raw(SYS_clone3, &args, sizeof(args)), -EINVAL);
	args.exit_signal = SIGCHLD;
	args.stack_size = PAGE;
	EXPECT(raw(SYS_clone3, &args, sizeof(args)), -EINVAL);
	EXPECT(raw(SYS_clone, CLONE_THREAD | SIGCHLD, 0, 0, 0, 0), -EINVAL);
	EXPECT(raw(SYS_clone, CLONE_SIGHAND | SIGCHLD, 0, 0, 0, 0), -EINVAL);
	EXPECT(raw(SYS_clone, CLONE_FS | CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0), -EINVAL);
	EXPECT(raw(SYS_clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, 0, 0, 0, 0), -EINVAL);
	no_children();
	EXPECT(raw(SYS_close, -1), -EBADF);
}

static void at_limit(void)
{
	struct rlimit_ {
		unsigned long cur, max;
	} lim = { 0, 0 };

	if (getuid() == 0)
		NEED(setresuid(65532, 65532, 65532) == 0);
	NEED(raw(SYS_prlimit64, 0, 6 /* RLIMIT_NPROC */, &lim, 0) == 0);
	EXPECT(raw(SYS_fork), -EAGAIN);
	EXPECT(raw(SYS_vfork), -EAGAIN);
	EXPECT(raw_clone(THREAD_FLAGS, new_stack(PAGE), NULL, NULL, 0, set_shared, NULL), -EAGAIN);
	no_children();
	EXPECT(raw(SYS_close, -1), -EBADF);
}

/* No more processes allowed: EAGAIN, and nothing changed. */
CASE(process_limit)
{
	EXPECT(in_child(at_limit), 0);
}

CASE(set_tid_address)
{
	static int word;

	EXPECT(raw(SYS_set_tid_address, &word), raw(SYS_gettid));
	EXPECT(raw(SYS_set_tid_address, 16), raw(SYS_gettid));
	EXPECT(raw(SYS_set_tid_address, 0), raw(SYS_gettid));
}

HELPER(nothing)
{
}

static int *tid_word; /* in memory that an execve does not take away from others */
static bool sets_word;

static int execute_self(void *arg)
{
	static char *argv[] = { "zero", "nothing", NULL }, *envp[] = { NULL };

	if (sets_word)
		raw(SYS_set_tid_address, tid_word);
	raw(SYS_execve, "/nonexistent", argv, envp);
	raw(SYS_execve, arg, argv, envp);
	return 9;
}

/* What stands in the word after the execve of a child. */
static int word_after_execve(unsigned long flags, bool sets)
{
	struct timespec limit = { .tv_sec = 10 };
	long pid;

	sets_word = sets;
	*tid_word = 7;
	pid = raw_clone(flags | (sets ? 0 : CLONE_CHILD_CLEARTID) | SIGCHLD, new_stack(65536), NULL, tid_word, 0,
			execute_self, (void *)self_path());
	if (flags == CLONE_VM && raw(SYS_futex, tid_word, FUTEX_WAIT, 7, &limit, 0, 0) == -ETIMEDOUT)
		say("nobody has woken the waiter");
	EXPECT(wait_for((pid_t)pid), 0);
	return *tid_word;
}

static int sleep_long(void *arg)
{
	struct timespec limit = { .tv_sec = 60 };

	(void)arg;
	raw(SYS_nanosleep, &limit, 0);
	return 0;
}

static long sharer;

static void execute_with_sharer(void)
{
	sharer = tid_word[1] = (int)raw_clone(CLONE_VM | SIGCHLD, new_stack(PAGE), NULL, NULL, 0, sleep_long, NULL);
	if (sets_word) {
		raw(SYS_kill, sharer, SIGKILL);
		wait_for((pid_t)sharer);
	}
	raw(SYS_set_tid_address, tid_word);
	execl(self_path(), "zero", "nothing", NULL);
}

/* execve clears the word of set_tid_address, and wakes who waits for it, if another process has the memory. */
CASE(tid_word_at_execve)
{
	tid_word = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	NEED(tid_word != MAP_FAILED);
	for (int sets = 0; sets < 2; sets++) {
		say("shared %d", word_after_execve(CLONE_VM, sets));
		say("shared with handlers %d", word_after_execve(CLONE_VM | CLONE_SIGHAND | CLONE_FILES, sets));
		say("vfork %d", word_after_execve(CLONE_VM | CLONE_VFORK, sets));
		say("fork %d", word_after_execve(0, sets));
	}
	for (int killed = 0; killed < 2; killed++) {
		sets_word = killed;
		*tid_word = 7;
		EXPECT(in_child(execute_with_sharer), 0);
		say("%s %d", killed ? "after one that shared" : "creator", *tid_word);
		if (!killed)
			raw(SYS_kill, tid_word[1], SIGKILL);
	}
}

/* clone with CLONE_VM but own file table, stack with one page, and a signal handler that it shares. */
static int raise_usr1(void *arg)
{
	(void)arg;
	raw(SYS_tgkill, raw(SYS_getpid), raw(SYS_gettid), SIGUSR1);
	return 8;
}

static void on_usr1(int sig)
{
	(void)sig;
	shared++;
}

CASE(shared_handlers)
{
	shared = 0;
	signal(SIGUSR1, on_usr1);
	EXPECT(wait_for((pid_t)raw_clone(CLONE_VM | CLONE_SIGHAND | SIGCHLD, new_stack(65536), NULL, NULL, 0,
					 raise_usr1, NULL)), 8);
	EXPECT(shared, 1);
	EXPECT(wait_for((pid_t)raw_clone(CLONE_VM | SIGCHLD, new_stack(65536), NULL, NULL, 0, raise_usr1,
					 NULL)), 8);
	EXPECT(shared, 2);
}
