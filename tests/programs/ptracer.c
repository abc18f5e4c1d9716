/* The program is a tracer of its own children. */
#include "tracing.h"
#include <asm/prctl.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <ucontext.h>

static volatile long variable = 0x1234;

static pid_t traced_child(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (raw(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0))
			_exit(90);
		raw(SYS_kill, raw(SYS_getpid), SIGSTOP);
		_exit(variable == 0x4321 ? 40 : 41);
	}
	EXPECT(raw(SYS_wait4, pid, &status, 0, 0), pid);
	show("first", status);
	return pid;
}

CASE(peek_and_poke)
{
	pid_t pid = traced_child();
	struct user_regs_struct regs;
	long word = 0;
	int status;

	EXPECT(raw(SYS_ptrace, PTRACE_PEEKDATA, pid, &variable, &word), 0);
	EXPECT(word, 0x1234);
	EXPECT(raw(SYS_ptrace, PTRACE_POKEDATA, pid, &variable, 0x4321), 0);
	EXPECT(raw(SYS_ptrace, PTRACE_GETREGS, pid, 0, &regs), 0);
	EXPECT(regs.cs, 0x33);
	EXPECT(raw(SYS_ptrace, PTRACE_CONT, pid, 0, 0), 0);
	EXPECT(raw(SYS_wait4, pid, &status, 0, 0), pid);
	show("end", status);
	no_children();
}

/* The tracee's Syscall User Dispatch, as the tracer reads and sets it: from Linux 6.4 on. */
CASE(dispatch_of_the_tracee)
{
	pid_t pid = traced_child();
	unsigned long config[4] = { 7, 7, 7, 7 };
	long r = raw(SYS_ptrace, 0x4211, pid, sizeof(config), config);
	int status;

	say("get %ld: %lu %lu %lu %lu", r, config[0], config[1], config[2], config[3]);
	memset(config, 0, sizeof(config));
	say("off %ld", raw(SYS_ptrace, 0x4210, pid, sizeof(config), config));
	config[0] = 5;
	say("wrong %ld", raw(SYS_ptrace, 0x4210, pid, sizeof(config), config));
	config[0] = 1;
	say("on %ld", raw(SYS_ptrace, 0x4210, pid, sizeof(config), config));
	r = raw(SYS_ptrace, 0x4211, pid, sizeof(config), config);
	say("get %ld: %lu %lu %lu %lu", r, config[0], config[1], config[2], config[3]);
	memset(config, 0, sizeof(config));
	say("off %ld", raw(SYS_ptrace, 0x4210, pid, sizeof(config), config));
	EXPECT(raw(SYS_ptrace, PTRACE_CONT, pid, 0, 0), 0);
	EXPECT(raw(SYS_wait4, pid, &status, 0, 0), pid);
	show("end", status);
	no_children();
}

CASE(signals_pass_through)
{
	pid_t pid = traced_child();
	int status;

	EXPECT(raw(SYS_ptrace, PTRACE_CONT, pid, 0, SIGTERM), 0);
	EXPECT(raw(SYS_wait4, pid, &status, 0, 0), pid);
	show("end", status);
}

/* A signal that comes while the tracer waits interrupts the wait, whatever the tracee does meanwhile. Both count. */
static volatile struct { int signals, waits; } *interrupted;

static void on_signal_in_wait(int sig)
{
	(void)sig;
	interrupted->signals++;
}

static void signal_waiting_tracer(int flags)
{
	pid_t parent = getppid();
	int i, moments;

	NEED(raw(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0) == 0);
	raise(SIGSTOP);
	for (i = 0; i < 300; i++) {
		while (state_of(parent) != 'S')
			;
		raw(SYS_kill, parent, SIGUSR1);
		for (moments = 0; interrupted->signals == i || (interrupted->waits == i && !flags); moments++) {
			if (moments > 1000)
				_exit(9);
			usleep(1000);
		}
	}
	_exit(0);
}

static void signals_in_wait(int flags, bool by_id)
{
	struct sigaction action = { .sa_handler = on_signal_in_wait, .sa_flags = flags };
	siginfo_t info;
	pid_t pid;
	long r;

	interrupted = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	NEED((void *)interrupted != MAP_FAILED);
	NEED(sigaction(SIGUSR1, &action, NULL) == 0);
	pid = fork();
	if (pid == 0)
		signal_waiting_tracer(flags);
	do {
		if (by_id) {
			r = raw(SYS_waitid, P_PID, pid, &info, WSTOPPED | WEXITED, NULL);
		} else {
			int status = 0;

			r = raw(SYS_wait4, pid, &status, 0, 0);
			info.si_code = WIFSTOPPED(status) ? CLD_TRAPPED : CLD_EXITED;
			info.si_status = WIFSTOPPED(status) ? WSTOPSIG(status) : WEXITSTATUS(status);
		}
		if (r == -EINTR)
			interrupted->waits++;
		else if (info.si_code == CLD_TRAPPED)
			EXPECT(raw(SYS_ptrace, PTRACE_CONT, pid, 0, 0), 0);
	} while (r == -EINTR || info.si_code == CLD_TRAPPED);
	say("end %d: %d signals, %d interrupted waits", info.si_status, interrupted->signals, interrupted->waits);
	no_children();
}

CASE(signal_in_wait)
{
	signals_in_wait(0, false);
	signals_in_wait(0, true);
}

CASE(signal_in_restarted_wait)
{
	signals_in_wait(SA_RESTART, false);
	signals_in_wait(SA_RESTART, true);
}

CASE(killed)
{
	pid_t pid = traced_child();
	int status;

	EXPECT(raw(SYS_ptrace, PTRACE_KILL, pid, 0, 0), 0);
	EXPECT(raw(SYS_wait4, pid, &status, 0, 0), pid);
	show("end", status);
}

CASE(single_step)
{
	pid_t pid = fork();
	int status, steps = 0;

	if (pid == 0) {
		raw(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0);
		raw(SYS_kill, raw(SYS_getpid), SIGSTOP);
		__asm__ volatile("int3\n\t.rept 20\n\tnop\n\t.endr\n\tint3");
		_exit(5);
	}
	EXPECT(raw(SYS_wait4, pid, &status, 0, 0), pid);
	EXPECT(raw(SYS_ptrace, PTRACE_CONT, pid, 0, 0), 0);
	EXPECT(raw(SYS_wait4, pid, &status, 0, 0), pid);
	show("breakpoint", status);
	for (steps = 0; steps < 20; steps++) {
		EXPECT(raw(SYS_ptrace, PTRACE_SINGLESTEP, pid, 0, 0), 0);
		EXPECT(raw(SYS_wait4, pid, &status, 0, 0), pid);
		EXPECT(status, SIGTRAP << 8 | 0x7f);
	}
	EXPECT(raw(SYS_ptrace, PTRACE_CONT, pid, 0, 0), 0);
	EXPECT(raw(SYS_wait4, pid, &status, 0, 0), pid);
	show("breakpoint", status);
	EXPECT(raw(SYS_ptrace, PTRACE_CONT, pid, 0, 0), 0);
	EXPECT(raw(SYS_wait4, pid, &status, 0, 0), pid);
	show("end", status);
}

