/* Seccomp filters: those that a program starts with, and those that judge calls of which k23 makes something else. */
#include "report.h"
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/user.h>
#include <time.h>

#define LOAD(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define RETURN(action) BPF_STMT(BPF_RET | BPF_K, action)

static void install(struct sock_filter *code, size_t length)
{
	struct sock_fprog prog = { (unsigned short)length, code };

	NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	/* The kernel does not look at the upper half. */
	NEED(raw(SYS_seccomp, 1ul << 32 | SECCOMP_SET_MODE_FILTER, 0, &prog) == 0);
}

/* As systemd's MemoryDenyWriteExecute= */
static void deny_executable(unsigned action)
{
	struct sock_filter code[] = {
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pkey_mprotect, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_shmat, 5, 7),
		LOAD(args[2]),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 6, 5),
		LOAD(args[2]),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, PROT_WRITE | PROT_EXEC),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PROT_WRITE | PROT_EXEC, 3, 2),
		LOAD(args[2]),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, SHM_EXEC, 1, 0),
		RETURN(SECCOMP_RET_ALLOW),
		RETURN(action),
	};

	install(code, ARRAY_SIZE(code));
}

/* Goes on as the command that follows. */
static void go_on(void)
{
	execv(guest_argv[1], guest_argv + 1);
	_exit(9);
}

HELPER(under_denial)
{
	deny_executable(SECCOMP_RET_ERRNO | EPERM);
	go_on();
}

HELPER(under_death)
{
	deny_executable(SECCOMP_RET_KILL_PROCESS);
	go_on();
}

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#endif

HELPER(under_mdwe)
{
	if (prctl(PR_SET_MDWE, 1, 0, 0, 0) != 0)
		guest_skip("no PR_SET_MDWE");
	go_on();
}

HELPER(executed)
{
	report_arguments();
	no_children();
	EXPECT(raw(SYS_getppid), getppid());
	if (guest_argc > 1)
		execl(self_path(), "zero", "executed", NULL);
}

static void execute(void)
{
	execl(self_path(), "zero", "executed", "again", NULL);
	_exit(3);
}

/* What runs under a filter or a setting that it has not made. */
CASE(inherited)
{
	struct timespec now;
	int i;

	say("filters: %ld", raw(SYS_prctl, PR_GET_SECCOMP));
	for (i = 0; i < 3; i++)
		say("-> %d", in_child(execute));
	EXPECT(clock_gettime(CLOCK_REALTIME, &now), 0);
	CHECK(now.tv_sec > 1000000000);
}

/* The action for one call, and any other call is allowed. */
static void judge(int nr, unsigned action)
{
	struct sock_filter code[] = {
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)nr, 0, 1),
		RETURN(action),
		RETURN(SECCOMP_RET_ALLOW),
	};

	install(code, ARRAY_SIZE(code));
}

static volatile int trapped, trapped_nr;

static void on_trap(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)context;
	trapped++;
	trapped_nr = info->si_syscall;
}

static int judged_nr;
static unsigned judged_action;

static void denied_exit(void)
{
	int i;

	judge(judged_nr, SECCOMP_RET_ERRNO | 99);
	for (i = 0; i < 3; i++)
		EXPECT(raw(judged_nr, 7), -99);
	EXPECT(raw(SYS_getppid), getppid());
	say("alive");
	raw(judged_nr == SYS_exit ? SYS_exit_group : SYS_exit, guest_failures ? 1 : 5);
}

static void trapped_exit(void)
{
	/* The lower half is the number, and the whole register is put back. */
	const long numbers[] = { judged_nr, judged_nr, judged_nr | ~0xffffffffL, judged_nr | (1L << 40) };
	int i;

	set_handler(SIGSYS, on_trap, 0);
	judge(judged_nr, SECCOMP_RET_TRAP);
	for (i = 0; i < (int)ARRAY_SIZE(numbers); i++) {
		EXPECT(raw(numbers[i], 7), numbers[i]);
		EXPECT(trapped, i + 1);
		EXPECT(trapped_nr, judged_nr);
	}
	raw(judged_nr == SYS_exit ? SYS_exit_group : SYS_exit, guest_failures ? 1 : 5);
}

static void killed_exit(void)
{
	judge(judged_nr, SECCOMP_RET_KILL_PROCESS);
	raw(judged_nr, 7);
}

