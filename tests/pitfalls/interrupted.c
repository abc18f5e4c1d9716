/* Signals at a high rate around calls: where they find the program, and ways to leave the handler. */
#include "library.h"
#include <linux/futex.h>
#include <setjmp.h>
#include <time.h>
#include <ucontext.h>

static struct {
	unsigned long low, high;
} known[200];
static int known_count;

/* What the program has mapped that can be executed: files and the vDSO. */
static void learn_mappings(void)
{
	char line[4300];
	FILE *f = fopen("/proc/self/maps", "r");

	NEED(f);
	while (fgets(line, sizeof(line), f)) {
		char perms[8];

		NEED(known_count < 200);
		NEED(sscanf(line, "%lx-%lx %7s", &known[known_count].low, &known[known_count].high, perms) == 3);
		if (perms[2] == 'x' && (strchr(line, '/') || strstr(line, "[v")))
			known_count++;
	}
	fclose(f);
}

static volatile long ticks, strangers, stranger;
static unsigned long stack_low, stack_high;

static void on_tick(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	unsigned long rip = (unsigned long)uc->uc_mcontext.gregs[REG_RIP];
	unsigned long rsp = (unsigned long)uc->uc_mcontext.gregs[REG_RSP];
	int i;

	(void)sig, (void)info;
	ticks++;
	for (i = 0; i < known_count; i++)
		if (rip - known[i].low < known[i].high - known[i].low)
			break;
	if (i == known_count || rsp < stack_low || rsp > stack_high) {
		strangers++;
		stranger = (long)rip;
	}
}

static void start_timer(long usec, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct itimerval it = { { 0, usec }, { 0, usec } };

	set_handler(SIGALRM, handler, flags);
	NEED(setitimer(ITIMER_REAL, &it, NULL) == 0);
}

/* A call with every register that it keeps in a known state. */
static __attribute__((noinline)) void checked_call(long nr, long want)
{
	long ret, changed;

	__asm__ volatile("push %%rbp\n\t"
			 "mov $0x1212, %%r12d\n\t"
			 "mov $0x1313, %%r13d\n\t"
			 "mov $0x1414, %%r14d\n\t"
			 "mov $0x1515, %%r15d\n\t"
			 "mov $0x0808, %%r8d\n\t"
			 "mov $0x0909, %%r9d\n\t"
			 "mov $0x1010, %%r10d\n\t"
			 "mov $-1, %%rdi\n\t"
			 "mov $0x0606, %%esi\n\t"
			 "mov $0x0202, %%edx\n\t"
			 "movq %%r12, %%xmm12\n\t"
			 "mov $0x0b0b, %%ebp\n\t"
			 "mov %[nr], %%rax\n\t"
			 "syscall\n\t"
			 "movq %%xmm12, %%rcx\n\t"
			 "sub %%r12, %%rcx\n\t"
			 "sub $0x1212, %%r12\n\t"
			 "sub $0x1313, %%r13\n\t"
			 "sub $0x1414, %%r14\n\t"
			 "sub $0x1515, %%r15\n\t"
			 "sub $0x0808, %%r8\n\t"
			 "sub $0x0909, %%r9\n\t"
			 "sub $0x1010, %%r10\n\t"
			 "add $1, %%rdi\n\t"
			 "sub $0x0606, %%rsi\n\t"
			 "sub $0x0202, %%rdx\n\t"
			 "sub $0x0b0b, %%rbp\n\t"
			 "or %%r12, %%rcx\n\t"
			 "or %%r13, %%rcx\n\t"
			 "or %%r14, %%rcx\n\t"
			 "or %%r15, %%rcx\n\t"
			 "or %%r8, %%rcx\n\t"
			 "or %%r9, %%rcx\n\t"
			 "or %%r10, %%rcx\n\t"
			 "or %%rdi, %%rcx\n\t"
			 "or %%rsi, %%rcx\n\t"
			 "or %%rdx, %%rcx\n\t"
			 "or %%rbp, %%rcx\n\t"
			 "pop %%rbp"
			 : "=&a"(ret), "=&c"(changed)
			 : [nr] "b"(nr)
			 : "rdi", "rsi", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm12",
			   "memory");
	EXPECT(ret, want);
	EXPECT(changed, 0);
}

static void count_ticks(long usec, long enough)
{
	void *handle = load(beside("libsites.so"), RTLD_NOW);
	long (*parent)(void) = (long (*)(void))symbol(handle, "site_getppid");
	pid_t ppid = getppid();
	struct timeval tv;
	int here;

	learn_mappings();
	stack_low = (unsigned long)&here - (1 << 20), stack_high = (unsigned long)&here + (1 << 20);
	ticks = strangers = 0;
	start_timer(usec, on_tick, SA_RESTART);
	while (ticks < enough && !guest_failures) {
		checked_call(SYS_getppid, ppid);
		checked_call(600, -ENOSYS);
		checked_call(SYS_close, -EBADF);
		EXPECT(parent(), ppid);
		EXPECT(gettimeofday(&tv, NULL), 0);
	}
	stop_ticks();
	if (strangers)
		guest_fail(__FILE_NAME__, __LINE__, "rip in a file", stranger);
}