HELPER(nothing)
{
	_exit(6);
}

/* execve of a traced child stops with SIGTRAP, once. */
CASE(traced_exec)
{
	pid_t pid = fork();
	int status;

	self_path();
	if (pid == 0) {
		raw(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0);
		execl(self_path(), "zero", "nothing", NULL);
		_exit(91);
	}
	EXPECT(raw(SYS_wait4, pid, &status, 0, 0), pid);
	show("exec", status);
	EXPECT(raw(SYS_ptrace, PTRACE_CONT, pid, 0, 0), 0);
	EXPECT(raw(SYS_wait4, pid, &status, 0, 0), pid);
	show("end", status);
}

CASE(seize)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		for (;;)
			pause();
	EXPECT(raw(SYS_ptrace, PTRACE_SEIZE, pid, 0, 0), 0);
	EXPECT(raw(SYS_ptrace, PTRACE_INTERRUPT, pid, 0, 0), 0);
	EXPECT(raw(SYS_wait4, pid, &status, 0, 0), pid);
	say("event %x", status >> 8);
	EXPECT(raw(SYS_ptrace, PTRACE_DETACH, pid, 0, 0), 0);
	kill(pid, SIGKILL);
	EXPECT(wait_for(pid), 1000 + SIGKILL);
}

/* Attached and detached while it makes calls all the time. */
CASE(attach_running)
{
	pid_t pid = fork();
	int status, i;

	if (pid == 0)
		for (;;)
			raw(SYS_getppid);
	for (i = 0; i < 20; i++) {
		EXPECT(raw(SYS_ptrace, PTRACE_ATTACH, pid, 0, 0), 0);
		EXPECT(raw(SYS_wait4, pid, &status, 0, 0), pid);
		EXPECT(status, SIGSTOP << 8 | 0x7f);
		EXPECT(raw(SYS_ptrace, PTRACE_DETACH, pid, 0, 0), 0);
	}
	kill(pid, SIGKILL);
	EXPECT(wait_for(pid), 1000 + SIGKILL);
	EXPECT(raw(SYS_ptrace, PTRACE_ATTACH, pid, 0, 0), -ESRCH);
}

/* Nobody traces us: TRACEME works once. */
CASE(traceme_self)
{
	pid_t pid = fork();

	if (pid == 0) {
		long first = raw(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0);
		long second = raw(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0);

		_exit(first == 0 && second == -EPERM ? 0 : 1);
	}
	EXPECT(wait_for(pid), 0);
}

static void some_calls(void)
{
	int fds[2];

	site(SYS_getppid, 11, 12, 13);
	site(SYS_close, -1, 22, 23);
	site(SYS_pipe, (long)fds, 0, 0);
	site(100000, 31, 32, 33);
	site(SYS_rt_sigprocmask, SIG_BLOCK, 0, 0);
}

/* One line for a system call stop, from the registers. */
static void show_call(pid_t pid, bool entry)
{
	struct user_regs_struct regs;

	EXPECT(pt(GETREGS, pid, 0, &regs), 0);
	if (regs.rip != (unsigned long)call_site) {
		say("elsewhere, call %ld", (long)regs.orig_rax);
		return;
	}
	EXPECT(regs.rcx, regs.rip);
	EXPECT(regs.r11, regs.eflags);
	EXPECT(regs.cs, 0x33);
	if (entry)
		say("call %ld(%ld, %ld) rax %ld", (long)regs.orig_rax, regs.orig_rax == SYS_pipe ? 0 : (long)regs.rdi,
		    (long)regs.rsi, (long)regs.rax);
	else
		say("call %ld = %ld", (long)regs.orig_rax,
		    regs.orig_rax == SYS_getppid ? (long)regs.rax == getpid() : (long)regs.rax);
}

static void all_calls(unsigned long options, int expected)
{
	pid_t pid = child_running(some_calls);
	bool entry = true;
	int stop;

	EXPECT(pt(SETOPTIONS, pid, 0, options), 0);
	for (;; entry = !entry) {
		EXPECT(pt(SYSCALL, pid, 0, 0), 0);
		stop = stop_of(pid);
		if (stop < 0)
			break;
		EXPECT(stop, expected);
		show_call(pid, entry);
	}
}

/* One entry and one exit stop for each call, with the program's registers. */
CASE(syscall_stops)
{
	all_calls(PTRACE_O_TRACESYSGOOD, SYSCALL_STOP);
}

CASE(syscall_stops_plain)
{
	all_calls(0, SIGTRAP);
}

CASE(syscall_info)
{
	pid_t pid = child_running(some_calls);
	struct ptrace_syscall_info info;
	struct user_regs_struct regs;
	struct iovec vector = { &regs, sizeof(regs) };
	long word = 0;
	int i;

	EXPECT(pt(SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD), 0);
	for (i = 0; i < 6; i++) {
		EXPECT(pt(SYSCALL, pid, 0, 0), 0);
		EXPECT(stop_of(pid), SYSCALL_STOP);
		memset(&info, 0xee, sizeof(info));
		say("size %ld", pt(GET_SYSCALL_INFO, pid, sizeof(info), &info));
		EXPECT(pt(GETREGSET, pid, 1, &vector), 0);
		EXPECT(vector.iov_len, sizeof(regs));
		EXPECT(info.arch, 0xc000003e);
		EXPECT(info.instruction_pointer, regs.rip);
		EXPECT(info.instruction_pointer, call_site);
		EXPECT(info.stack_pointer, regs.rsp);
		EXPECT(pt(PEEKUSR, pid, offsetof(struct user_regs_struct, rsp), &word), 0);
		EXPECT(word, regs.rsp);
		EXPECT(pt(PEEKUSR, pid, offsetof(struct user_regs_struct, orig_rax), &word), 0);
		EXPECT(word, regs.orig_rax);
		if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
			say("entry %ld %ld", (long)info.entry.nr,
			    info.entry.nr == SYS_pipe ? 0 : (long)info.entry.args[0]);
		else
			say("op %d error %d", info.op, info.exit.is_error);
	}
	EXPECT(pt(KILL, pid, 0, 0), 0);
	EXPECT(stop_of(pid), -1);
}

static void changed_calls(void)
{
	CHECK(site(SYS_getppid, 0, 0, 0) == 77);   /* result changed */
	CHECK(site(SYS_close, 12345, 0, 0) == 0);  /* argument changed: to 0 */
	CHECK(site(SYS_close, 0, 0, 0) == -EBADF);
	CHECK(site(SYS_getuid, 0, 0, 0) == getpid()); /* number changed */
	CHECK(site(SYS_exit_group, 66, 0, 0) == 5);  /* not made at all */
	_exit(guest_failures ? 1 : 0);
}

