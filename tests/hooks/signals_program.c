/*
 * The program that hooks which are told of signals are tried on. It says how many of each it has handled, and what was
 * not as it should be. usage: signals-program WHAT
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define THREADS 4
#define EACH 150
#define FAULTS 200

static long handled[NSIG], wrong;
static volatile int over;

static void check(int right, const char *what)
{
	if (!right && __atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED) < 9)
		dprintf(2, "wrong: %s (%d)\n", what, errno);
}
#define CHECK(condition) check(condition, #condition)

static void set(int sig, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags };

	CHECK(sigaction(sig, &action, NULL) == 0);
}

static void count(int sig, siginfo_t *info, void *context)
{
	(void)context;
	CHECK(info->si_signo == sig);
	__atomic_fetch_add(&handled[sig], 1, __ATOMIC_RELAXED);
}

/* A handler that makes calls, and overwrites vector registers. */
static void work(int sig, siginfo_t *info, void *context)
{
	int saved = errno;

	CHECK(syscall(SYS_getpid) == getpid() && syscall(500) == -1);
	__asm__ volatile("pcmpeqd %%xmm3, %%xmm3\n\tpcmpeqd %%xmm9, %%xmm9" : : : "xmm3", "xmm9");
	errno = saved;
	count(sig, info, context);
}

/* Registers, vectors and flags are kept over whatever signals come. */
static void spin_with_registers(uint64_t seed)
{
	uint64_t lane[2] = { seed, ~seed }, seen[2][2], kept[4];
	uint8_t carry;

	__asm__ volatile("movdqu (%[lane]), %%xmm3\n\tmovdqa %%xmm3, %%xmm9\n\t"
			 "mov %[seed], %%rbx\n\tmov %[seed], %%r12\n\tmov %[seed], %%r10\n\tmov %[seed], %%r11\n\t"
			 "mov $20000, %%ecx\n\tstc\n"
			 "1:\tdec %%ecx\n\tjnz 1b\n\t" /* keeps the carry */
			 "setc %[carry]\n\t"
			 "mov %%rbx, (%[kept])\n\tmov %%r12, 8(%[kept])\n\tmov %%r10, 16(%[kept])\n\t"
			 "mov %%r11, 24(%[kept])\n\t"
			 "movdqu %%xmm3, (%[seen])\n\tmovdqu %%xmm9, 16(%[seen])"
			 : [carry] "=&q"(carry)
			 : [lane] "r"(lane), [seed] "r"(seed), [seen] "r"(seen), [kept] "r"(kept)
			 : "rbx", "r12", "r10", "r11", "rcx", "xmm3", "xmm9", "memory", "cc");
	CHECK(carry == 1);
	CHECK(memcmp(seen[0], lane, 16) == 0 && memcmp(seen[1], lane, 16) == 0);
	for (int i = 0; i < 4; i++)
		CHECK(kept[i] == seed);
}

static pthread_t threads[THREADS];
static int pipes[2];

static void *stormed(void *argument)
{
	uint64_t seed = 0x0123456789abcdef * ((uintptr_t)argument + 1);
	sigset_t none, some;
	char byte;

	sigemptyset(&none);
	sigemptyset(&some);
	sigaddset(&some, SIGUSR1);
	for (uint64_t i = 0; !over; i++) {
		struct timespec soon = { 0, 1000 };
		struct pollfd poll = { pipes[0], POLLIN, 0 };

		spin_with_registers(seed + i);
		CHECK(syscall(500) == -1 && errno == ENOSYS);
		CHECK(getppid() > 0);
		if (i % 4 == 0)
			ppoll(&poll, 1, &soon, &none);
		if (i % 4 == 1)
			CHECK(read(pipes[0], &byte, 1) == -1 && (errno == EAGAIN || errno == EINTR));
		if (i % 4 == 2) {
			pthread_sigmask(SIG_BLOCK, &some, NULL);
			syscall(501);
			pthread_sigmask(SIG_UNBLOCK, &some, NULL);
		}
		if (i % 16 == 3) {
			char *memory = malloc(i % 5000);

			CHECK(memory != NULL);
			free(memory);
		}
	}
	return NULL;
}

/* Who sends knows nothing of what becomes of it: standard signals may be one. */
static void *storms(void *argument)
{
	static const int numbers[] = { SIGUSR1, SIGUSR2, SIGSYS };

	for (int i = 0; i < EACH; i++) {
		for (int k = 0; k < THREADS; k++)
			pthread_kill(threads[k], numbers[i % 3]);
		if (i % 7 == 0)
			kill(getpid(), i % 2 ? SIGHUP : SIGSYS);
		sched_yield();
	}
	return argument;
}

