/* The program is a tracer that makes the calls of its tracees itself: PTRACE_SYSEMU. */
#include "tracing.h"

static void trap(void)
{
	__asm__ volatile("int3");
}

/* What the tracer is shown of a call at its begin or end. */
static void show_stop(pid_t pid, int stop)
{
	struct ptrace_syscall_info info = { 0 };
	struct user_regs_struct regs;

	EXPECT(pt(GETREGS, pid, 0, &regs), 0);
	EXPECT(regs.rcx, regs.rip);
	say("stop %#x: call %ld, rax %ld", stop, (long)regs.orig_rax, (long)regs.rax);
	EXPECT(pt(GET_SYSCALL_INFO, pid, sizeof(info), &info) > 0, 1);
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
		say("entry %ld (%ld)", (long)info.entry.nr, (long)info.entry.args[0]);
	else
		say("op %d", info.op);
}

static void set_result(pid_t pid, long result)
{
	struct user_regs_struct regs;

	EXPECT(pt(GETREGS, pid, 0, &regs), 0);
	regs.rax = (unsigned long)result;
	EXPECT(pt(SETREGS, pid, 0, &regs), 0);
	EXPECT(pt(GETREGS, pid, 0, &regs), 0);
	EXPECT(regs.rax, result);
}

static void show_results(void)
{
	long results[4];

	results[0] = site(SYS_getppid, 1, 0, 0);
	results[1] = site(SYS_close, -2, 0, 0);
	results[2] = site(SYS_exit_group, 3, 0, 0);
	results[3] = site(100000, 4, 0, 0);
	trap();
	say("results %ld %ld %ld %ld", results[0], results[1], results[2], results[3]);
}

/* Each call stops once, is not made, and has the result that the tracer sets. */
static void emulate(unsigned long options, int expected)
{
	pid_t pid = child_running(show_results);
	int stop;

	EXPECT(pt(SETOPTIONS, pid, 0, options), 0);
	for (long i = 0; i < 4; i++) {
		EXPECT(pt(SYSEMU, pid, 0, 0), 0);
		stop = stop_of(pid);
		EXPECT(stop, expected);
		show_stop(pid, stop);
		if (i != 3)
			set_result(pid, 100 + i);
	}
	EXPECT(pt(SYSEMU, pid, 0, 0), 0);
	EXPECT(stop_of(pid), SIGTRAP);
	EXPECT(pt(CONT, pid, 0, 0), 0);
	EXPECT(stop_of(pid), -1);
}

CASE(calls)
{
	emulate(PTRACE_O_TRACESYSGOOD, SYSCALL_STOP);
}

CASE(calls_plain)
{
	emulate(0, SIGTRAP);
}

static void many_calls(void)
{
	long sum = 0;

	for (int i = 0; i < 8; i++)
		sum = sum * 3 + (site(SYS_close, -1, i, 0) == 5 ? 1 : 2);
	say("sum %ld", sum);
}

/* The request that a call begins under says whether it is made; the one after its entry stop, whether it has an exit
 * stop. */
CASE(requests_mixed)
{
	static const int requests[] = { PTRACE_SYSEMU, PTRACE_SYSCALL, PTRACE_SYSCALL, PTRACE_SYSEMU,
					PTRACE_SYSEMU, PTRACE_SYSCALL, PTRACE_SYSEMU,  PTRACE_SYSCALL,
					PTRACE_SYSCALL, PTRACE_SYSCALL };
	pid_t pid = child_running(many_calls);

	EXPECT(pt(SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD), 0);
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		int stop;

		EXPECT(raw(SYS_ptrace, requests[i], pid, 0, 0), 0);
		stop = stop_of(pid);
		show_stop(pid, stop);
		if (i % 3 == 0)
			set_result(pid, 5);
	}
	EXPECT(pt(CONT, pid, 0, 0), 0);
	EXPECT(stop_of(pid), -1);
}

/* At a stop before a call that is not made, the tracer leaves. */
CASE(detached)
{
	pid_t pid = child_running(many_calls);
	int status;

	EXPECT(pt(SYSEMU, pid, 0, 0), 0);
	EXPECT(stop_of(pid), SIGTRAP);
	set_result(pid, 5);
	EXPECT(pt(DETACH, pid, 0, 0), 0);
	EXPECT(raw(SYS_wait4, pid, &status, __WALL, 0), pid);
	show("end", status);
}

static unsigned long seen[8] __attribute__((used));

/* Makes a call, and keeps the registers that it finds after it. */
__attribute__((naked, noinline)) static void keep_registers(void)
{
	__asm__("push %rbx\n\t"
		"push %rbp\n\t"
		"push %r12\n\t"
		"mov $39, %eax\n\t"
		"syscall\n\t"
		"ud2\n\t"
		".globl emulated_to\n"
		"emulated_to:\n\t"
		"mov %rax, seen(%rip)\n\t"
		"mov %rcx, seen+8(%rip)\n\t"
		"mov %r11, seen+16(%rip)\n\t"
		"mov %rdx, seen+24(%rip)\n\t"
		"mov %rbx, seen+32(%rip)\n\t"
		"mov %r12, seen+40(%rip)\n\t"
		"pushfq\n\t"
		"pop seen+48(%rip)\n\t"
		"pop %r12\n\t"
		"pop %rbp\n\t"
		"pop %rbx\n\t"
		"ret");
}