/* The tracer changes numbers, arguments and results. */
CASE(syscall_changes)
{
	pid_t pid = child_running(changed_calls);
	struct user_regs_struct regs;
	bool entry = true;
	long nr = 0;
	int stop;

	EXPECT(pt(SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD), 0);
	for (;; entry = !entry) {
		EXPECT(pt(SYSCALL, pid, 0, 0), 0);
		stop = stop_of(pid);
		if (stop < 0)
			break;
		EXPECT(stop, SYSCALL_STOP);
		EXPECT(pt(GETREGS, pid, 0, &regs), 0);
		if (entry)
			nr = (long)regs.orig_rax;
		if (entry && nr == SYS_close)
			regs.rdi = 0;
		if (entry && nr == SYS_getuid)
			EXPECT(pt(POKEUSR, pid, offsetof(struct user_regs_struct, orig_rax), SYS_getpid), 0);
		if (entry && nr == SYS_exit_group && regs.rdi == 66)
			EXPECT(pt(POKEUSR, pid, offsetof(struct user_regs_struct, orig_rax), -1), 0);
		if (!entry && nr == SYS_getppid)
			regs.rax = 77;
		if (!entry && nr == SYS_exit_group)
			regs.rax = 5;
		if (nr == SYS_close || (!entry && (nr == SYS_getppid || nr == SYS_exit_group)))
			EXPECT(pt(SETREGS, pid, 0, &regs), 0);
	}
}

static void fork_once(void)
{
	long pid = site(SYS_fork, 0, 0, 0);

	if (pid == 0)
		raw(SYS_exit_group, 0);
	CHECK(pid > 0);
	EXPECT(wait_for((pid_t)pid), 0);
	_exit(guest_failures ? 1 : 0);
}

static void fork_one_that_calls(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(getppid() > 0 ? 7 : 8);
	EXPECT(wait_for(pid), 7);
	_exit(guest_failures ? 1 : 0);
}

/* As gdb lets go of a child that it does not follow: after one step, of which nothing must remain. */
CASE(steps_new_child)
{
	pid_t pid = child_running(fork_one_that_calls);
	unsigned long child = 0;

	EXPECT(pt(SETOPTIONS, pid, 0, PTRACE_O_TRACEFORK), 0);
	EXPECT(pt(CONT, pid, 0, 0), 0);
	EXPECT(stop_of(pid), EVENT_STOP(FORK));
	EXPECT(pt(GETEVENTMSG, pid, 0, &child), 0);
	EXPECT(stop_of((pid_t)child), SIGSTOP);
	EXPECT(pt(SETOPTIONS, child, 0, 0), 0);
	EXPECT(pt(SINGLESTEP, child, 0, 0), 0);
	EXPECT(stop_of((pid_t)child), SIGTRAP);
	EXPECT(pt(DETACH, child, 0, 0), 0);
	do
		EXPECT(pt(CONT, pid, 0, 0), 0);
	while (stop_of(pid) >= 0);
}

/* However a tracer asks for them. */
CASE(segment_bases)
{
	pid_t pid = child_running(fork_once);
	struct user_regs_struct regs;
	unsigned long base = 1;

	EXPECT(pt(GETREGS, pid, 0, &regs), 0);
	EXPECT(regs.gs_base, 0);
	EXPECT(pt(ARCH_PRCTL, pid, &base, ARCH_GET_GS), 0);
	EXPECT(base, 0);
	EXPECT(pt(ARCH_PRCTL, pid, &base, ARCH_GET_FS), 0);
	EXPECT(base, regs.fs_base);
	EXPECT(pt(ARCH_PRCTL, pid, 8, ARCH_GET_GS), -EFAULT);
	do
		EXPECT(pt(CONT, pid, 0, 0), 0);
	while (stop_of(pid) >= 0);
}

extern const char signalled[];

/* Sends itself a signal, behind which are instructions of one byte. */
static void signal_itself(void)
{
	long pid = getpid(), tid = gettid(), result;

	for (int i = 0; i < 2; i++)
		__asm__ volatile("call 1f\n"
				 "	jmp 2f\n"
				 "1:	mov $234, %%eax\n" /* SYS_tgkill */
				 "	syscall\n"
				 "	.ifndef signalled\n"
				 "signalled:\n"
				 "	.endif\n"
				 "	nop\n"
				 "	nop\n"
				 "	nop\n"
				 "	ret\n"
				 "2:"
				 : "=a"(result)
				 : "D"(pid), "S"(tid), "d"(SIGUSR1)
				 : "rcx", "r11", "memory");
	EXPECT(result, 0);
	_exit(guest_failures ? 1 : 5);
}

/* A step from a stop for a signal that has come in a call is that of the instruction behind the call. */
CASE(steps_after_signal)
{
	pid_t pid = child_running(signal_itself);
	struct user_regs_struct regs;

	for (int i = 0; i < 2; i++) {
		EXPECT(pt(CONT, pid, 0, 0), 0);
		EXPECT(stop_of(pid), SIGUSR1);
		for (int steps = 0; steps < 3; steps++) {
			EXPECT(pt(GETREGS, pid, 0, &regs), 0);
			EXPECT(regs.rip - (uint64_t)signalled, (unsigned)steps);
			EXPECT(pt(SINGLESTEP, pid, 0, 0), 0);
			EXPECT(stop_of(pid), SIGTRAP);
		}
	}
	EXPECT(pt(CONT, pid, 0, 0), 0);
	EXPECT(stop_of(pid), -1);
}

/* The tracer changes a register in the middle of a call. */
CASE(changes_in_call)
{
	pid_t pid = child_running(fork_once);
	struct user_regs_struct regs;
	unsigned long child = 0;

	EXPECT(pt(SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK), 0);
	EXPECT(pt(SYSCALL, pid, 0, 0), 0);
	EXPECT(stop_of(pid), SYSCALL_STOP);
	EXPECT(pt(SYSCALL, pid, 0, 0), 0);
	EXPECT(stop_of(pid), EVENT_STOP(FORK));
	EXPECT(pt(GETEVENTMSG, pid, 0, &child), 0);
	for (int i = 0; i < 2; i++) {
		EXPECT(pt(GETREGS, pid, 0, &regs), 0);
		EXPECT(regs.orig_rax, SYS_fork);
		EXPECT(regs.rax, -ENOSYS);
		regs.r15 ^= 1;
		EXPECT(pt(SETREGS, pid, 0, &regs), 0);
	}
	EXPECT(stop_of((pid_t)child), SIGSTOP);
	EXPECT(pt(DETACH, child, 0, 0), 0);
	EXPECT(pt(SYSCALL, pid, 0, 0), 0);
	EXPECT(stop_of(pid), SYSCALL_STOP);
	EXPECT(pt(GETREGS, pid, 0, &regs), 0);
	EXPECT(regs.orig_rax, SYS_fork);
	EXPECT(regs.rax, child);
	do
		EXPECT(pt(CONT, pid, 0, 0), 0);
	while (stop_of(pid) >= 0);
}

