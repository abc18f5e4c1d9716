/* The i386 calls of a 64-bit program: int 0x80 with i386 numbers and 32-bit pointers. */
#include "guest.h"
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>

static long int80(unsigned long nr, unsigned long b, unsigned long c, unsigned long d, unsigned long si,
		  unsigned long di)
{
	long ret;

	__asm__ volatile("int $0x80"
			 : "=a"(ret)
			 : "a"(nr), "b"(b), "c"(c), "d"(d), "S"(si), "D"(di)
			 : "memory");
	return ret;
}

/* Low memory that 32-bit pointers reach. */
static char *low(void)
{
	static char *p;

	if (!p) {
		p = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
		NEED(p != MAP_FAILED);
	}
	return p;
}

#define LOW(offset) ((unsigned long)low() + (offset))
#define JUNK 0xdeadbeef00000000UL

CASE(simple)
{
	EXPECT(int80(20, 0, 0, 0, 0, 0), getpid());
	EXPECT(int80(64, 0, 0, 0, 0, 0), getppid());
	EXPECT(int80(6, -1UL, 0, 0, 0, 0), -EBADF);
	EXPECT(int80(JUNK | 20, JUNK, JUNK, JUNK, JUNK, JUNK), getpid());
	say("%ld %ld %ld %ld", int80(500, 0, 0, 0, 0, 0), int80(5000, 0, 0, 0, 0, 0),
	    int80(-1UL, 0, 0, 0, 0, 0), int80(0x40000014, 0, 0, 0, 0, 0));
	say("%ld %ld", int80(223, 0, 0, 0, 0, 0), int80(0xffffffff, 0, 0, 0, 0, 0));
}

CASE(memory)
{
	long brk;

	strcpy(low(), "written by int 0x80\n");
	EXPECT(int80(4, 1, LOW(0), 20, 0, 0), 20);
	EXPECT(int80(4, 1, JUNK | LOW(0), 20, 0, 0), 20);
	EXPECT(int80(4, 1, 16, 20, 0, 0), -EFAULT);
	say("high pointer %ld", int80(4, 1, (unsigned long)&brk & 0xfffff000, 0, 0, 0));
	brk = int80(45, 0, 0, 0, 0, 0);
	EXPECT((unsigned int)brk, (unsigned int)raw(SYS_brk, 0));
	/* mmap2 in pages */
	brk = int80(192, 0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1UL);
	CHECK(brk > 0 && brk <= 0xffffffffL);
	*(char *)brk = 1;
	EXPECT(int80(91, (unsigned long)brk, PAGE, 0, 0, 0), 0);
	/* uname: a known structure */
	EXPECT(int80(122, LOW(512), 0, 0, 0, 0), 0);
	say("%s", low() + 512);
}

CASE(forks)
{
	static const int numbers[] = { 2, 120 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		long pid = int80((unsigned long)numbers[i], SIGCHLD, 0, 0, 0, 0);

		if (pid == 0) {
			int80(1, 5 + i, 0, 0, 0, 0);
			__builtin_trap();
		}
		EXPECT(wait_for((pid_t)pid), 5 + (int)i);
	}
	no_children();
}

/* The child ends in the same assembly: it shares our stack. */
CASE(vfork)
{
	long pid;

	__asm__ volatile("int $0x80\n\t"
			 "test %%eax, %%eax\n\t"
			 "jnz 1f\n\t"
			 "mov $1, %%eax\n\t"
			 "mov $9, %%ebx\n\t"
			 "int $0x80\n"
			 "1:"
			 : "=a"(pid)
			 : "a"(190L)
			 : "rbx", "memory");
	EXPECT(wait_for((pid_t)pid), 9);
	no_children();
}

HELPER(executed)
{
	int i;

	for (i = 0; i < guest_argc; i++)
		say("argv[%d] = %s", i, guest_argv[i]);
	EXPECT(int80(20, 0, 0, 0, 0, 0), getpid());
}

static void exec_int80(void)
{
	unsigned int *argv = (unsigned int *)(low() + 4096), *envp = argv + 8;

	strcpy(low(), self_path());
	strcpy(low() + 8192, "zero");
	strcpy(low() + 8200, "executed");
	strcpy(low() + 8300, "A=B");
	argv[0] = (unsigned int)LOW(8192);
	argv[1] = (unsigned int)LOW(8200);
	argv[2] = argv[0];
	argv[3] = 0;
	envp[0] = (unsigned int)LOW(8300);
	envp[1] = 0;
	EXPECT(int80(11, LOW(9000), LOW(4096), LOW(4128), 0, 0), -ENOENT);
	EXPECT(int80(11, LOW(0), 16, LOW(4128), 0, 0), -EFAULT);
	no_children();
	int80(11, LOW(0), LOW(4096), LOW(4128), 0, 0);
	CHECK(!"execve");
}

CASE(execve)
{
	say("-> %d", in_child(exec_int80));
}

static void exit_group_int80(void)
{
	int80(252, 77 + 1, 0, 0, 0, 0);
}

CASE(exit)
{
	say("-> %d", in_child(exit_group_int80)); /* 78, but where the machine has no int $0x80 */
}

static unsigned long strict_nr;

/* Strict mode allows the calls with the i386 numbers of read, write, exit and sigreturn. */
static void strict_int80(void)
{
	long r;

	strcpy(low(), "written\n");
	NEED(raw(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0) == 0);
	r = int80(strict_nr, strict_nr == 3 ? -1UL : 1, LOW(0), 8, 0, 0);
	raw(SYS_exit, r == 8 ? 11 : r == -EBADF ? 12 : 13);
}

