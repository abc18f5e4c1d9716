/*
 * The program that hosted hooks are tried on. It makes call 500, which no kernel has, and says how often.
 * usage: hosted-program WHAT [FORKS]
 */
#include <asm/prctl.h>
#include <cpuid.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 8
#define SHORT_LIVED 1000
#define SPAWNS 200
#define KILLED 300
#define OUTLIVED 100
#define AREA (64ul << 20)
#define HOLE (4ul << 20)

extern char **environ;

static int forks_each = 20;
static long made;
static volatile int over;

static void call(void)
{
	syscall(500);
	__atomic_fetch_add(&made, 1, __ATOMIC_RELAXED);
}

static void *three(void *argument)
{
	for (int i = 0; i < 3; i++)
		call();
	return argument;
}

static int threads(void)
{
	for (int i = 0; i < SHORT_LIVED; i += THREADS) {
		pthread_t thread[THREADS];

		for (int k = 0; k < THREADS; k++)
			if (pthread_create(&thread[k], NULL, three, NULL) != 0)
				return 1;
		for (int k = 0; k < THREADS; k++)
			pthread_join(thread[k], NULL);
	}
	return 0;
}

static void *busy(void *argument)
{
	while (!over)
		call();
	return argument;
}

static void *fork_many(void *wrong)
{
	for (int i = 0; i < forks_each; i++) {
		pid_t child = i % 2 ? fork() : (pid_t)syscall(SYS_fork);
		int status;

		if (child == 0) {
			syscall(500);
			syscall(501);
			syscall(500);
			_exit(5);
		}
		if (waitpid(child, &status, 0) != child || status != 5 << 8)
			*(volatile int *)wrong = 1;
	}
	return NULL;
}

static int forks(void)
{
	pthread_t thread[THREADS], others[2];
	int wrong = 0;

	for (int k = 0; k < 2; k++)
		pthread_create(&others[k], NULL, busy, NULL);
	for (int k = 0; k < THREADS; k++)
		pthread_create(&thread[k], NULL, fork_many, &wrong);
	for (int k = 0; k < THREADS; k++)
		pthread_join(thread[k], NULL);
	over = 1;
	for (int k = 0; k < 2; k++)
		pthread_join(others[k], NULL);
	return wrong;
}

static int mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	int c, count = 0;

	while (maps && (c = getc(maps)) != EOF)
		count += c == '\n';
	if (maps)
		fclose(maps);
	return count;
}

static pid_t vfork_once(void)
{
	pid_t child = vfork();

	if (child == 0) {
		call();
		_exit(6);
	}
	return child;
}

/* Children that share the memory, and leave nothing there. */
static int spawns(void)
{
	int before = 0;

	for (int i = 0; i < SPAWNS; i++) {
		char *const argv[] = { "/bin/true", NULL };
		int status;
		pid_t child;

		call();
		if (i == SPAWNS / 2)
			before = mappings();
		if (posix_spawn(&child, argv[0], NULL, NULL, argv, environ) != 0 ||
		    waitpid(child, &status, 0) != child || status != 0)
			return 1;
		child = vfork_once();
		if (waitpid(child, &status, 0) != child || status != 6 << 8)
			return 1;
	}
	return mappings() > before + 4;
}

static int wait_for_ever(void *argument)
{
	call();
	for (;;)
		pause();
	return argument != NULL;
}

/* In each of the ways in which a process is killed. */
static int send(pid_t child, int way)
{
	siginfo_t info = { .si_code = SI_QUEUE };
	int pidfd, result;

	switch (way % 6) {
	case 0:
		return kill(child, SIGKILL);
	case 1:
		return kill(child, SIGTERM);
	case 2:
		return (int)syscall(SYS_tkill, child, SIGKILL);
	case 3:
		return (int)syscall(SYS_tgkill, child, child, SIGALRM);
	case 4:
		return (int)syscall(SYS_rt_sigqueueinfo, child, SIGKILL, &info);
	default:
		pidfd = (int)syscall(SYS_pidfd_open, child, 0);
		result = (int)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
		close(pidfd);
		return result;
	}
}

/* Children that share the memory, and are killed before they end. */
static int killed(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	int before = 0;

	for (int i = 0; i < KILLED; i++) {
		pid_t child = clone(wait_for_ever, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);

		if (i == KILLED / 4)
			before = mappings();
		if (child < 0 || send(child, i) != 0 || waitpid(child, NULL, 0) != child)
			return 1;
	}
	made = 0; /* some did */
	/* One that was killed in the hook would have left its stack there. */
	return mappings() > before + 4;
}