static void step_calls(void)
{
	__asm__ volatile("int3");
	site(SYS_getppid, 0, 0, 0);
	site(SYS_close, -1, 0, 0);
	__asm__ volatile("int3");
	_exit(3);
}

/* A single step over a system call is one step. */
CASE(step_over_calls)
{
	pid_t pid = child_running(step_calls);
	struct user_regs_struct regs;
	int steps = 0, calls = 0, stop;
	unsigned long last = 0;
	siginfo_t info;

	EXPECT(pt(CONT, pid, 0, 0), 0);
	EXPECT(stop_of(pid), SIGTRAP);
	for (; steps < 1000; steps++) {
		EXPECT(pt(SINGLESTEP, pid, 0, 0), 0);
		stop = stop_of(pid);
		NEED(stop == SIGTRAP);
		EXPECT(pt(GETREGS, pid, 0, &regs), 0);
		EXPECT(pt(GETSIGINFO, pid, 0, &info), 0);
		if (info.si_code == SI_KERNEL)
			break;
		CHECK(regs.rip - (unsigned long)step_calls < PAGE || regs.rip - (unsigned long)site < PAGE);
		if (regs.rip == (unsigned long)call_site) {
			EXPECT(regs.rip, last + 2);
			say("call %d: %d", ++calls, (int)regs.rax == -EBADF);
		}
		last = regs.rip;
	}
	say("steps %s", steps < 1000 ? "over" : "without end");
	EXPECT(pt(CONT, pid, 0, 0), 0);
	EXPECT(stop_of(pid), -1);
}

static int wait_fds[2];

static void on_signal(int sig, siginfo_t *info, void *uc)
{
	(void)sig;
	(void)info;
	(void)uc;
	site(SYS_getppid, 0, 0, 0);
}

static void blocked_read(void)
{
	char byte = 0;

	set_handler(SIGUSR1, on_signal, SA_RESTART);
	set_handler(SIGUSR2, on_signal, 0);
	EXPECT(site(SYS_read, wait_fds[0], (long)&byte, 1), 1);
	EXPECT(site(SYS_read, wait_fds[0], (long)&byte, 1), -EINTR);
	_exit(guest_failures ? 1 : 8);
}

/* Goes on to the child's next stop, and shows where it is in a call. */
static int next_call_stop(pid_t pid, int sig)
{
	struct user_regs_struct regs;
	int stop;

	EXPECT(pt(SYSCALL, pid, 0, sig), 0);
	stop = stop_of(pid);
	if (stop < 0)
		return stop;
	EXPECT(pt(GETREGS, pid, 0, &regs), 0);
	if (regs.rip == (unsigned long)call_site || stop != SYSCALL_STOP)
		say("stop %d: call %ld, rax %ld, %s", stop, (long)regs.orig_rax,
		    regs.orig_rax == SYS_getppid && (long)regs.rax > 0 ? 1 : (long)regs.rax,
		    regs.rip == (unsigned long)call_site ? "after" : "elsewhere");
	else
		say("stop %d: call %ld", stop, (long)regs.orig_rax);
	return stop;
}

/* Signals interrupt a blocked call: the stops are as natively, restart and handler included. */
CASE(interrupted_calls)
{
	pid_t pid;
	int sig, stop;

	NEED(pipe(wait_fds) == 0);
	pid = child_running(blocked_read);
	EXPECT(pt(SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD), 0);
	for (int i = 0; i < 4; i++)
		next_call_stop(pid, 0);
	static const int signals[] = { SIGCHLD, SIGUSR1, 0, SIGUSR2 };
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		next_call_stop(pid, 0); /* read begins */
		EXPECT(pt(SYSCALL, pid, 0, 0), 0);
		await_sleep(pid);
		if (signals[i])
			kill(pid, signals[i]);
		else
			NEED(write(wait_fds[1], "x", 1) == 1);
		stop = stop_of(pid);
		EXPECT(stop, SYSCALL_STOP);
		show_call(pid, false);
		if (!signals[i])
			continue;
		stop = next_call_stop(pid, 0);
		EXPECT(stop, signals[i]);
		sig = stop;
		if (sig == SIGCHLD) {
			EXPECT(pt(CONT, pid, 0, 0), 0);
			await_sleep(pid);
			kill(pid, SIGCHLD);
			EXPECT(stop_of(pid), SIGCHLD);
			continue;
		}
		next_call_stop(pid, sig); /* the handler's call */
		next_call_stop(pid, 0);
		next_call_stop(pid, 0); /* rt_sigreturn */
		next_call_stop(pid, 0);
	}
	while (next_call_stop(pid, 0) >= 0)
		;
}

/* Steps once, and shows where to. */
static void step(pid_t pid, int sig)
{
	struct user_regs_struct regs;
	siginfo_t info;
	int stop;

	EXPECT(pt(SINGLESTEP, pid, 0, sig), 0);
	stop = stop_of(pid);
	EXPECT(pt(GETREGS, pid, 0, &regs), 0);
	EXPECT(pt(GETSIGINFO, pid, 0, &info), 0);
	say("step: %d, code %d, %ld behind the call, result %ld", stop, info.si_code,
	    (long)(regs.rip - (unsigned long)call_site), (long)regs.rax == -EBADF ? -(long)EBADF : 0);
}

/* A child of step_calls in the exit stop of its first call. */
static pid_t child_in_exit_stop(void)
{
	pid_t pid = child_running(step_calls);

	EXPECT(pt(SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD), 0);
	EXPECT(pt(CONT, pid, 0, 0), 0);
	EXPECT(stop_of(pid), SIGTRAP);
	EXPECT(pt(SYSCALL, pid, 0, 0), 0);
	EXPECT(stop_of(pid), SYSCALL_STOP);
	EXPECT(pt(SYSCALL, pid, 0, 0), 0);
	EXPECT(stop_of(pid), SYSCALL_STOP);
	return pid;
}

/* What is stepped from an exit stop is the next instruction; from an entry stop, it is the call. */
CASE(step_from_call_stops)
{
	pid_t pid = child_in_exit_stop();

	step(pid, 0);
	step(pid, 0);
	EXPECT(pt(SYSCALL, pid, 0, 0), 0);
	EXPECT(stop_of(pid), SYSCALL_STOP);
	step(pid, 0);
	step(pid, 0);
	EXPECT(pt(CONT, pid, 0, 0), 0);
	EXPECT(stop_of(pid), SIGTRAP);
	EXPECT(pt(KILL, pid, 0, 0), 0);
	EXPECT(stop_of(pid), -1);
}