CASE(strict)
{
	/* exit, fork, read, write, getpid; and on x86-64 read, write, rt_sigreturn and exit */
	static const unsigned long numbers[] = { 1, 2, 3, 4, 20, 0, 15, 60, -1UL };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		strict_nr = numbers[i];
		say("%ld -> %d", (long)strict_nr, in_child(strict_int80));
	}
}

/* i386 signal calls with the i386 structure: read the disposition back, ignore and restore. */
CASE(sigaction)
{
	unsigned int *act = (unsigned int *)low();
	struct sigaction now;

	memset(act, 0, 64);
	act[0] = 1; /* SIG_IGN */
	EXPECT(int80(174, SIGUSR1, LOW(0), 0, 8, 0), 0);
	NEED(sigaction(SIGUSR1, NULL, &now) == 0);
	CHECK(now.sa_handler == SIG_IGN);
	act[0] = 0;
	EXPECT(int80(174, SIGUSR1, LOW(0), LOW(64), 8, 0), 0);
	EXPECT(act[16], 1);
	EXPECT(int80(174, SIGKILL, LOW(0), 0, 8, 0), -EINVAL);
	EXPECT(int80(174, SIGUSR1, LOW(0), 0, 16, 0), -EINVAL);
	/* rt_sigprocmask */
	act[0] = 1U << (SIGUSR2 - 1), act[1] = 0;
	EXPECT(int80(175, SIG_BLOCK, LOW(0), LOW(64), 8, 0), 0);
	EXPECT(act[16], 0);
	EXPECT(int80(175, SIG_UNBLOCK, LOW(0), LOW(64), 8, 0), 0);
	EXPECT(act[16], 1U << (SIGUSR2 - 1));
}

static volatile int handled;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info, (void)context;
	handled++;
}

static unsigned long mask_now(void)
{
	unsigned long mask = 0;

	EXPECT(raw(SYS_rt_sigprocmask, SIG_BLOCK, 0, &mask, 8), 0);
	return mask;
}

/* sgetmask, ssetmask and sigprocmask: masks of 32 bits, with SIGSYS in them. */
CASE(masks)
{
	unsigned long mask = 1ul << (SIGUSR1 - 1) | 1ul << (SIGSYS - 1) | 1ul << 40;
	unsigned *set = (unsigned *)low(), *old = set + 1;

	EXPECT(raw(SYS_rt_sigprocmask, SIG_SETMASK, &mask, 0, 8), 0);
	say("%#lx", int80(68, 0, 0, 0, 0, 0));
	raise(SIGSYS);
	for (int how = -1; how < 4; how++) {
		*set = 1u << (SIGUSR2 - 1) | 1u << (SIGKILL - 1) | 1u << (SIGSYS - 1);
		*old = 7;
		say("%d: %ld, %#x, %#lx", how, int80(126, (unsigned)how, LOW(0), how & 1 ? LOW(4) : 0, 0, 0), *old,
		    mask_now());
		EXPECT(raw(SYS_rt_sigprocmask, SIG_SETMASK, &mask, 0, 8), 0);
		if (how == SIG_BLOCK)
			signal(SIGSYS, SIG_IGN);
	}
	say("%ld %ld", int80(126, 0, 16, 0, 0, 0), int80(126, 0, 0, 16, 0, 0));
	say("%ld, %#x", int80(126, 77, 0, LOW(4), 0, 0), *old);
	say("%#lx, %#lx", int80(69, 0x80000200, 0, 0, 0, 0), mask_now());
	say("%#lx, %#lx", int80(69, JUNK, 0, 0, 0, 0), mask_now());
	EXPECT(raw(SYS_getppid) > 0, 1);
}

CASE(signalled)
{
	int i;

	set_handler(SIGUSR1, on_signal, 0);
	for (i = 0; i < 20; i++)
		EXPECT(int80(37, (unsigned long)getpid(), SIGUSR1, 0, 0, 0), 0);
	EXPECT(handled, 20);
	/* pause until the child's signal */
	if (fork() == 0) {
		usleep(20000);
		kill(getppid(), SIGUSR1);
		_exit(0);
	}
	EXPECT(int80(29, 0, 0, 0, 0, 0), -EINTR);
	wait_for(-1);
	EXPECT(handled, 21);
}

static void do_sysenter(void)
{
	long ret;

	__asm__ volatile("mov %%rsp, %%rbp\n\t"
			 "sysenter"
			 : "=a"(ret)
			 : "a"(20L)
			 : "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory");
	say("sysenter returned");
}

/* Invalid on AMD; returns into nowhere on Intel. Whatever it is, it is the same. */
CASE(sysenter)
{
	say("-> %d", in_child(do_sysenter));
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
	(void)context;
	say("sysenter: signal %d, code %d", sig, info->si_code);
	_exit(3);
}

static void sysenter_caught(void)
{
	static char stack[65536];
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) };

	NEED(sigaltstack(&ss, NULL) == 0);
	set_handler(SIGSEGV, on_fault, SA_ONSTACK);
	set_handler(SIGILL, on_fault, SA_ONSTACK);
	set_handler(SIGBUS, on_fault, SA_ONSTACK);
	do_sysenter();
}

CASE(sysenter_handler)
{
	say("-> %d", in_child(sysenter_caught));
}