extern const char emulated_to[];

static void show_registers(void)
{
	keep_registers();
	trap();
	for (int i = 0; i < 7; i++)
		say("register %lx", seen[i]);
}

/* The tracer may switch to any other registers. */
CASE(registers)
{
	pid_t pid = child_running(show_registers);
	struct user_regs_struct regs, again;

	EXPECT(pt(SYSEMU, pid, 0, 0), 0);
	EXPECT(stop_of(pid), SIGTRAP);
	EXPECT(pt(GETREGS, pid, 0, &regs), 0);
	regs.rip = (unsigned long)emulated_to;
	regs.rax = 0x1001;
	regs.rcx = 0x1002;
	regs.r11 = 0x1003;
	regs.rdx = 0x1004;
	regs.rbx = 0x1005;
	regs.r12 = 0x1006;
	regs.eflags = 0xa97; /* CF PF AF SF OF */
	EXPECT(pt(SETREGS, pid, 0, &regs), 0);
	EXPECT(pt(GETREGS, pid, 0, &again), 0);
	EXPECT(memcmp(&regs, &again, sizeof(regs)), 0);
	EXPECT(pt(SYSEMU, pid, 0, 0), 0);
	EXPECT(stop_of(pid), SIGTRAP);
	EXPECT(pt(CONT, pid, 0, 0), 0);
	EXPECT(stop_of(pid), -1);
}

extern const char steps_begin[];

static void calls_between_steps(void)
{
	__asm__ volatile("int3\n\t"
			 ".globl steps_begin\n"
			 "steps_begin:\n\t"
			 "nop\n\t"
			 "mov $39, %%eax\n\t"
			 "syscall\n\t"
			 "nop\n\t"
			 "nop\n\t"
			 "mov $110, %%eax\n\t"
			 "syscall\n\t"
			 "mov $39, %%eax\n\t"
			 "syscall\n\t"
			 "nop\n\t"
			 "int3"
			 :
			 :
			 : "rax", "rcx", "r11", "memory");
}

/* One line for a stop of a tracee that is stepped. */
static void show_step(pid_t pid, int stop)
{
	struct user_regs_struct regs;
	siginfo_t info;

	EXPECT(pt(GETREGS, pid, 0, &regs), 0);
	EXPECT(pt(GETSIGINFO, pid, 0, &info), 0);
	say("%#x code %d at %ld, call %ld, rax %ld", stop, info.si_code, (long)(regs.rip - (unsigned long)steps_begin),
	    (long)regs.orig_rax, (pid_t)regs.rax == pid || (pid_t)regs.rax == getpid() ? 0 : (long)regs.rax);
	if (info.si_code > 0 && info.si_code != SI_KERNEL && stop == SIGTRAP)
		EXPECT((unsigned long)info.si_addr, regs.rip);
}

/* Steps with a row of requests, until the second breakpoint. */
static void step(const int *requests, size_t count)
{
	pid_t pid = child_running(calls_between_steps);
	int stop;

	EXPECT(pt(SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD), 0);
	EXPECT(pt(CONT, pid, 0, 0), 0);
	stop = stop_of(pid);
	show_step(pid, stop);
	for (size_t i = 0; i < 30 && stop >= 0; i++) {
		siginfo_t info;

		EXPECT(raw(SYS_ptrace, requests[i % count], pid, 0, 0), 0);
		stop = stop_of(pid);
		if (stop < 0)
			break;
		show_step(pid, stop);
		if (stop == SIGTRAP && pt(GETSIGINFO, pid, 0, &info) == 0 && info.si_code == SI_KERNEL)
			break;
	}
	EXPECT(pt(CONT, pid, 0, 0), 0);
	EXPECT(stop_of(pid), -1);
}

CASE(steps)
{
	static const int emulating[] = { PTRACE_SYSEMU_SINGLESTEP };
	static const int mixed[] = { PTRACE_SYSEMU_SINGLESTEP, PTRACE_SINGLESTEP };
	static const int calls[] = { PTRACE_SYSEMU_SINGLESTEP, PTRACE_SYSEMU_SINGLESTEP, PTRACE_SYSEMU };
	static const int all[] = { PTRACE_SYSCALL, PTRACE_SYSEMU_SINGLESTEP, PTRACE_SINGLESTEP };

	step(emulating, ARRAY_SIZE(emulating));
	step(mixed, ARRAY_SIZE(mixed));
	step(calls, ARRAY_SIZE(calls));
	step(all, ARRAY_SIZE(all));
}