/* The same with a signal from the exit stop on, which is a stop of its own. */
static void step_with_signal(bool taken)
{
	pid_t pid = child_in_exit_stop();

	step(pid, SIGURG);
	step(pid, taken ? 0 : SIGURG);
	step(pid, 0);
	EXPECT(pt(KILL, pid, 0, 0), 0);
	EXPECT(stop_of(pid), -1);
}

CASE(step_with_signals)
{
	step_with_signal(false);
	step_with_signal(true);
}

static void raises_trap(void)
{
	set_handler(SIGTRAP, on_signal, 0);
	raw(SYS_kill, raw(SYS_getpid), SIGSTOP);
	site(SYS_tgkill, raw(SYS_getpid), raw(SYS_gettid), SIGTRAP);
	site(SYS_close, -1, 0, 0);
}

/* Of a step's SIGTRAP and one that the call sends itself the kernel queues the first: one stop, which leads to the
 * handler. from_entry: the step is from the entry stop of the call. */
static void step_over_raised(bool from_entry)
{
	pid_t pid = child_running(raises_trap);
	struct user_regs_struct regs;
	siginfo_t info = { 0 };
	int behind = 0;

	EXPECT(pt(SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD), 0);
	EXPECT(pt(CONT, pid, 0, 0), 0);
	EXPECT(stop_of(pid), SIGSTOP);
	for (int i = 0; i < (from_entry ? 5 : 4); i++) {
		EXPECT(pt(SYSCALL, pid, 0, 0), 0);
		EXPECT(stop_of(pid), SYSCALL_STOP);
	}
	for (int i = 0; i < 100 && info.si_code != SI_TKILL; i++) {
		EXPECT(pt(SINGLESTEP, pid, 0, 0), 0);
		EXPECT(stop_of(pid), SIGTRAP);
		EXPECT(pt(GETREGS, pid, 0, &regs), 0);
		EXPECT(pt(GETSIGINFO, pid, 0, &info), 0);
		behind += regs.rip == (unsigned long)call_site;
	}
	say("code %d, sent by itself: %d, stops behind a call: %d", info.si_code, info.si_pid == pid, behind);
	EXPECT(pt(SYSCALL, pid, 0, SIGTRAP), 0);
	EXPECT(stop_of(pid), SYSCALL_STOP);
	EXPECT(pt(GETREGS, pid, 0, &regs), 0);
	EXPECT(regs.orig_rax, SYS_getppid);
	EXPECT(pt(CONT, pid, 0, 0), 0);
	EXPECT(stop_of(pid), -1);
}

CASE(step_over_raised)
{
	step_over_raised(false);
	step_over_raised(true);
}

/* To be stepped is to be sent a signal that cannot be ignored or blocked: the kernel changes what was set. */
static void ignores_steps(void)
{
	struct sigaction action;
	sigset_t set = sigset_of(SIGTRAP);

	raw(SYS_kill, raw(SYS_getpid), SIGSTOP);
	signal(SIGTRAP, SIG_IGN);
	raw(SYS_kill, raw(SYS_getpid), SIGSTOP);
	sigaction(SIGTRAP, NULL, &action);
	say("ignored %d", action.sa_handler == SIG_IGN);
	set_handler(SIGTRAP, on_signal, 0);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raw(SYS_kill, raw(SYS_getpid), SIGSTOP);
	sigaction(SIGTRAP, NULL, &action);
	sigprocmask(SIG_BLOCK, NULL, &set);
	say("default %d, blocked %d", action.sa_handler == SIG_DFL, sigismember(&set, SIGTRAP));
}

CASE(steps_change_actions)
{
	pid_t pid = child_running(ignores_steps);
	int i, n;

	for (i = 0; i < 3; i++) {
		EXPECT(pt(CONT, pid, 0, 0), 0);
		EXPECT(stop_of(pid), SIGSTOP);
		for (n = 0; n < 3; n++) {
			EXPECT(pt(SINGLESTEP, pid, 0, 0), 0);
			EXPECT(stop_of(pid), SIGTRAP);
		}
	}
	EXPECT(pt(CONT, pid, 0, 0), 0);
	EXPECT(stop_of(pid), -1);
}

static void unblocks_trap(void)
{
	struct sigaction action;
	sigset_t set = sigset_of(SIGTRAP);

	set_handler(SIGTRAP, on_signal, 0);
	raw(SYS_tgkill, raw(SYS_getpid), raw(SYS_gettid), SIGTRAP);
	raw(SYS_rt_sigprocmask, SIG_BLOCK, &set, 0, 8);
	raw(SYS_rt_sigprocmask, SIG_UNBLOCK, &set, 0, 8);
	raw(SYS_rt_sigprocmask, SIG_BLOCK, &set, 0, 8);
	sigemptyset(&set);
	raw(SYS_rt_sigprocmask, SIG_SETMASK, &set, 0, 8);
	sigaction(SIGTRAP, NULL, &action);
	say("default %d", action.sa_handler == SIG_DFL);
	sigaddset(&set, SIGTRAP);
	raw(SYS_rt_sigprocmask, SIG_BLOCK, &set, 0, 8);
	sigprocmask(SIG_BLOCK, NULL, &set);
	sigaction(SIGTRAP, NULL, &action);
	say("default %d, blocked %d", action.sa_handler == SIG_DFL, sigismember(&set, SIGTRAP));
}

/* Steps from the entries of calls that change the mask: whether SIGTRAP is blocked behind the call is what counts. */
CASE(steps_over_masks)
{
	pid_t pid = child_running(unblocks_trap);
	struct user_regs_struct regs;
	int stop, sig = 0, masks = 0;

	EXPECT(pt(SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD), 0);
	for (;;) {
		EXPECT(pt(SYSCALL, pid, 0, sig), 0);
		stop = stop_of(pid);
		if (stop < 0)
			break;
		sig = stop == SIGTRAP ? stop : 0;
		EXPECT(pt(GETREGS, pid, 0, &regs), 0);
		/* Not the first and the third, which block it, but the fifth. */
		if (stop != SYSCALL_STOP || (long)regs.rax != -ENOSYS ||
		    (regs.orig_rax != SYS_rt_sigreturn && regs.orig_rax != SYS_rt_sigprocmask) ||
		    (regs.orig_rax == SYS_rt_sigprocmask && (++masks == 1 || masks == 3)))
			continue;
		say("step over %ld", (long)regs.orig_rax);
		EXPECT(pt(SINGLESTEP, pid, 0, 0), 0);
		EXPECT(stop_of(pid), SIGTRAP);
	}
}

static void block_forever(void)
{
	char byte;

	site(SYS_read, wait_fds[0], (long)&byte, 1);
	_exit(12);
}

static void called(void)
{
	raw(SYS_write, 1, "called\n", 7);
	__asm__ volatile("int3");
}

