/* Seccomp filters that judge by the address of the call. */
#include "filtering.h"
#include <pthread.h>
#include <sched.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <time.h>

CASE(denied)
{
	map_trusted();
	judge(SYS_getppid, SECCOMP_RET_ERRNO | 7, 0);
	expect_errno(7);
}

static volatile int traps;
static siginfo_t trap;
static unsigned long trap_ip;

static void on_trap(int sig, siginfo_t *info, void *context)
{
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;

	EXPECT(sig, SIGSYS);
	traps++;
	trap = *info;
	trap_ip = (unsigned long)regs[REG_RIP];
	regs[REG_RAX] = trusted(regs[REG_RAX], regs[REG_RDI], regs[REG_RSI], regs[REG_RDX], regs[REG_R10],
				regs[REG_R8], regs[REG_R9]);
}

CASE(trapped)
{
	char byte = 0;
	int ends[2];

	map_trusted();
	NEED(pipe(ends) == 0);
	NEED(write(ends[1], "abc", 3) == 3);
	set_handler(SIGSYS, on_trap, SA_NODEFER);
	judge(SYS_read, SECCOMP_RET_TRAP | 42, 0);
	for (int i = 0; i < 3; i++) {
		EXPECT(raw(SYS_read, ends[0], &byte, 1), 1);
		EXPECT(byte, 'a' + i);
		EXPECT(traps, i + 1);
		EXPECT(trap.si_errno, 42);
		EXPECT(trap.si_syscall, SYS_read);
		EXPECT(trap.si_call_addr, trap_ip);
		EXPECT(memcmp((const char *)trap_ip - 2, "\x0f\x05", 2), 0);
	}
	NEED(write(ends[1], "d", 1) == 1);
	EXPECT(trusted(SYS_read, ends[0], &byte, 1), 1);
	EXPECT(traps, 3);
}

static unsigned action;

static void die(void)
{
	judge(SYS_getppid, action, 0);
	CHECK(trusted(SYS_getppid) > 0);
	say("alive");
	raw(SYS_getppid);
	say("still alive");
}

CASE(killed)
{
	static const unsigned actions[] = { SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_LOG,
					    SECCOMP_RET_TRACE | 5, 0x12340000 };

	map_trusted();
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		action = actions[i];
		say("%#x: %d", action, in_child(die));
	}
}

static void several(void)
{
	judge(SYS_getppid, SECCOMP_RET_ERRNO | 3, 0);
	expect_errno(3);
	judge(SYS_getppid, SECCOMP_RET_ERRNO | 4, 0); /* of two that are alike the newest counts */
	expect_errno(4);
	judge_all(SYS_getpgrp, SECCOMP_RET_ERRNO | 5, 0);
	judge(SYS_getpgrp, SECCOMP_RET_LOG, 0);
	expect_errno(4);
	EXPECT(raw(SYS_getpgrp), -5);
	EXPECT(trusted(SYS_getpgrp), -5);
	judge(SYS_getpgrp, SECCOMP_RET_ERRNO | 6, 0);
	EXPECT(raw(SYS_getpgrp), -6);
	EXPECT(trusted(SYS_getpgrp), -5);
	judge_all(SYS_getppid, SECCOMP_RET_ERRNO | 8, 0);
	EXPECT(raw(SYS_getppid), -8);
	EXPECT(trusted(SYS_getppid), -8);
	set_handler(SIGSYS, on_trap, SA_NODEFER);
	judge(SYS_getppid, SECCOMP_RET_TRAP, 0);
	EXPECT(raw(SYS_getppid), -8);
	EXPECT(traps, 1);
}

CASE(together)
{
	map_trusted();
	EXPECT(in_child(several), 0);
	CHECK(raw(SYS_getppid) > 0);
}