static void logged_exit(void)
{
	judge(judged_nr, SECCOMP_RET_LOG);
	raw(judged_nr, 7);
}

CASE(exits)
{
	static const int calls[] = { SYS_exit, SYS_exit_group };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		judged_nr = calls[i];
		say("errno -> %d", in_child(denied_exit));
		say("trap -> %d", in_child(trapped_exit));
		say("kill -> %d", in_child(killed_exit));
		say("log -> %d", in_child(logged_exit));
	}
}

static volatile long thread_result;

static void *exiting_thread(void *argument)
{
	(void)argument;
	thread_result = raw(SYS_exit, 0);
	return NULL;
}

static void *quiet_thread(void *argument)
{
	return argument;
}

/* Threads come and go under a filter, more than have room at a time. */
STRESS(threads)
{
	pthread_t threads[8];
	size_t i, round;

	if (raw(SYS_prctl, PR_GET_SECCOMP) == 0)
		judge(SYS_getpgid, SECCOMP_RET_ERRNO | 99);
	for (round = 0; round < 10; round++) {
		for (i = 0; i < ARRAY_SIZE(threads); i++)
			NEED(pthread_create(&threads[i], NULL, quiet_thread, (void *)(i + 1)) == 0);
		for (i = 0; i < ARRAY_SIZE(threads); i++) {
			void *result;

			NEED(pthread_join(threads[i], &result) == 0);
			CHECK(result == (void *)(i + 1));
		}
	}
	EXPECT(raw(SYS_getpgid, 0), -99);
}

static void thread_stays(void)
{
	pthread_t thread;

	judge(SYS_exit, SECCOMP_RET_ERRNO | 99);
	NEED(pthread_create(&thread, NULL, exiting_thread, NULL) == 0);
	while (!thread_result)
		usleep(1000);
	EXPECT(thread_result, -99);
	_exit(guest_failures ? 1 : 5);
}

static void thread_dies(void)
{
	pthread_t thread;

	judge(SYS_exit, SECCOMP_RET_KILL_THREAD);
	NEED(pthread_create(&thread, NULL, exiting_thread, NULL) == 0);
	pthread_join(thread, NULL);
	_exit(thread_result ? 1 : 5);
}

CASE(thread_exits)
{
	say("errno -> %d", in_child(thread_stays));
	say("kill -> %d", in_child(thread_dies));
}

struct task_arguments {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
};

/* None of the tasks comes to be. */
static void create_nothing(void)
{
	static const unsigned flags[] = { 0, CLONE_VM, CLONE_VFORK, CLONE_VM | CLONE_VFORK };
	static char stack[4096], *top = stack + sizeof(stack);
	size_t i;

	set_handler(SIGSYS, on_trap, 0);
	judge(judged_nr, judged_action);
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		struct task_arguments args = { .flags = flags[i], .exit_signal = SIGCHLD };

		if (judged_nr == SYS_clone3)
			say("clone3 %#x: %ld", flags[i], raw(SYS_clone3, &args, sizeof(args)));
		else
			say("clone %#x: %ld", flags[i],
			    raw(SYS_clone, flags[i] | SIGCHLD, flags[i] == CLONE_VM ? top : NULL, 0, 0, 0));
	}
	EXPECT(raw(SYS_getppid), getppid());
	say("trapped %d", trapped);
}

CASE(creations)
{
	static const unsigned actions[] = { SECCOMP_RET_ERRNO | 99, SECCOMP_RET_TRAP, SECCOMP_RET_KILL_PROCESS };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(actions); i++) {
		judged_action = actions[i];
		judged_nr = SYS_clone;
		say("-> %d", in_child(create_nothing));
		judged_nr = SYS_clone3;
		say("-> %d", in_child(create_nothing));
	}
}

/* A task is denied for an argument that the call does not have. */
static void argue(void)
{
	struct sock_filter code[] = {
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fork, 0, 3),
		LOAD(args[0]),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 4711, 0, 5),
		RETURN(SECCOMP_RET_ERRNO | 98),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3),
		LOAD(args[5]),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 4712, 0, 1),
		RETURN(SECCOMP_RET_ERRNO | 99),
		RETURN(SECCOMP_RET_ALLOW),
	};
	long pid;

	install(code, ARRAY_SIZE(code));
	EXPECT(raw(SYS_fork, 4711), -98);
	EXPECT(raw(SYS_clone, SIGCHLD, 0, 0, 0, 0, 4712), -99);
	EXPECT(raw(SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0, 0, 4712), -99);
	pid = raw(SYS_fork, 4712);
	if (pid == 0)
		raw(SYS_exit, 0);
	CHECK(pid > 0);
	_exit(guest_failures ? 1 : 5);
}