/* As a debugger does: a function is called in a process that is blocked in a call, which then goes on. */
CASE(call_from_blocked)
{
	struct user_regs_struct regs, other;
	pid_t pid;

	NEED(pipe(wait_fds) == 0);
	pid = child_running(block_forever);
	EXPECT(pt(CONT, pid, 0, 0), 0);
	await_sleep(pid);
	kill(pid, SIGINT);
	EXPECT(stop_of(pid), SIGINT);
	EXPECT(pt(GETREGS, pid, 0, &regs), 0);
	say("call %ld, rax %ld, rip %d", (long)regs.orig_rax, (long)regs.rax, regs.rip == (unsigned long)call_site);
	other = regs;
	other.orig_rax = -1;
	other.rip = (unsigned long)called;
	other.rsp = ((regs.rsp - 1024) & ~15ul) - 8;
	EXPECT(pt(SETREGS, pid, 0, &other), 0);
	EXPECT(pt(CONT, pid, 0, 0), 0);
	EXPECT(stop_of(pid), SIGTRAP);
	EXPECT(pt(SETREGS, pid, 0, &regs), 0);
	EXPECT(pt(CONT, pid, 0, 0), 0);
	await_sleep(pid);
	NEED(write(wait_fds[1], "x", 1) == 1);
	EXPECT(stop_of(pid), -1);
}

HELPER(calls)
{
	site(SYS_getppid, 0, 0, 0);
	_exit(7);
}

static void exec_calls(void)
{
	char *argv[] = { "zero", "calls", NULL };

	execl("/nonexistent", "x", NULL);
	execv(self_path(), argv);
	_exit(91);
}

static void exec_by_execveat(void)
{
	char *argv[] = { "zero", "calls", NULL };

	raw(SYS_execveat, AT_FDCWD, self_path(), argv, environ, 0);
	_exit(91);
}

static void *exec_thread(void *arg)
{
	exec_calls();
	return arg;
}

static void exec_from_thread(void)
{
	pthread_t thread;

	usleep(10000);
	pthread_create(&thread, NULL, exec_thread, NULL);
	for (;;)
		pause();
}

/* All stops of a tracee that calls execve, and of its threads, in short; until it ends. */
static void follow(pid_t first, unsigned long options, long request)
{
	struct user_regs_struct regs;
	unsigned long message;
	siginfo_t info;
	int status, stop;
	pid_t pid;
	long nr;

	EXPECT(pt(SETOPTIONS, first, 0, options), 0);
	EXPECT(raw(SYS_ptrace, request, first, 0, 0), 0);
	while ((pid = (pid_t)raw(SYS_wait4, -1, &status, __WALL, 0)) > 0) {
		if (!WIFSTOPPED(status)) {
			if (pid == first)
				show("end", status);
			continue;
		}
		stop = status >> 8;
		EXPECT(pt(GETREGS, pid, 0, &regs), 0);
		EXPECT(pt(GETSIGINFO, pid, 0, &info), 0);
		nr = (long)regs.orig_rax;
		if (stop == SYSCALL_STOP) {
			EXPECT(info.si_code, stop);
			if (nr == SYS_execve || nr == SYS_execveat || nr == SYS_getppid)
				say("call %ld: %ld", nr, nr == SYS_getppid && (long)regs.rax > 0 ? 1 : (long)regs.rax);
		} else if (stop == EVENT_STOP(EXEC)) {
			EXPECT(info.si_code, stop);
			EXPECT(pt(GETEVENTMSG, pid, 0, &message), 0);
			say("exec by %s, call %ld", (pid_t)message == pid ? "itself" : "another", nr);
		} else if (stop == EVENT_STOP(CLONE)) {
			EXPECT(nr == SYS_clone || nr == SYS_clone3, 1);
		} else if (pid != first) {
			EXPECT(stop, SIGSTOP); /* a new thread's: before or after that */
			EXPECT(nr == SYS_clone || nr == SYS_clone3, 1);
		} else {
			say("stop %x, code %d, rax %ld rbx %ld", stop, info.si_code, (long)regs.rax, (long)regs.rbx);
			if (stop == SIGTRAP && info.si_code == SI_USER)
				say("at the end of call %ld", nr);
		}
		EXPECT(raw(SYS_ptrace, request, pid, 0, 0), 0);
	}
}

CASE(exec_plain)
{
	self_path();
	follow(child_running(exec_calls), 0, PTRACE_CONT);
}

CASE(exec_plain_calls)
{
	self_path();
	follow(child_running(exec_calls), PTRACE_O_TRACESYSGOOD, PTRACE_SYSCALL);
}

CASE(exec_event)
{
	self_path();
	follow(child_running(exec_calls), PTRACE_O_TRACEEXEC, PTRACE_CONT);
}

CASE(exec_event_calls)
{
	self_path();
	follow(child_running(exec_calls), PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD, PTRACE_SYSCALL);
}

/* What has been executed has been by execve, by whatever call. */
CASE(exec_by_execveat)
{
	self_path();
	follow(child_running(exec_by_execveat), PTRACE_O_TRACESYSGOOD, PTRACE_SYSCALL);
	follow(child_running(exec_by_execveat), PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD, PTRACE_SYSCALL);
}

CASE(exec_by_thread)
{
	self_path();
	follow(child_running(exec_from_thread), PTRACE_O_TRACEEXEC, PTRACE_CONT);
}

CASE(exec_by_traced_thread)
{
	self_path();
	follow(child_running(exec_from_thread), PTRACE_O_TRACEEXEC | PTRACE_O_TRACECLONE, PTRACE_CONT);
}

/* As gdb does it: the child of vfork asks to be traced. */
CASE(exec_vforked)
{
	const char *path = self_path();
	pid_t pid = vfork();

	if (pid == 0) {
		raw(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0);
		execl(path, "zero", "calls", NULL);
		_exit(91);
	}
	EXPECT(stop_of(pid), SIGTRAP);
	follow(pid, PTRACE_O_TRACESYSGOOD, PTRACE_SYSCALL);
}

static void fork_and_exec(void)
{
	pid_t pid = fork();

	if (pid == 0)
		exec_calls();
	wait_for(pid);
	pid = vfork();
	if (pid == 0)
		exec_calls();
	_exit(wait_for(pid));
}

/* Children are traced, too, and call execve. */
CASE(exec_followed)
{
	pid_t first, pid;
	unsigned long child;
	int status, stop, events = 0, stops = 0, ended = 0, execs = 0;

	self_path();
	first = child_running(fork_and_exec);
	EXPECT(pt(SETOPTIONS, first, 0, PTRACE_O_TRACEEXEC | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK), 0);
	EXPECT(pt(CONT, first, 0, 0), 0);
	while ((pid = (pid_t)raw(SYS_wait4, -1, &status, __WALL, 0)) > 0) {
		int sig = 0;

		if (!WIFSTOPPED(status)) {
			ended += WEXITSTATUS(status);
			continue;
		}
		stop = status >> 8;
		if (stop == EVENT_STOP(FORK) || stop == EVENT_STOP(VFORK)) {
			events++;
			EXPECT(pt(GETEVENTMSG, pid, 0, &child), 0);
			CHECK((pid_t)child > 0 && (pid_t)child != pid);
		} else if (stop == EVENT_STOP(EXEC)) {
			execs++;
		} else if (stop == SIGSTOP) {
			stops++;
		} else {
			sig = stop;
		}
		EXPECT(pt(CONT, pid, 0, sig), 0);
	}
	say("events %d, new %d, execs %d, ended %d", events, stops, execs, ended);
}