static void storm(void)
{
	struct itimerval tick = { { 0, 1000 }, { 0, 1000 } }, never = { { 0, 0 }, { 0, 0 } };
	static char stack[1 << 16];
	stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };
	pthread_t sender[2];

	CHECK(sigaltstack(&alternate, NULL) == 0 && pipe2(pipes, O_NONBLOCK) == 0);
	set(SIGALRM, work, SA_RESTART | SA_ONSTACK);
	set(SIGUSR1, work, 0);
	set(SIGUSR2, count, SA_RESTART | SA_NODEFER);
	set(SIGHUP, count, SA_RESTART);
	set(SIGSYS, work, 0);
	for (uintptr_t i = 0; i < THREADS; i++)
		CHECK(pthread_create(&threads[i], NULL, stormed, (void *)i) == 0);
	setitimer(ITIMER_REAL, &tick, NULL);
	for (int i = 0; i < 2; i++)
		CHECK(pthread_create(&sender[i], NULL, storms, NULL) == 0);
	for (int i = 0; i < 2; i++)
		CHECK(pthread_join(sender[i], NULL) == 0);
	over = 1;
	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	setitimer(ITIMER_REAL, &never, NULL);
}

static char *volatile hole;
static volatile int expected;

/* What the processor says of a fault, and what the kernel makes of it. */
static void on_fault(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	greg_t *regs = uc->uc_mcontext.gregs;
	const uint8_t *ip = (const uint8_t *)regs[REG_RIP];

	count(sig, info, context);
	CHECK(sig == expected);
	CHECK(regs[REG_R12] == 0x1234567);
	switch (sig) {
	case SIGSEGV:
		CHECK(info->si_addr == hole && info->si_code == SEGV_ACCERR && regs[REG_TRAPNO] == 14 &&
		      regs[REG_ERR] == 6 && regs[REG_CR2] == (greg_t)hole);
		CHECK(ip[0] == 0xc6);
		regs[REG_RIP] += 3;
		break;
	case SIGILL:
		CHECK(info->si_addr == ip && ip[0] == 0x0f && ip[1] == 0x0b && regs[REG_TRAPNO] == 6);
		regs[REG_RIP] += 2;
		break;
	case SIGFPE:
		CHECK(info->si_code == FPE_INTDIV && info->si_addr == ip && regs[REG_TRAPNO] == 0);
		regs[REG_RCX] = 1;
		break;
	case SIGTRAP:
		CHECK(ip[-1] == 0xcc && regs[REG_TRAPNO] == 3);
		break;
	}
}

static void faults(void)
{
	static const int numbers[] = { SIGSEGV, SIGILL, SIGFPE, SIGTRAP };

	hole = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < 4; i++)
		set(numbers[i], on_fault, 0);
	for (int i = 0; i < FAULTS; i++) {
		uint64_t quotient = 0;

		expected = SIGSEGV;
		__asm__ volatile("mov $0x1234567, %%r12d\n\tmovb $1, (%0)" : : "a"(hole) : "r12", "memory");
		expected = SIGILL;
		__asm__ volatile("mov $0x1234567, %%r12d\n\tud2" : : : "r12", "memory");
		expected = SIGFPE;
		__asm__ volatile("mov $0x1234567, %%r12d\n\txor %%edx, %%edx\n\tmov $7, %%eax\n\txor %%ecx, %%ecx\n\t"
				 "div %%ecx" : "=a"(quotient) : : "r12", "rcx", "rdx", "memory");
		CHECK(quotient == 7);
		expected = SIGTRAP;
		__asm__ volatile("mov $0x1234567, %%r12d\n\tint3" : : : "r12", "memory");
		syscall(500);
	}
}

static volatile int steps;

static void on_step(int sig, siginfo_t *info, void *context)
{
	(void)context;
	count(sig, info, context);
	steps++;
}

/* The program steps itself over its own code and a call. */
static void stepped(void)
{
	set(SIGTRAP, on_step, 0);
	for (int i = 0; i < 50; i++) {
		long pid;

		steps = 0;
		__asm__ volatile("pushfq\n\torl $0x100, (%%rsp)\n\tpopfq\n\t"
				 "nop\n\tmov %1, %%eax\n\tsyscall\n\tnop\n\t"
				 "pushfq\n\tandl $~0x100, (%%rsp)\n\tpopfq"
				 : "=&a"(pid) : "i"(SYS_getpid) : "rcx", "r11", "memory", "cc");
		CHECK(pid == getpid());
		CHECK(steps == 6);
	}
}

static sigjmp_buf back;
static volatile int depth;

static void nest(int sig, siginfo_t *info, void *context)
{
	count(sig, info, context);
	if (++depth < 5)
		raise(depth % 2 ? sig : SIGUSR2);
	if (depth == 5 && info->si_code == SI_TKILL)
		siglongjmp(back, 1);
}

/* Handlers within handlers, out of which the program jumps; with SA_RESETHAND; on the alternate stack. */
static void nested(void)
{
	static char stack[1 << 16];
	stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };

	CHECK(sigaltstack(&alternate, NULL) == 0);
	set(SIGUSR1, nest, SA_NODEFER);
	set(SIGUSR2, nest, SA_NODEFER | SA_ONSTACK);
	for (int i = 0; i < 100; i++) {
		depth = 0;
		if (sigsetjmp(back, 1) == 0) {
			raise(SIGUSR1);
			CHECK(0);
		}
		CHECK(depth == 5);
	}
	for (int i = 0; i < 100; i++) {
		struct sigaction now;

		set(SIGHUP, count, SA_RESETHAND);
		raise(SIGHUP);
		CHECK(sigaction(SIGHUP, NULL, &now) == 0 && now.sa_handler == SIG_DFL);
	}
}