/* The interrupted instruction and stack are always the program's. */
CASE(places)
{
	count_ticks(1000, 200);
}

STRESS(places_at_5_khz)
{
	known_count = 0;
	count_ticks(200, 1000);
}

static timer_t fast_timer;

/* POSIX timers, with a signal of their own each. */
CASE(posix_timer)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1 };
	struct itimerspec spec = { { 0, 300000 }, { 0, 300000 } };
	pid_t ppid = getppid();
	int here;

	learn_mappings();
	stack_low = (unsigned long)&here - (1 << 20), stack_high = (unsigned long)&here + (1 << 20);
	set_handler(SIGRTMIN + 1, on_tick, SA_RESTART);
	NEED(timer_create(CLOCK_MONOTONIC, &event, &fast_timer) == 0);
	NEED(timer_settime(fast_timer, 0, &spec, NULL) == 0);
	while (ticks < 500)
		checked_call(SYS_getppid, ppid);
	NEED(timer_delete(fast_timer) == 0);
	EXPECT(strangers, 0);
}

static sigjmp_buf back;
static volatile int jumps;

static void on_jump(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info, (void)context;
	jumps++;
	siglongjmp(back, 1);
}

/* Out of blocked calls: made inline, and by the C library. */
static void jump_out_of(void (*block)(void), const char *name)
{
	struct itimerval it = { { 0, 0 }, { 0, 300 } };

	jumps = 0;
	set_handler(SIGALRM, on_jump, SA_RESTART);
	while (jumps < 50) {
		if (!sigsetjmp(back, 1)) {
			raw(SYS_setitimer, ITIMER_REAL, &it, 0);
			block();
			CHECK(!"the call returned");
			return;
		}
	}
	checked_call(SYS_getppid, getppid());
	say("%s", name);
}

static int pipe_fds[2], futex_word;

static void block_in_read(void)
{
	char c;

	raw(SYS_read, pipe_fds[0], &c, 1);
}

static void block_in_libc_read(void)
{
	char c;

	NEED(read(pipe_fds[0], &c, 1) == -2);
}

static void block_in_futex(void)
{
	raw(SYS_futex, &futex_word, FUTEX_WAIT, 0, NULL);
}

static void block_in_nanosleep(void)
{
	struct timespec ts = { 1000, 0 };

	raw(SYS_nanosleep, &ts, NULL);
}

static void block_in_pause(void)
{
	pause();
}

static pid_t child;

static void block_in_wait(void)
{
	waitpid(child, NULL, 0);
}

CASE(jumps_out_of_calls)
{
	NEED(pipe(pipe_fds) == 0);
	jump_out_of(block_in_read, "read");
	jump_out_of(block_in_libc_read, "read of the C library");
	jump_out_of(block_in_futex, "futex");
	jump_out_of(block_in_nanosleep, "nanosleep");
	jump_out_of(block_in_pause, "pause");
	child = fork();
	if (child == 0)
		for (;;)
			raw(SYS_pause);
	jump_out_of(block_in_wait, "wait");
	kill(child, SIGKILL);
	EXPECT(wait_for(child), 1000 + SIGKILL);
}

static volatile int handled;

static void on_work(int sig, siginfo_t *info, void *context)
{
	struct timespec ts = { 0, 100000 };
	pid_t pid;
	int status = 0;

	(void)info, (void)context;
	EXPECT(raw(SYS_getppid), getppid());
	EXPECT(raw(600), -ENOSYS);
	EXPECT(raw(SYS_nanosleep, &ts, NULL), 0);
	pid = (pid_t)raw(SYS_fork);
	if (pid == 0)
		raw(SYS_exit_group, 7);
	EXPECT(raw(SYS_wait4, pid, &status, 0, 0), pid);
	EXPECT(WEXITSTATUS(status), 7);
	if (sig == SIGALRM && handled < 3) {
		handled++;
		EXPECT(raw(SYS_kill, getpid(), SIGUSR1), 0);
	}
	EXPECT(raw(SYS_write, pipe_fds[1], "x", 1), 1);
}