/* waitid, with WNOWAIT and WNOHANG. */
CASE(waitid_stops)
{
	pid_t pid = child_running(some_calls);
	siginfo_t info;

	EXPECT(raw(SYS_waitid, P_PID, pid, &info, WSTOPPED | WNOHANG | __WALL, 0), 0);
	EXPECT(info.si_pid, 0);
	EXPECT(pt(SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD), 0);
	EXPECT(pt(SYSCALL, pid, 0, 0), 0);
	EXPECT(raw(SYS_waitid, P_PID, pid, &info, WSTOPPED | WNOWAIT | __WALL, 0), 0);
	say("code %d status %x", info.si_code, info.si_status);
	EXPECT(raw(SYS_waitid, P_PID, pid, &info, WSTOPPED | __WALL, 0), 0);
	say("code %d status %x", info.si_code, info.si_status);
	EXPECT(pt(CONT, pid, 0, 0), 0);
	EXPECT(raw(SYS_waitid, P_PID, pid, &info, WEXITED | __WALL, 0), 0);
	say("code %d status %x", info.si_code, info.si_status);
}

static void raise_signals(void)
{
	set_handler(SIGUSR1, on_signal, 0);
	raw(SYS_tgkill, raw(SYS_getpid), raw(SYS_gettid), SIGUSR1);
	raw(SYS_kill, raw(SYS_getpid), SIGSTOP);
	_exit(5);
}

/* Lets the child go on from a stop, with the signal if that is what it was for. Returns the next stop, or -1. */
static int to_next_stop(pid_t pid, int stop)
{
	EXPECT(pt(SYSCALL, pid, 0, stop == SYSCALL_STOP || stop == SIGSTOP ? 0 : stop), 0);
	return stop_of(pid);
}

/* Shows all stops of a child that runs @fn. changed: a call whose result becomes 4711. */
static void show_stops(void (*fn)(void), long changed)
{
	pid_t pid = child_running(fn);
	struct user_regs_struct regs;
	siginfo_t info;
	bool entry = true;
	int stop = 0;

	EXPECT(pt(SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD), 0);
	while ((stop = to_next_stop(pid, stop)) >= 0) {
		EXPECT(pt(GETREGS, pid, 0, &regs), 0);
		EXPECT(pt(GETSIGINFO, pid, 0, &info), 0);
		say("stop %d call %ld code %d", stop, (long)regs.orig_rax, info.si_code);
		entry ^= stop == SYSCALL_STOP;
		if (stop == SYSCALL_STOP && entry && (long)regs.orig_rax == changed) {
			regs.rax = 4711;
			EXPECT(pt(SETREGS, pid, 0, &regs), 0);
		}
	}
}

/* A signal that a call raises comes after its exit stop. */
CASE(signal_after_call)
{
	show_stops(raise_signals, -1);
}

static void on_sigsys(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	say("signal %d, code %d, call %d, result %ld", sig, info->si_code, info->si_syscall,
	    (long)uc->uc_mcontext.gregs[REG_RAX]);
}

static void trap_some(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 600, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { ARRAY_SIZE(code), code };

	set_handler(SIGSYS, on_sigsys, 0);
	NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	NEED(raw(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) == 0);
}

static void trapped_calls(void)
{
	trap_some();
	raw(SYS_getppid);
	raw(600);
	raw(SYS_kill, raw(SYS_getpid), SIGSYS);
	signal(SIGSYS, SIG_DFL);
	raw(SYS_getppid);
}

/* So does a filter's SIGSYS, also where the program dies of it. */
CASE(trapped_by_filter)
{
	show_stops(trapped_calls, SYS_getppid);
}

static void trapped_while_blocked(void)
{
	sigset_t set = sigset_of(SIGSYS);

	trap_some();
	sigprocmask(SIG_BLOCK, &set, NULL);
	raw(600);
}

CASE(trapped_while_blocked)
{
	show_stops(trapped_while_blocked, -1);
	show_stops(trapped_while_blocked, 600);
}

static volatile char selector;

static void blocked_sigsys(void)
{
	sigset_t set = sigset_of(SIGSYS), unblocked;
	siginfo_t info;

	set_handler(SIGSYS, on_sigsys, 0);
	raw(SYS_rt_sigprocmask, SIG_BLOCK, &set, &unblocked, 8);
	raw(SYS_tgkill, raw(SYS_getpid), raw(SYS_gettid), SIGSYS);
	raw(SYS_kill, raw(SYS_getpid), SIGSYS);
	raw(SYS_getppid);
	EXPECT(raw(SYS_rt_sigtimedwait, &set, &info, 0, 8), SIGSYS);
	EXPECT(info.si_code, SI_TKILL);
	raw(SYS_rt_sigsuspend, &unblocked, 8);
	raw(SYS_tgkill, raw(SYS_getpid), raw(SYS_gettid), SIGSYS);
	raw(SYS_getppid);
	raw(SYS_rt_sigprocmask, SIG_UNBLOCK, &set, 0, 8);
	raw(SYS_getppid);
}

/* A signal is a stop when it is delivered, not while it is blocked. */
CASE(sigsys_blocked)
{
	show_stops(blocked_sigsys, -1);
}

static void on_dispatch(int sig, siginfo_t *info, void *context)
{
	selector = SYSCALL_DISPATCH_FILTER_ALLOW;
	on_sigsys(sig, info, context);
}

static void dispatched_calls(void)
{
	set_handler(SIGSYS, on_dispatch, 0);
	NEED(prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0, 0, &selector) == 0);
	selector = SYSCALL_DISPATCH_FILTER_BLOCK;
	raw(SYS_getppid);
	raw(SYS_getuid);
	signal(SIGSYS, SIG_DFL);
	selector = SYSCALL_DISPATCH_FILTER_BLOCK;
	raw(SYS_getppid);
}

/* Calls that the tracee's own dispatch takes. */
CASE(taken_by_dispatch)
{
	show_stops(dispatched_calls, -1);
}

static void fault_at_once(void)
{
	volatile char *volatile nothing = NULL;

	*nothing = 1;
}

CASE(dies_of_fault)
{
	show_stops(fault_at_once, -1);
}

static void on_bad_stack(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info, (void)context;
	_exit(3);
}