static void *vfork_on(void *argument)
{
	for (;;) {
		pid_t child = vfork();

		if (child == 0)
			_exit(0);
		waitpid(child, NULL, 0);
	}
	return argument;
}

static void *fork_on(void *argument)
{
	for (;;) {
		pid_t child = fork();

		if (child == 0)
			_exit(0);
		waitpid(child, NULL, 0);
	}
	return argument;
}

/* Threads that an execve or an exit_group kills in the middle of a fork, while a vfork child lives on: all end. */
static int outlived(void)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (int i = 0; i < OUTLIVED; i++) {
		pthread_t thread;

		if (fork() != 0)
			continue;
		pthread_create(&thread, NULL, vfork_on, NULL);
		pthread_create(&thread, NULL, fork_on, NULL);
		usleep(1000 + (unsigned)i * 37 % 1500);
		if (i % 2 == 0)
			execl("/bin/true", "true", NULL);
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
	return 0;
}

/* What the program unmaps is free for what it maps there later. */
static int holes(void)
{
	static char stacks[THREADS][65536] __attribute__((aligned(4096)));

	for (int i = 0; i < 8; i++) {
		char *area = mmap(NULL, AREA, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		char *hole = area + AREA / 4;
		pthread_t thread[THREADS];
		pthread_attr_t attributes;

		if (area == MAP_FAILED || munmap(hole, HOLE) != 0)
			return 1;
		pthread_attr_init(&attributes);
		for (int k = 0; k < THREADS; k++)
			if (pthread_attr_setstack(&attributes, stacks[k], sizeof(stacks[k])) != 0 ||
			    pthread_create(&thread[k], &attributes, three, NULL) != 0)
				return 1;
		for (int k = 0; k < THREADS; k++)
			pthread_join(thread[k], NULL);
		if (mmap(hole, HOLE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
			 0) != hole)
			return 1;
	}
	return 0;
}

/* As a debugger does it: the child of vfork asks to be traced, and executes. */
static pid_t vfork_tracee(void)
{
	pid_t child = vfork();

	if (child == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		execl("/proc/self/exe", "three", "three", NULL);
		_exit(1);
	}
	return child;
}

static int traced(void)
{
	int status, calls = 0;
	pid_t child = vfork_tracee();

	if (waitpid(child, &status, 0) != child || status != (SIGTRAP << 8 | 0x7f))
		return 1;
	ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
	while (ptrace(PTRACE_SYSCALL, child, NULL, NULL) == 0 && waitpid(child, &status, 0) == child) {
		struct user_regs_struct regs;

		if (WIFEXITED(status))
			return status != 0 || calls != 6;
		if (status != ((SIGTRAP | 0x80) << 8 | 0x7f) || ptrace(PTRACE_GETREGS, child, NULL, &regs) != 0)
			return 1;
		calls += regs.orig_rax == 500;
	}
	return 1;
}

/* Makes call 500 for ever, with a mark in %r15. */
void call_marked(void) __attribute__((noreturn));
extern const char call_marked_end[];
__asm__(".globl call_marked\n"
	"call_marked:\n"
	"	mov $0x1234567, %r15d\n"
	"1:	mov $500, %eax\n"
	"	syscall\n"
	"	jmp 1b\n"
	".globl call_marked_end\n"
	"call_marked_end:\n");

/* Interrupts a tracee, and says whether the registers are the program's in the loop; -1: they could not be had. */
static int is_marked(pid_t child)
{
	struct user_regs_struct regs;

	ptrace(PTRACE_INTERRUPT, child, NULL, NULL);
	if (waitpid(child, NULL, 0) != child || ptrace(PTRACE_GETREGS, child, NULL, &regs) != 0)
		return -1;
	ptrace(PTRACE_CONT, child, NULL, NULL);
	return regs.r15 == 0x1234567 && regs.rip > (uint64_t)call_marked && regs.rip < (uint64_t)call_marked_end;
}

/* A tracer that interrupts a call, wherever that is, finds the registers of the program. */
static int interrupted(void)
{
	pid_t child = fork();
	int marked = 0, right = 0;

	if (child == 0)
		call_marked();
	if (ptrace(PTRACE_SEIZE, child, NULL, PTRACE_O_EXITKILL) != 0)
		return 1;
	while (marked == 0) { /* it is still on the way there */
		usleep(50000);
		marked = is_marked(child);
	}
	for (int i = 0; i < 60 && marked >= 0; i++) {
		usleep(1000);
		marked = is_marked(child);
		right += marked == 1;
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	printf("%d right\n", right);
	return right != 60;
}

static void handle(int sig)
{
	(void)sig;
	call();
}

static int storm(void)
{
	struct itimerval timer = { { 0, 500 }, { 0, 500 } };
	struct sigaction action = { .sa_handler = handle, .sa_flags = SA_RESTART };
	pthread_t thread[2];

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	for (int k = 0; k < 2; k++)
		pthread_create(&thread[k], NULL, busy, NULL);
	for (int i = 0; i < 5000; i++)
		call();
	over = 1;
	for (int k = 0; k < 2; k++)
		pthread_join(thread[k], NULL);
	memset(&timer, 0, sizeof(timer));
	setitimer(ITIMER_REAL, &timer, NULL);
	return 0;
}

static void *execute(void *argument)
{
	execl("/proc/self/exe", "hosted-program", "three", NULL);
	return argument;
}

static int exec(void)
{
	pthread_t thread, other;

	pthread_create(&other, NULL, busy, NULL);
	pthread_create(&thread, NULL, execute, NULL);
	pthread_join(thread, NULL);
	return 1;
}

/* Vector state: components that the kernel has switched on. */
#define STATE_MAX 16384
#define AVX 4u
#define ZMM_HIGH 0x40u
#define AVX512 0xe0u
#define TILECFG 17u
#define TILES (3u << TILECFG)
#define MXCSR 24

static uint8_t before[STATE_MAX] __attribute__((aligned(64))), after[STATE_MAX] __attribute__((aligned(64)));
static uint64_t components;
static uint32_t state_size;

static uint32_t random_state = 23;

static uint8_t random_byte(void)
{
	return (uint8_t)((random_state = random_state * 1103515245 + 12345) >> 16);
}

static void fill(size_t offset, size_t size)
{
	for (size_t i = 0; i < size; i++)
		before[offset + i] = random_byte();
}

/* Loads what is in `before`, makes a call, and saves to `after`. */
__attribute__((noinline)) static long call_with_state(long nr)
{
	long result;

	__asm__ volatile("mov %[low], %%eax\n\t"
			 "xor %%edx, %%edx\n\t"
			 "xrstor64 %[before]\n\t"
			 "mov %[nr], %%rax\n\t"
			 "syscall\n\t"
			 "mov %%rax, %%rbx\n\t"
			 "mov %[low], %%eax\n\t"
			 "xor %%edx, %%edx\n\t"
			 "xsave64 %[after]\n\t"
			 "fninit\n\t"
			 "ldmxcsr %[usual]"
			 : [after] "=m"(after), "=&b"(result)
			 : [before] "m"(before), [low] "r"((uint32_t)components), [nr] "r"(nr),
			   [usual] "m"((uint32_t){ 0x1f80 })
			 : "rax", "rcx", "rdx", "r11", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6",
			   "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
	return result;
}

/* Those components that are in use are filled; the others are as they are initially. */
static void fill_state(uint64_t used)
{
	uint32_t size, offset, ecx, edx;

	memset(before, 0, sizeof(before));
	memset(after, 0, sizeof(after));
	*(uint16_t *)before = 0x37f;
	*(uint32_t *)(before + MXCSR) = 0x3f80 | random_byte() % 64;
	if (used & 1) {
		if (random_byte() & 1) {
			*(uint16_t *)before = 0x0f7f; /* of the x87: rounds towards zero */
			before[4] = 0xff;             /* none of its registers is empty */
		}
		for (size_t i = 0; i < 8; i++)
			fill(32 + 16 * i, 9);
	}
	if (used & 2)
		fill(160, 256);
	for (unsigned i = 2; i < 32; i++) {
		if (!(used >> i & 1))
			continue;
		__cpuid_count(13, i, size, offset, ecx, edx);
		if (i != TILECFG) {
			fill(offset, size);
			continue;
		}
		before[offset] = 1; /* 8 tiles of 16 rows with 64 bytes */
		for (size_t tile = 0; tile < 8; tile++) {
			before[offset + 16 + 2 * tile] = 64;
			before[offset + 48 + tile] = 16;
		}
	}
	memcpy(before + 512, &used, 8);
}

/* Of components that are or are not in use: some for each number. */
static uint64_t some_components(int i)
{
	uint64_t some = i % 4 == 0 ? components : components & (random_byte() | AVX512 * (i % 3 == 0) | TILES);

	if (i % 5)
		some &= ~(uint64_t)TILES;
	return some;
}

static int state_differs(void)
{
	/* What XSAVE writes of the last x87 instruction is not the program's. */
	memset(before + 6, 0, 18);
	memset(after + 6, 0, 18);
	memset(before + 28, 0, 4); /* MXCSR_MASK */
	memset(after + 28, 0, 4);
	for (size_t i = 0; i < state_size; i++)
		if (before[i] != after[i] && (i < 416 || i >= 520)) {
			printf("byte %zu: %x, after the call %x\n", i, before[i], after[i]);
			return 1;
		}
	return 0;
}

/* Prints which kinds of upper halves are in use after a call that were not before. */
static int vectors(void)
{
	uint32_t eax, ebx, ecx, edx, high;
	uint64_t more = 0;

	if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & bit_OSXSAVE))
		return 77;
	__asm__("xgetbv" : "=a"(eax), "=d"(high) : "c"(0));
	components = eax & (3 | AVX | AVX512);
	if (!syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILECFG + 1))
		components |= eax & TILES;
	__cpuid_count(13, 0, eax, ebx, ecx, edx);
	state_size = ebx < STATE_MAX ? ebx : STATE_MAX;
	for (int i = 0; i < 6000; i++) {
		long nr = i % 100 == 99 ? SYS_fork : i & 1 ? 500 : SYS_getpid, result;
		uint64_t used = some_components(i);

		fill_state(used);
		result = call_with_state(nr);
		made += nr == 500;
		if (state_differs())
			return 1;
		/* On some processors a context switch lets AVX be in use where the upper halves of AVX-512 are. */
		more |= *(uint64_t *)(after + 512) & ~(used & ZMM_HIGH ? used | AVX : used);
		if (nr == SYS_fork && result == 0)
			_exit(state_differs() ? 1 : 7);
		if (nr == SYS_fork && (waitpid((pid_t)result, (int *)&eax, 0) != result || eax != 7 << 8))
			return 1;
	}
	printf("%#lx of %#lx\n", more & (AVX | AVX512 | TILES), components);
	return 0;
}