/* While a call is blocked, a handler makes calls, forks, and is interrupted itself; then the call goes on. */
CASE(work_in_handlers)
{
	struct itimerval it = { { 0, 0 }, { 0, 3000 } };
	char c;
	int i;

	NEED(pipe(pipe_fds) == 0);
	set_handler(SIGALRM, on_work, SA_RESTART);
	set_handler(SIGUSR1, on_work, SA_RESTART);
	for (i = 0; i < 3; i++) {
		raw(SYS_setitimer, ITIMER_REAL, &it, 0);
		EXPECT(raw(SYS_read, pipe_fds[0], &c, 1), 1);
		EXPECT(read(pipe_fds[0], &c, 1), 1);
	}
	EXPECT(handled, 3);
	/* without SA_RESTART the call ends, once the handler has */
	set_handler(SIGALRM, on_work, 0);
	raw(SYS_setitimer, ITIMER_REAL, &it, 0);
	EXPECT(raw(SYS_read, pipe_fds[0], &c, 1), -EINTR);
	EXPECT(raw(SYS_read, pipe_fds[0], &c, 1), 1);
}

static struct {
	int traps;
	unsigned long rip[64];
} stepped;

static void on_trap(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	if (stepped.traps < 64)
		stepped.rip[stepped.traps] = (unsigned long)uc->uc_mcontext.gregs[REG_RIP];
	stepped.traps++;
	EXPECT(info->si_code, TRAP_TRACE);
}

static void report_steps(const char *name, unsigned long start, unsigned long end, long result, long want)
{
	int i;

	EXPECT(result, want);
	say("%s: %d traps", name, stepped.traps);
	for (i = 0; i < stepped.traps && i < 64; i++)
		if (stepped.rip[i] >= start && stepped.rip[i] < end)
			say("trap at %ld", (long)(stepped.rip[i] - start));
		else
			say("trap elsewhere");
}

/* named by the assembly below */
unsigned long stepped_start, stepped_end;

/* TF over a call whose number is set by the instruction before it, and over one with two short ones. */
#define STEP(load)                                                                                 \
	({                                                                                         \
		long ret_;                                                                         \
		memset(&stepped, 0, sizeof(stepped));                                              \
		__asm__ volatile("sub $128, %%rsp\n\t"                                             \
				 "lea 1f(%%rip), %%rdx\n\t"                                        \
				 "mov %%rdx, stepped_start(%%rip)\n\t"                             \
				 "lea 2f(%%rip), %%rdx\n\t"                                        \
				 "mov %%rdx, stepped_end(%%rip)\n\t"                               \
				 "pushfq\n\t"                                                      \
				 "orq $0x100, (%%rsp)\n\t"                                         \
				 "popfq\n"                                                         \
				 "1:\n\t"                                                          \
				 "nop\n\t" load "\n\t"                                             \
				 "syscall\n\t"                                                     \
				 "nop\n\t"                                                         \
				 "pushfq\n\t"                                                      \
				 "andq $~0x100, (%%rsp)\n\t"                                       \
				 "popfq\n\t"                                                       \
				 "nop\n"                                                           \
				 "2:\n\t"                                                          \
				 "add $128, %%rsp"                                                 \
				 : "=a"(ret_)                                                      \
				 : "D"(-1L)                                                        \
				 : "rcx", "rdx", "r11", "memory");                                 \
		ret_;                                                                              \
	})

CASE(single_step)
{
	long ret;
	int i;

	set_handler(SIGTRAP, on_trap, 0);
	for (i = 0; i < 2; i++) {
		ret = STEP("mov $110, %%eax");
		report_steps("getppid", stepped_start, stepped_end, ret, getppid());
		ret = STEP("mov $500, %%eax");
		report_steps("beyond", stepped_start, stepped_end, ret, -ENOSYS);
		ret = STEP("push $3\n\tpop %%rax\n\tmov %%edi, %%edi");
		report_steps("close", stepped_start, stepped_end, ret, -EBADF);
		ret = STEP("mov %%rdi, %%rdx\n\tmov $3, %%rax");
		report_steps("close", stepped_start, stepped_end, ret, -EBADF);
	}
}

/* TF into a function of a library and out of it. */
CASE(single_step_library)
{
	void *handle = load(beside("libsites.so"), RTLD_NOW);
	static const char *const names[] = { "site_getppid", "site_next_page", "site_window_straddles",
					     "site_straddles" };
	size_t i;

	set_handler(SIGTRAP, on_trap, 0);
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		unsigned long site = (unsigned long)symbol(handle, names[i]);
		long ret;

		memset(&stepped, 0, sizeof(stepped));
		__asm__ volatile("sub $128, %%rsp\n\t"
				 "pushfq\n\t"
				 "orq $0x100, (%%rsp)\n\t"
				 "popfq\n\t"
				 "call *%[site]\n\t"
				 "pushfq\n\t"
				 "andq $~0x100, (%%rsp)\n\t"
				 "popfq\n\t"
				 "nop\n\t"
				 "add $128, %%rsp"
				 : "=a"(ret)
				 : [site] "r"(site)
				 : "rcx", "rdx", "r11", "memory");
		report_steps(names[i], site, site + 8, ret, getppid());
	}
}