/* A filter that computes: whether the page of the address, rotated, is that of the trusted page. */
CASE(computing)
{
	struct sock_filter code[] = {
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 1, 0),
		RETURN(SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, sizeof(struct seccomp_data), 1, 0),
		RETURN(SECCOMP_RET_ERRNO | 2),
		LOAD_HIGH(instruction_pointer),
		BPF_STMT(BPF_ST, 3),
		LOAD(instruction_pointer),
		BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 12),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_STX, 4),
		BPF_STMT(BPF_LD | BPF_IMM, 3),
		BPF_STMT(BPF_ALU | BPF_MUL | BPF_X, 0),
		BPF_STMT(BPF_LDX | BPF_MEM, 4),
		BPF_STMT(BPF_ALU | BPF_SUB | BPF_X, 0),
		BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 2),
		BPF_STMT(BPF_ALU | BPF_XOR | BPF_K, TRUSTED >> 12),
		BPF_STMT(BPF_LDX | BPF_MEM, 3),
		BPF_STMT(BPF_ALU | BPF_OR | BPF_X, 0),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0xffffffff, 1, 0),
		RETURN(SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_ALU | BPF_NEG, 0),
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 1),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0),
		BPF_STMT(BPF_LDX | BPF_IMM, 31),
		BPF_STMT(BPF_ALU | BPF_LSH | BPF_X, 0),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_X, 0, 0, 1),
		RETURN(SECCOMP_RET_ERRNO | 1),
		BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0),
		RETURN(SECCOMP_RET_ERRNO | 3),
		RETURN(SECCOMP_RET_ERRNO | 9),
	};

	map_trusted();
	EXPECT(install(code, ARRAY_SIZE(code), 0), 0);
	expect_errno(9);
}

static void *call_in_thread(void *argument)
{
	expect_errno(7);
	return argument;
}

HELPER(executed)
{
	EXPECT(raw(SYS_getppid), -7);
	map_trusted();
	expect_errno(7);
	no_children();
	if (guest_argc > 1)
		trusted(SYS_execve, self_path(), (char *[]){ "zero", "executed", NULL }, environ);
}

static void execute(void)
{
	expect_errno(7);
	execl(self_path(), "zero", "executed", "again", NULL);
	_exit(3);
}

CASE(children)
{
	pthread_t thread;
	pid_t pid;

	map_trusted();
	judge(SYS_getppid, SECCOMP_RET_ERRNO | 7, 0);
	judge(SYS_getpgrp, SECCOMP_RET_ERRNO | 8, 0);
	for (int i = 0; i < 3; i++) {
		EXPECT(in_child(execute), 0);
		NEED(pthread_create(&thread, NULL, call_in_thread, NULL) == 0);
		NEED(pthread_join(thread, NULL) == 0);
		pid = vfork();
		if (pid == 0) {
			execl(self_path(), "zero", "executed", NULL);
			_exit(3);
		}
		EXPECT(wait_for(pid), 0);
	}
	no_children();
	EXPECT(raw(SYS_getpgrp), -8);
	expect_errno(7);
}

static volatile int ticks;

static void on_tick(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info, (void)context;
	ticks++;
	CHECK(trusted(SYS_getppid) > 0);
	EXPECT(raw(SYS_getppid), -7);
}

/* Calls that wait, with and without a verdict of their own, while signals come. */
CASE(interrupted)
{
	struct itimerval often = { { 0, 2000 }, { 0, 2000 } };
	struct timespec delay = { 0, 50000000 };
	char byte;
	int ends[2];
	long r;

	map_trusted();
	NEED(pipe(ends) == 0);
	judge(SYS_getppid, SECCOMP_RET_ERRNO | 7, 0);
	judge(SYS_read, SECCOMP_RET_LOG, 0);
	set_handler(SIGALRM, on_tick, 0);
	NEED(setitimer(ITIMER_REAL, &often, NULL) == 0);
	for (int i = 0; i < 50; i++) {
		r = i % 2 ? trusted(SYS_read, ends[0], &byte, 1) : raw(SYS_read, ends[0], &byte, 1);
		EXPECT(r, -EINTR);
	}
	set_handler(SIGALRM, on_tick, SA_RESTART);
	for (int i = 0; i < 6; i++) {
		pid_t pid = fork();

		NEED(pid >= 0);
		if (pid == 0) {
			NEED(setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL) == 0);
			nanosleep(&delay, NULL);
			raw(SYS_write, ends[1], "x", 1);
			_exit(0);
		}
		r = i % 2 ? trusted(SYS_read, ends[0], &byte, 1) : raw(SYS_read, ends[0], &byte, 1);
		EXPECT(r, 1);
		EXPECT(wait_for(pid), 0);
	}
	CHECK(ticks > 50);
	/* A sleep that a stop interrupts is gone on with by another call. */
	NEED(setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL) == 0);
	NEED(raw(SYS_nanosleep, &delay, NULL) == 0);
	NEED(trusted(SYS_nanosleep, &delay, NULL) == 0);
}