CASE(arguments)
{
	say("-> %d", in_child(argue));
}

#ifndef ARCH_SHSTK_ENABLE
#define ARCH_SHSTK_ENABLE 0x5001
#endif
#ifndef PR_SET_SHADOW_STACK_STATUS
#define PR_SET_SHADOW_STACK_STATUS 75
#endif
#define NOWHERE 8

static struct sigaction ignored, found;
static const struct timespec no_time;
static const long no_mask[2] = { NOWHERE, 8 };

/* What the kernel refuses, and what programs cannot have under k23. */
static const struct refused {
	int nr;
	long args[6];
} refused[] = {
	{ SYS_rt_sigaction, { SIGUSR1, (long)&ignored, 0, 7 } },
	{ SYS_rt_sigaction, { SIGUSR1, NOWHERE, 0, 8 } },
	{ SYS_rt_sigaction, { SIGKILL, (long)&ignored, 0, 8 } },
	{ SYS_rt_sigaction, { 99, (long)&ignored, 0, 8 } },
	{ SYS_rt_sigaction, { 99, 0, (long)&found, 8 } },
	{ SYS_rt_sigaction, { SIGUSR1, 0, NOWHERE, 8 } },
	{ SYS_rt_sigaction, { SIGSYS, 0, NOWHERE, 8 } },
	{ SYS_rt_sigprocmask, { SIG_BLOCK, 0, 0, 4 } },
	{ SYS_rt_sigprocmask, { SIG_BLOCK, NOWHERE, 0, 8 } },
	{ SYS_rt_sigprocmask, { 99, (long)&no_time, 0, 8 } },
	{ SYS_rt_sigpending, { (long)&found, 9 } },
	{ SYS_rt_sigpending, { NOWHERE, 8 } },
	{ SYS_rt_sigsuspend, { 0, 8 } },
	{ SYS_rt_sigsuspend, { 0, 9 } },
	{ SYS_rt_sigsuspend, { NOWHERE, 8 } },
	{ SYS_pselect6, { 0, 0, 0, 0, (long)&no_time, (long)&no_mask } },
	{ SYS_pselect6, { 0, 0, 0, 0, (long)&no_time, NOWHERE } },
	{ SYS_sigaltstack, { NOWHERE, 0 } },
	{ SYS_prctl, { PR_SET_SHADOW_STACK_STATUS, 1, 0, 0, 0 } },
	{ SYS_clone3, { 0, 64 } },
	{ SYS_clone3, { NOWHERE, 88 } },
	{ SYS_clone3, { NOWHERE, 8 } },
	{ SYS_clone3, { (long)&no_mask, 5000 } },
	{ SYS_waitid, { P_ALL, 0, NOWHERE, WEXITED, 0 } },
	{ SYS_arch_prctl, { ARCH_SHSTK_ENABLE, 1 } },
}, *refused_call;

static void make_refused(void)
{
	const long *args = refused_call->args;
	long r;

	if (judged_action != SECCOMP_RET_KILL_PROCESS)
		set_handler(SIGSYS, on_trap, 0);
	judge(refused_call->nr, judged_action);
	r = raw6(refused_call->nr, args[0], args[1], args[2], args[3], args[4], args[5]);
	say("%d: %ld, trapped %d", refused_call->nr, r, trapped);
}

CASE(refused)
{
	static const unsigned actions[] = { SECCOMP_RET_ERRNO | 99, SECCOMP_RET_TRAP, SECCOMP_RET_KILL_PROCESS,
					    SECCOMP_RET_LOG };
	size_t i, k;

	ignored.sa_handler = SIG_IGN;
	for (i = 0; i < ARRAY_SIZE(refused); i++)
		for (k = 0; k < ARRAY_SIZE(actions); k++) {
			/* some machines have shadow stacks */
			if (refused[i].nr == SYS_arch_prctl && actions[k] == SECCOMP_RET_LOG)
				continue;
			refused_call = &refused[i];
			judged_action = actions[k];
			say("-> %d", in_child(make_refused));
		}
}