static volatile int handled;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	(void)info, (void)context;
	handled = sig;
}

static void handle_and_call(void)
{
	long result;

	set_handler(SIGUSR1, on_signal, 0);
	trap();
	result = site(SYS_getppid, 0, 0, 0);
	trap();
	say("handled %d, result %ld", handled, result);
}

/* The tracee makes the call at whose stop it is after all: it begins it again. */
static void make_call(pid_t pid)
{
	struct user_regs_struct regs;

	EXPECT(pt(GETREGS, pid, 0, &regs), 0);
	say("makes %ld", (long)regs.orig_rax);
	regs.rip -= 2;
	regs.rax = regs.orig_rax;
	EXPECT(pt(SETREGS, pid, 0, &regs), 0);
	EXPECT(pt(SYSCALL, pid, 0, 0), 0);
	say("skipped %#x", stop_of(pid));
	EXPECT(pt(SYSCALL, pid, 0, 0), 0);
	say("begins %#x", stop_of(pid));
}

/* A signal is handled after the call that is not made, and the end of the handler is a call like any other. */
CASE(signal_at_the_stop)
{
	pid_t pid = child_running(handle_and_call);
	int stop;

	EXPECT(pt(SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD), 0);
	EXPECT(pt(CONT, pid, 0, 0), 0);
	EXPECT(stop_of(pid), SIGTRAP);
	EXPECT(pt(SYSEMU, pid, 0, 0), 0);
	stop = stop_of(pid);
	show_stop(pid, stop);
	set_result(pid, 55);
	EXPECT(pt(SYSEMU, pid, 0, SIGUSR1), 0);
	EXPECT(stop_of(pid), SIGUSR1);
	EXPECT(pt(SYSEMU, pid, 0, SIGUSR1), 0);
	EXPECT(stop_of(pid), SYSCALL_STOP);
	make_call(pid);
	EXPECT(pt(SYSEMU, pid, 0, 0), 0);
	EXPECT(stop_of(pid), SIGTRAP);
	EXPECT(pt(CONT, pid, 0, 0), 0);
	EXPECT(stop_of(pid), -1);
}

/* A call that waits, and begins again because the tracer has interrupted it, is one that is not made. */
CASE(restarted)
{
	pid_t pid = fork();

	NEED(pid >= 0);
	if (pid == 0)
		_exit(raw(SYS_pause) == 5 ? 6 : 7);
	await_sleep(pid);
	EXPECT(pt(SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD), 0);
	EXPECT(pt(INTERRUPT, pid, 0, 0), 0);
	say("interrupted %#x", stop_of(pid));
	EXPECT(pt(SYSEMU, pid, 0, 0), 0);
	show_stop(pid, stop_of(pid));
	set_result(pid, 5);
	EXPECT(pt(CONT, pid, 0, 0), 0);
	EXPECT(stop_of(pid), -1);
}

static void call_by_int80(void)
{
	long result = 20; /* getpid */

	__asm__ volatile("int $0x80" : "+a"(result) : : "r8", "r9", "r10", "r11", "memory");
	trap();
	say("result %ld", result);
}

CASE(int80)
{
	pid_t pid = child_running(call_by_int80);
	struct user_regs_struct regs;
	int stop;

	EXPECT(pt(SYSEMU, pid, 0, 0), 0);
	stop = stop_of(pid);
	if (stop == SIGSEGV) {
		say("the machine has no int $0x80");
		EXPECT(pt(KILL, pid, 0, 0), 0);
		stop_of(pid);
		return;
	}
	EXPECT(stop, SIGTRAP);
	EXPECT(pt(GETREGS, pid, 0, &regs), 0);
	say("call %ld, rax %ld", (long)regs.orig_rax, (long)regs.rax);
	set_result(pid, 77);
	EXPECT(pt(SYSEMU, pid, 0, 0), 0);
	EXPECT(stop_of(pid), SIGTRAP);
	EXPECT(pt(CONT, pid, 0, 0), 0);
	EXPECT(stop_of(pid), -1);
}

/* Without PTRACE_SYSEMU: a call with the number -1 is not made either, and keeps what the tracer sets as its result. */
CASE(taken_away)
{
	pid_t pid = child_running(many_calls);
	struct user_regs_struct regs;

	EXPECT(pt(SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD), 0);
	for (int i = 0; i < 6; i++) {
		EXPECT(pt(SYSCALL, pid, 0, 0), 0);
		EXPECT(stop_of(pid), SYSCALL_STOP);
		show_stop(pid, SYSCALL_STOP);
		EXPECT(pt(GETREGS, pid, 0, &regs), 0);
		if (i == 0 || i == 4)
			regs.orig_rax = ~0ul;
		if (i == 0 || i == 2)
			regs.rax = 5;
		EXPECT(pt(SETREGS, pid, 0, &regs), 0);
	}
	EXPECT(pt(CONT, pid, 0, 0), 0);
	EXPECT(stop_of(pid), -1);
}