/* Makes a call without the C library, as the base of %fs may be anything. */
static long raw(long nr, long a1, void *a2)
{
	register long a4 __asm__("r10") = 0;
	long result;

	__asm__ volatile("syscall" : "=a"(result) : "a"(nr), "D"(a1), "S"(a2), "d"(0), "r"(a4)
			 : "rcx", "r11", "memory");
	return result;
}

/* The base of %fs is the program's own. */
static int fs(void)
{
	static unsigned long block[64], base, other;
	int wrong = 0;

	raw(SYS_arch_prctl, ARCH_GET_FS, &base);
	block[0] = (unsigned long)block;
	for (int i = 0; i < 200; i++) {
		raw(SYS_arch_prctl, ARCH_SET_FS, i & 1 ? block : (unsigned long *)base);
		raw(500, 0, NULL);
		raw(SYS_getppid, 0, NULL);
		made++;
		__asm__ volatile("mov %%fs:0, %0" : "=r"(other));
		wrong |= other != (i & 1 ? (unsigned long)block : base);
		raw(SYS_arch_prctl, ARCH_GET_FS, &other);
		wrong |= other != (i & 1 ? (unsigned long)block : base);
		if (i % 20 == 1) { /* a child has it, too */
			int status = 1;
			long child = raw(SYS_fork, 0, NULL);

			__asm__ volatile("mov %%fs:0, %0" : "=r"(other));
			if (child == 0)
				raw(SYS_exit_group, other != (unsigned long)block, NULL);
			raw(SYS_wait4, child, &status);
			wrong |= status;
		}
	}
	raw(SYS_arch_prctl, ARCH_SET_FS, (void *)base);
	return wrong;
}

static const struct {
	const char *name;
	int (*run)(void);
} cases[] = {
	{ "threads", threads }, { "forks", forks }, { "spawns", spawns }, { "storm", storm }, { "exec", exec },
	{ "vectors", vectors }, { "fs", fs }, { "killed", killed }, { "outlived", outlived },
	{ "holes", holes }, { "traced", traced },
	{ "interrupted", interrupted },
};

int main(int argc, char **argv)
{
	int result = argc == 2 && strcmp(argv[1], "three") == 0 ? three(NULL) != NULL : 2;

	if (argc == 3)
		forks_each = atoi(argv[2]);
	for (size_t i = 0; argc > 1 && i < sizeof(cases) / sizeof(cases[0]); i++)
		if (strcmp(argv[1], cases[i].name) == 0)
			result = cases[i].run();
	printf("made: %ld\n", made);
	return result;
}