static void ask_actions(void)
{
	struct sigaction before;

	memset(&found, 0x5a, sizeof(found));
	before = found;
	set_handler(SIGSYS, on_trap, 0);
	judge(SYS_rt_sigaction, SECCOMP_RET_TRAP);
	EXPECT(raw(SYS_rt_sigaction, SIGSYS, 0, &found, 8), SYS_rt_sigaction);
	EXPECT(raw(SYS_rt_sigaction, SIGUSR1, 0, &found, 8), SYS_rt_sigaction);
	EXPECT(raw(SYS_rt_sigaction, SIGUSR1, &ignored, &found, 8), SYS_rt_sigaction);
	CHECK(memcmp(&found, &before, sizeof(found)) == 0);
	EXPECT(trapped, 3);
	_exit(guest_failures ? 1 : 5);
}

/* A call that is trapped leaves its number as the result, and writes nothing. */
CASE(trapped_sigaction)
{
	say("-> %d", in_child(ask_actions));
}

/* What a filter makes of a call without making it: success. */
static void pretend(void)
{
	struct sigaction before;
	stack_t stack = { .ss_sp = guest_argv, .ss_size = 1 << 20 }, stack_before;
	sigset_t set, set_before;
	int status = 0x5a5a5a5a;

	memset(&found, 0x5a, sizeof(found));
	memset(&set, 0x5a, sizeof(set));
	memset(&stack_before, 0x5a, sizeof(stack_before));
	before = found;
	set_before = set;
	judge(SYS_rt_sigaction, SECCOMP_RET_ERRNO);
	judge(SYS_rt_sigprocmask, SECCOMP_RET_ERRNO);
	judge(SYS_rt_sigpending, SECCOMP_RET_ERRNO);
	judge(SYS_sigaltstack, SECCOMP_RET_ERRNO);
	judge(SYS_wait4, SECCOMP_RET_ERRNO);
	EXPECT(raw(SYS_rt_sigaction, SIGUSR1, &ignored, &found, 8), 0);
	EXPECT(raw(SYS_rt_sigaction, SIGSYS, &ignored, &found, 8), 0);
	EXPECT(raw(SYS_rt_sigaction, SIGSYS, 0, &found, 8), 0);
	EXPECT(raw(SYS_rt_sigaction, SIGUSR1, &ignored, 0, 8), 0);
	EXPECT(raw(SYS_rt_sigprocmask, SIG_SETMASK, &set_before, &set, 8), 0);
	EXPECT(raw(SYS_rt_sigprocmask, SIG_SETMASK, &set_before, 0, 8), 0);
	EXPECT(raw(SYS_rt_sigpending, &set, 8), 0);
	EXPECT(raw(SYS_sigaltstack, &stack, &stack_before), 0);
	EXPECT(raw(SYS_sigaltstack, 0, &stack_before), 0);
	EXPECT(raw(SYS_wait4, -1, &status, 0, 0), 0);
	CHECK(memcmp(&found, &before, sizeof(found)) == 0 && memcmp(&set, &set_before, 8) == 0);
	CHECK(stack_before.ss_flags == 0x5a5a5a5a && status == 0x5a5a5a5a);
	if (!guest_failures)
		raise(SIGUSR1); /* neither ignored nor blocked */
	_exit(1);
}

CASE(pretended_success)
{
	ignored.sa_handler = SIG_IGN;
	say("-> %d", in_child(pretend));
}

static volatile int listener = -1;

/* Lets a call be made, after it has taken a signal and changed an action itself. */
static void *listen_here(void *handled)
{
	struct seccomp_notif call;
	struct seccomp_notif_resp answer = { .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE };

	while (listener < 0)
		sched_yield();
	memset(&call, 0, sizeof(call));
	CHECK(ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) == 0);
	raw(SYS_tgkill, getpid(), gettid(), SIGUSR1);
	set_handler(SIGUSR2, handled, 0);
	answer.id = call.id;
	CHECK(ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer) == 0);
	return NULL;
}