/* The frame of a handler cannot be made. flags: SA_ONSTACK if nor can that of the signal for this. */
static void lose_stack(int flags)
{
	stack_t stack = { .ss_sp = mmap(NULL, 1 << 16, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
			  .ss_size = 1 << 16 };

	NEED(sigaltstack(&stack, NULL) == 0);
	set_handler(SIGUSR1, on_bad_stack, SA_ONSTACK);
	set_handler(SIGSEGV, on_bad_stack, flags);
	raw(SYS_kill, raw(SYS_getpid), SIGUSR1);
}

static void lose_frame(void)
{
	lose_stack(0);
}

static void lose_both_frames(void)
{
	lose_stack(SA_ONSTACK);
}

/* The signals of a tracee that gets all of them. */
static void show_signals(void (*fn)(void))
{
	pid_t pid = child_running(fn);
	siginfo_t info;
	int stop = SIGSTOP;

	do {
		EXPECT(pt(CONT, pid, 0, stop == SIGSTOP ? 0 : stop), 0);
		stop = stop_of(pid);
		if (stop >= 0 && pt(GETSIGINFO, pid, 0, &info) == 0)
			say("signal %d code %d", stop, info.si_code);
	} while (stop >= 0);
}

CASE(frames_fail)
{
	show_signals(lose_frame);
	show_signals(lose_both_frames);
}

/* The call of the kernel's trampoline for uretprobes, which raises SIGILL elsewhere, on kernels that have it. */
static void call_trampoline(void)
{
	raw(335);
}

CASE(raised_by_call)
{
	show_stops(call_trampoline, -1);
}

/* Signals that a tracee sends to itself come after the exit stops of the calls, whatever signal came before. */
static void send_trap_and_more(void)
{
	set_handler(SIGTRAP, on_signal, 0);
	set_handler(SIGUSR1, on_signal, 0);
	for (int i = 0; i < 2; i++) {
		raw(SYS_kill, raw(SYS_getpid), SIGTRAP);
		raw(SYS_kill, raw(SYS_getpid), SIGUSR1);
	}
}

CASE(signals_after_calls)
{
	show_stops(send_trap_and_more, -1);
}

static void calls_with_signal(void)
{
	say("pause: %ld", site(SYS_pause, 0, 0, 0));
	say("kill: %ld", site(SYS_kill, getpid(), 0, 0));
}

static void calls_with_ignored(void)
{
	signal(SIGUSR1, SIG_IGN);
	site(SYS_setpgid, 0, 0, 0);
	site(SYS_kill, getpid(), 0, 0);
	site(SYS_pause, 0, 0, 0);
}

static void calls_with_handler(void)
{
	set_handler(SIGUSR1, on_signal, 0);
	site(SYS_setpgid, 0, 0, 0);
	calls_with_signal();
}

/* A signal is sent when the entry stop of a call has been shown. Shows the stops up to the entry stop of a call that
 * begins again. */
static void send_after_entry(void (*fn)(void))
{
	pid_t pid = child_running(fn);
	struct user_regs_struct regs;
	bool entry = true, pauses = false;
	int stop = 0;

	EXPECT(pt(SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD), 0);
	while ((stop = to_next_stop(pid, stop)) >= 0) {
		EXPECT(pt(GETREGS, pid, 0, &regs), 0);
		if (regs.rip != (unsigned long)call_site)
			regs.orig_rax = ~0ul;
		say("stop %d call %ld rax %ld", stop, (long)regs.orig_rax, (long)regs.rax < 0 ? (long)regs.rax : 0);
		if (stop != SYSCALL_STOP)
			continue;
		if (entry && (regs.orig_rax == SYS_pause || regs.orig_rax == SYS_kill)) {
			if (pauses && regs.orig_rax == SYS_pause)
				break;
			pauses = regs.orig_rax == SYS_pause;
			EXPECT(kill(pid, SIGUSR1), 0);
		}
		entry = !entry;
	}
	if (stop < 0)
		return;
	EXPECT(kill(pid, SIGKILL), 0);
	EXPECT(stop_of(pid), -1);
}

CASE(signal_after_entry)
{
	send_after_entry(calls_with_ignored);
	send_after_entry(calls_with_handler);
}

/* What a tracer makes of a call that a filter has stopped. */
enum { TO_GETGID, TAKEN_AWAY, TAKEN_BY_WORDS, TAKEN_ONLY, CHANGES };

static void change_stopped_call(pid_t pid, int change)
{
	const size_t number = offsetof(struct user_regs_struct, orig_rax);
	const size_t result = offsetof(struct user_regs_struct, rax);
	struct user_regs_struct regs;

	EXPECT(pt(GETREGS, pid, 0, &regs), 0);
	if (change == TAKEN_BY_WORDS) {
		EXPECT(pt(POKEUSR, pid, number, -1), 0);
		EXPECT(pt(POKEUSR, pid, result, 0x4444), 0);
	} else {
		regs.orig_rax = change == TO_GETGID ? SYS_getgid : -1;
		if (change == TAKEN_AWAY)
			regs.rax = 4321;
		EXPECT(pt(SETREGS, pid, 0, &regs), 0);
	}
	EXPECT(pt(GETREGS, pid, 0, &regs), 0);
	say("changed: number %lld, result %lld", regs.orig_rax, regs.rax);
}

static void stopped_by_filter(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getuid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { ARRAY_SIZE(code), code };

	NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	NEED(raw(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) == 0);
	raw(SYS_exit_group, (raw(SYS_getuid) & 0xff) == (getgid() & 0xff) ? 1 : 2);
}

CASE(stopped_by_filter)
{
	for (int change = 0; change < CHANGES; change++) {
		pid_t pid = child_running(stopped_by_filter);
		struct user_regs_struct regs;
		int stop = 0;

		NEED(pt(SETOPTIONS, pid, 0, PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD) == 0);
		while (stop >= 0) {
			bool changed = stop == EVENT_STOP(SECCOMP);

			EXPECT(raw(SYS_ptrace, changed ? PTRACE_SYSCALL : PTRACE_CONT, pid, 0, 0), 0);
			stop = stop_of(pid);
			if (stop == EVENT_STOP(SECCOMP))
				change_stopped_call(pid, change);
			if (stop == SYSCALL_STOP) {
				NEED(pt(GETREGS, pid, 0, &regs) == 0);
				say("end: number %lld", regs.orig_rax);
			}
		}
	}
}

static void odd_number(void)
{
	raw(0x12345000000000 + SYS_getuid);
	raw(-1);
	raw(-513);
}

/* The number of a call is one of 32 bits. */
CASE(numbers_of_calls)
{
	pid_t pid = child_running(odd_number);
	struct ptrace_syscall_info info;

	NEED(pt(SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD) == 0);
	do {
		EXPECT(pt(SYSCALL, pid, 0, 0), 0);
		if (stop_of(pid) != SYSCALL_STOP)
			break;
		EXPECT(raw(SYS_ptrace, PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) > 0, 1);
		if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
			say("%#llx", info.entry.nr);
		else
			say("-> %lld", info.exit.rval);
	} while (1);
}