/* To the thread itself, blocked and not, by tgkill and kill, in a wait with a mask of its own. */
static void sys(void)
{
	sigset_t set_of_it, none;

	sigemptyset(&none);
	sigemptyset(&set_of_it);
	sigaddset(&set_of_it, SIGSYS);
	set(SIGSYS, work, 0);
	for (int i = 0; i < 100; i++) {
		long before = handled[SIGSYS];

		raise(SIGSYS);
		CHECK(handled[SIGSYS] == before + 1);
		kill(getpid(), SIGSYS);
		CHECK(handled[SIGSYS] == before + 2);
		CHECK(sigprocmask(SIG_BLOCK, &set_of_it, NULL) == 0);
		raise(SIGSYS);
		raise(SIGSYS);
		syscall(500);
		CHECK(handled[SIGSYS] == before + 2);
		CHECK(sigsuspend(&none) == -1 && errno == EINTR && handled[SIGSYS] == before + 3);
		raise(SIGSYS);
		CHECK(sigprocmask(SIG_UNBLOCK, &set_of_it, NULL) == 0 && handled[SIGSYS] == before + 4);
	}
}

static void *waits_for(void *argument)
{
	while (!over)
		pause();
	return argument;
}

static void *kills_all(void *argument)
{
	int sig = *(int *)argument;

	usleep(2000);
	if (sig == SIGSEGV)
		__asm__ volatile("movl $1, 8");
	kill(getpid(), sig);
	for (;;)
		pause();
	return argument;
}

/* By a filter that traps a call, which the program does not handle, or blocks. */
static void die_trapped(int blocks)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 500, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };
	sigset_t mask;

	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	sigemptyset(&mask);
	sigaddset(&mask, SIGSYS);
	if (blocks)
		sigprocmask(SIG_BLOCK, &mask, NULL);
	set(SIGSYS, work, 0);
	if (!blocks)
		signal(SIGSYS, SIG_IGN);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
	syscall(500);
	_exit(1);
}

static void print_death(int sig, pid_t child)
{
	int status;

	CHECK(waitpid(child, &status, 0) == child);
	printf("%d by %d\n", sig, WIFSIGNALED(status) ? WTERMSIG(status) : -1);
}

/* Children die of each signal as natively: in a call that waits, in the program, and by another thread. */
static void deaths(void)
{
	const int fatal[] = { SIGHUP, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGSEGV, SIGUSR1, SIGTERM, SIGSYS,
			      SIGRTMIN, SIGRTMAX };

	for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]) * 3; i++) {
		pid_t child = fork();

		if (child == 0) {
			pthread_t thread;

			setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
			if (i % 3 == 0)
				raise(fatal[i / 3]);
			pthread_create(&thread, NULL, kills_all, (void *)&fatal[i / 3]);
			if (i % 3 == 1)
				waits_for(NULL);
			for (;;)
				syscall(500);
		}
		print_death(fatal[i / 3], child);
	}
	for (int blocks = 0; blocks < 2; blocks++) {
		pid_t child = fork();

		if (child == 0)
			die_trapped(blocks);
		print_death(SIGSYS, child);
	}
}

/* Stopped and going on, with a handler that says so. */
static void stops(void)
{
	int fd[2];

	CHECK(pipe(fd) == 0);
	for (int i = 0; i < 12; i++) {
		int status;
		pid_t child = fork();
		char byte;

		if (child == 0) {
			set(SIGCONT, work, 0);
			setpgid(0, 0); /* the terminal's signals do not stop a group that is an orphan */
			CHECK(write(fd[1], "", 1) == 1);
			while (!handled[SIGCONT])
				spin_with_registers((uint64_t)i);
			_exit(wrong ? 1 : 0);
		}
		CHECK(read(fd[0], &byte, 1) == 1);
		kill(child, i % 2 ? SIGSTOP : SIGTSTP);
		CHECK(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
		kill(child, SIGCONT);
		CHECK(waitpid(child, &status, 0) == child && status == 0);
	}
}

int main(int argc, char *argv[])
{
	static const struct {
		const char *name;
		void (*run)(void);
	} cases[] = { { "storm", storm }, { "faults", faults }, { "stepped", stepped }, { "nested", nested },
		      { "sys", sys }, { "deaths", deaths }, { "stops", stops } };

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]) && argc > 1; i++)
		if (strcmp(argv[1], cases[i].name) == 0)
			cases[i].run();
	for (int i = 1; i < NSIG; i++)
		if (handled[i])
			printf("handled %d: %ld\n", i, handled[i]);
	return wrong ? 1 : 0;
}