/* A filter whose listener is another thread of this process. */
static void judge_beside(int nr)
{
	struct sock_filter code[] = {
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
		RETURN(SECCOMP_RET_USER_NOTIF),
		RETURN(SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { ARRAY_SIZE(code), code };
	pthread_t thread;
	long pid;

	set_handler(SIGUSR1, on_trap, 0);
	CHECK(pthread_create(&thread, NULL, listen_here, on_trap) == 0);
	NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	listener = (int)raw(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &prog);
	CHECK(listener >= 0);
	if (nr == SYS_rt_sigaction) {
		EXPECT(raw(nr, SIGURG, &ignored, &found, 8), 0);
	} else {
		pid = raw(nr);
		if (pid == 0)
			raw(SYS_exit, 0);
		CHECK(pid > 0);
	}
	pthread_join(thread, NULL);
	EXPECT(trapped, 1);
	raw(SYS_exit_group, guest_failures ? 1 : 5);
}

static void fork_beside(void)
{
	judge_beside(SYS_fork);
}

static void act_beside(void)
{
	judge_beside(SYS_rt_sigaction);
}

CASE(listener_beside)
{
	ignored.sa_handler = SIG_IGN;
	say("fork: %d", in_child(fork_beside));
	say("rt_sigaction: %d", in_child(act_beside));
}

static void wait_denied(void)
{
	siginfo_t info, before;

	memset(&info, 0x5a, sizeof(info));
	before = info;
	judge(SYS_waitid, SECCOMP_RET_ERRNO | 99);
	EXPECT(raw(SYS_waitid, P_ALL, 0, &info, WEXITED, 0), -99);
	CHECK(memcmp(&info, &before, sizeof(info)) == 0);
	_exit(guest_failures ? 1 : 5);
}

CASE(denied_wait)
{
	say("-> %d", in_child(wait_denied));
}

/* What a handler's return leads to, with a filter's own result where there is one. */
static void return_from_handler(unsigned action)
{
	set_handler(SIGUSR1, on_trap, 0);
	judge(SYS_rt_sigreturn, action);
	trapped = 0;
	raise(SIGUSR1);
	EXPECT(trapped, 1);
	EXPECT(raw(SYS_getppid), getppid());
	_exit(guest_failures ? 1 : 5);
}

static void kill_return(void)
{
	return_from_handler(SECCOMP_RET_KILL_PROCESS);
}

static void log_return(void)
{
	return_from_handler(SECCOMP_RET_LOG);
}

static void deny_return(void)
{
	double vector = 1.5;

	judge(SYS_rt_sigreturn, SECCOMP_RET_ERRNO | 99);
	/* the filter comes before the frame, which is none */
	__asm__ volatile("movsd %0, %%xmm5" : : "m"(vector) : "xmm5");
	EXPECT(raw(SYS_rt_sigreturn), -99);
	__asm__ volatile("movsd %%xmm5, %0" : "=m"(vector));
	CHECK(vector == 1.5);
	EXPECT(raw(SYS_getppid), getppid());
	_exit(guest_failures ? 1 : 5);
}

static void trap_return(void)
{
	set_handler(SIGSYS, on_trap, SA_RESETHAND);
	judge(SYS_rt_sigreturn, SECCOMP_RET_TRAP);
	/* the return from the handler is trapped, too, and then nobody handles that */
	raw(SYS_rt_sigreturn);
	say("behind it");
}

/* The filter sees the program's registers, and lets one return pass. */
static void recognise_return(void)
{
	struct sock_filter code[] = {
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigreturn, 0, 3),
		LOAD(args[3]),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 4711, 0, 1),
		RETURN(SECCOMP_RET_ERRNO | 99),
		RETURN(SECCOMP_RET_ALLOW),
	};

	set_handler(SIGUSR1, on_trap, 0);
	install(code, ARRAY_SIZE(code));
	EXPECT(raw(SYS_rt_sigreturn, 1, 2, 3, 4711), -99);
	raise(SIGUSR1);
	EXPECT(trapped, 1);
	_exit(guest_failures ? 1 : 5);
}

CASE(sigreturn)
{
	say("kill -> %d", in_child(kill_return));
	say("log -> %d", in_child(log_return));
	say("errno -> %d", in_child(deny_return));
	say("trap -> %d", in_child(trap_return));
	say("registers -> %d", in_child(recognise_return));
}

static volatile long ticks_seen;

static void on_tick(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info, (void)context;
	ticks_seen++;
}