struct kernel_sigaction {
	void (*handler)(int);
	unsigned long flags;
	const void *restorer;
	unsigned long mask;
};

static volatile int handled;

static void on_signal(int sig)
{
	(void)sig;
	handled++;
}

static void set_restorer(const char *restorer)
{
	struct kernel_sigaction act = { on_signal, 0x04000000 /* SA_RESTORER */, restorer, 0 };

	EXPECT(raw(SYS_rt_sigaction, SIGUSR1, &act, NULL, 8), 0);
}

static void return_elsewhere(void)
{
	char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memcpy(page, page_call, (size_t)(page_end - page_call));
	NEED(mprotect(page, PAGE, PROT_READ | PROT_EXEC) == 0);
	judge(SYS_rt_sigreturn, SECCOMP_RET_KILL_PROCESS, 0);
	set_restorer((const char *)TRUSTED + (page_restorer - page_call));
	raise(SIGUSR1);
	EXPECT(handled, 1);
	say("returned");
	set_restorer(page + (page_restorer - page_call));
	raise(SIGUSR1);
	say("returned again");
}

CASE(sigreturn)
{
	map_trusted();
	say("%d", in_child(return_elsewhere));
}

static void exit_elsewhere(void)
{
	judge(SYS_exit_group, SECCOMP_RET_ERRNO | 11, 0);
	judge(SYS_exit, SECCOMP_RET_ERRNO | 12, 0);
	EXPECT(raw(SYS_exit_group, 1), -11);
	EXPECT(raw(SYS_exit, 1), -12);
	trusted(action, guest_failures ? 1 : 6);
}

CASE(exits)
{
	map_trusted();
	action = SYS_exit_group;
	EXPECT(in_child(exit_elsewhere), 6);
	action = SYS_exit;
	EXPECT(in_child(exit_elsewhere), 6);
}

static void be_traced(void)
{
	NEED(ptrace(PTRACE_TRACEME, 0, 0, 0) == 0);
	raise(SIGSTOP);
	judge(SYS_getpgrp, SECCOMP_RET_TRACE | 9, 0);
	for (int i = 0; i < 3; i++) {
		CHECK(trusted(SYS_getpgrp) > 0);
		EXPECT(raw(SYS_getpgrp), 4711);
	}
}

/* A tracer is asked about some of the calls only. */
CASE(traced)
{
	int status, events = 0;
	pid_t pid;

	map_trusted();
	pid = fork();
	NEED(pid >= 0);
	if (pid == 0) {
		be_traced();
		_exit(guest_failures ? 1 : 0);
	}
	NEED(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
	NEED(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESECCOMP) == 0);
	for (;;) {
		struct user_regs_struct regs;
		unsigned long message = 0;

		NEED(ptrace(PTRACE_CONT, pid, 0, 0) == 0);
		NEED(waitpid(pid, &status, 0) == pid);
		if (!WIFSTOPPED(status))
			break;
		NEED(status >> 8 == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8));
		NEED(ptrace(PTRACE_GETEVENTMSG, pid, 0, &message) == 0);
		NEED(ptrace(PTRACE_GETREGS, pid, 0, &regs) == 0);
		CHECK(regs.rip - TRUSTED >= PAGE);
		say("event %d: call %lld, message %lu", ++events, regs.orig_rax, message);
		regs.rax = 4711;
		regs.orig_rax = ~0UL;
		NEED(ptrace(PTRACE_SETREGS, pid, 0, &regs) == 0);
	}
	say("%#x", status);
}

/* What a tracee executes has its filters. */
CASE(traced_execve)
{
	int status, stops = 0;
	pid_t pid;

	map_trusted();
	pid = fork();
	NEED(pid >= 0);
	if (pid == 0) {
		NEED(ptrace(PTRACE_TRACEME, 0, 0, 0) == 0);
		judge(SYS_getppid, SECCOMP_RET_ERRNO | 7, 0);
		execute();
	}
	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		say("stop %d: signal %d", ++stops, WSTOPSIG(status));
		NEED(ptrace(PTRACE_CONT, pid, 0, 0) == 0);
	}
	say("%#x", status);
}