/* Many returns from handlers that a filter judges, with signals at every moment of them. */
STRESS(ticking)
{
	struct itimerval often = { { 0, 100 }, { 0, 100 } }, off = { { 0, 0 }, { 0, 0 } };
	volatile double sum = 0;
	long i;

	if (raw(SYS_prctl, PR_GET_SECCOMP) == 0)
		judge(SYS_getpgid, SECCOMP_RET_ERRNO | 99);
	set_handler(SIGUSR1, on_tick, 0);
	set_handler(SIGALRM, on_tick, SA_RESTART);
	NEED(setitimer(ITIMER_REAL, &often, NULL) == 0);
	for (i = 1; i <= 2000; i++) {
		sum = sum + 0.5;
		NEED(raw(SYS_kill, getpid(), SIGUSR1) == 0);
		EXPECT(raw(SYS_getpgid, 0), -99);
	}
	NEED(setitimer(ITIMER_REAL, &off, NULL) == 0);
	CHECK(sum == 1000);
	CHECK(ticks_seen >= 2000);
}

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif

static void judge_dispatch(void)
{
	struct sock_filter code[] = {
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 0, 3),
		LOAD(args[0]),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PR_SET_SYSCALL_USER_DISPATCH, 0, 1),
		RETURN(judged_action),
		RETURN(SECCOMP_RET_ALLOW),
	};

	install(code, ARRAY_SIZE(code));
}

static void ask_dispatch(void)
{
	static char selector;

	set_handler(SIGSYS, on_trap, 0);
	judge_dispatch();
	say("on: %ld", raw(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, 1, 0, 0, &selector));
	say("off: %ld", raw(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, 0, 0, 0, 0));
	say("no address: %ld", raw(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, 1, 0, 0, -1));
	say("wraps: %ld", raw(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, 1, 8, -1, &selector));
	say("off with arguments: %ld", raw(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, 0, 1, 1, 0));
	say("trapped %d", trapped);
	EXPECT(raw(SYS_getppid), getppid());
}

/* A filter that says that it is on does not switch it on. */
static void pretend_dispatch(void)
{
	static char selector = 1;

	judge_dispatch();
	NEED(raw(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, 1, 0, 0, &selector) == 0);
	EXPECT(raw(SYS_getppid), getppid());
}

/* The program's own dispatch, which works as without a filter. */
static void use_dispatch(void)
{
	static volatile char selector;

	set_handler(SIGSYS, on_trap, 0);
	judge_dispatch();
	NEED(raw(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, 1, 0, 0, &selector) == 0);
	EXPECT(raw(SYS_getppid), getppid());
	NEED(raw(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, 0, 0, 0, 0) == 0);
	_exit(guest_failures ? 1 : 5);
}

CASE(dispatch)
{
	static const unsigned actions[] = { SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO | EINVAL, SECCOMP_RET_TRAP,
					    SECCOMP_RET_KILL_PROCESS };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(actions); i++) {
		judged_action = actions[i];
		say("-> %d", in_child(ask_dispatch));
	}
	judged_action = SECCOMP_RET_ERRNO | 0;
	say("-> %d", in_child(pretend_dispatch));
	judged_action = SECCOMP_RET_LOG;
	say("-> %d", in_child(use_dispatch));
}

/* An execve that fails is judged before it fails. */
static void execute_nothing(void)
{
	static char *const none[] = { NULL };

	set_handler(SIGSYS, on_trap, 0);
	judge(judged_nr, judged_action);
	if (judged_nr == SYS_execve) {
		say("execve: %ld", raw(SYS_execve, "/no/such/file", none, none));
		say("execve: %ld", raw(SYS_execve, "/", none, none));
		say("execve: %ld", raw(SYS_execve, 8, none, none));
	} else {
		say("execveat: %ld", raw(SYS_execveat, -1, "nothing", none, none, 0));
		say("execveat: %ld", raw(SYS_execveat, -1, "", none, none, AT_EMPTY_PATH));
	}
	say("trapped %d", trapped);
}

CASE(failing_execve)
{
	static const unsigned actions[] = { SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO | 99, SECCOMP_RET_TRAP,
					    SECCOMP_RET_KILL_PROCESS };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(actions); i++) {
		judged_action = actions[i];
		judged_nr = SYS_execve;
		say("-> %d", in_child(execute_nothing));
		judged_nr = SYS_execveat;
		say("-> %d", in_child(execute_nothing));
	}
}

static void execute_judged(void)
{
	signal(SIGSYS, SIG_DFL);
	judge(judged_nr, judged_action);
	execute();
}

/* An execve where a filter is against what the helper does in the new image. */
CASE(judged_execve)
{
	static const int calls[] = { SYS_mmap, SYS_mprotect, SYS_shmat, SYS_process_vm_readv, SYS_ptrace };
	static const unsigned actions[] = { SECCOMP_RET_ERRNO | EPERM, SECCOMP_RET_TRAP, SECCOMP_RET_KILL_PROCESS };
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(calls); i++)
		for (k = 0; k < ARRAY_SIZE(actions); k++) {
			judged_nr = calls[i];
			judged_action = actions[k];
			say("%d %#x -> %d", judged_nr, judged_action, in_child(execute_judged));
		}
}

static size_t filter_length;

/* As long as a filter may be, and most of it decides nothing. What it kills for, the program does not do. */
static void install_long(void)
{
	static const int deadly[] = { SYS_process_vm_readv, SYS_process_vm_writev, SYS_rt_sigpending, SYS_getcpu,
				      SYS_madvise };
	static struct sock_filter code[BPF_MAXINSNS + 1];
	struct sock_fprog prog = { (unsigned short)filter_length, code };
	unsigned i = 0, k;

	code[i++] = (struct sock_filter)LOAD(nr);
	for (k = 0; k < ARRAY_SIZE(deadly); k++) {
		code[i++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)deadly[k], 0, 1);
		code[i++] = (struct sock_filter)RETURN(SECCOMP_RET_KILL_PROCESS);
	}
	for (k = 0; k < 200; k++) {
		code[i++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 5000 + k, 0, 1);
		code[i++] = (struct sock_filter)RETURN(SECCOMP_RET_ERRNO | (200 + k % 7));
	}
	while (i < filter_length - 2)
		code[i++] = (struct sock_filter)LOAD(nr);
	code[i++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JA, 0, 0, 0);
	code[i] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
	NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	say("%zu instructions: %ld", filter_length, raw(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog));
	for (k = 0; k < 200; k++)
		EXPECT(raw(5000 + k), filter_length <= BPF_MAXINSNS ? -(long)(200 + k % 7) : -ENOSYS);
	say("-> %d", in_child(execute));
	_exit(guest_failures ? 1 : 5);
}

CASE(long_filters)
{
	for (filter_length = BPF_MAXINSNS - 8; filter_length <= BPF_MAXINSNS + 1; filter_length++)
		say("-> %d", in_child(install_long));
}

/* A filter may begin with a test of the accumulator, which is 0 then. */
static void install_odd(void)
{
	struct sock_filter code[] = {
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
		RETURN(SECCOMP_RET_KILL_PROCESS),
		RETURN(SECCOMP_RET_ALLOW),
	};

	install(code, ARRAY_SIZE(code));
	EXPECT(raw(SYS_getppid), getppid());
}

CASE(accumulator)
{
	say("-> %d", in_child(install_odd));
}

static void traced_calls(void)
{
	struct sock_filter code[] = {
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpid, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_gettid, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
		RETURN(SECCOMP_RET_TRACE),
		RETURN(SECCOMP_RET_ALLOW),
	};

	NEED(ptrace(PTRACE_TRACEME, 0, 0, 0) == 0);
	raise(SIGSTOP);
	install(code, ARRAY_SIZE(code));
	EXPECT(raw(SYS_getpid), getppid());
	EXPECT(raw(SYS_gettid), 45000);
	EXPECT(raw(SYS_exit_group, 7), -ESRCH);
	raw(SYS_exit, guest_failures ? 1 : 5);
}

/* A tracer makes another call of one, and results for two that are not made. */
CASE(traced)
{
	int status, events = 0;
	pid_t pid = fork();

	NEED(pid >= 0);
	if (pid == 0)
		traced_calls();
	NEED(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
	NEED(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESECCOMP) == 0);
	for (;;) {
		struct user_regs_struct regs;

		NEED(ptrace(PTRACE_CONT, pid, 0, 0) == 0);
		NEED(waitpid(pid, &status, 0) == pid);
		if (!WIFSTOPPED(status))
			break;
		NEED(status >> 8 == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8));
		NEED(ptrace(PTRACE_GETREGS, pid, 0, &regs) == 0);
		say("event %d: call %lld", ++events, regs.orig_rax);
		regs.rax = regs.orig_rax == SYS_gettid ? 45000 : -ESRCH;
		regs.orig_rax = regs.orig_rax == SYS_getpid ? SYS_getppid : -1;
		NEED(ptrace(PTRACE_SETREGS, pid, 0, &regs) == 0);
	}
	say("%#x", status);
}
