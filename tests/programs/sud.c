/* The program uses Syscall User Dispatch itself: its selector, its range, its SIGSYS. */
#include "guest.h"
#include <linux/audit.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <ucontext.h>

#define SUD 59 /* PR_SET_SYSCALL_USER_DISPATCH */
#define OFF 0
#define ON 1

#ifndef SYS_USER_DISPATCH
#define SYS_USER_DISPATCH 2
#endif

static volatile char selector;
static siginfo_t seen;
static volatile int handled;
static volatile unsigned long seen_rip, seen_rax, next_address;

static void on_sigsys(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	/* rt_sigreturn must not be dispatched */
	selector = 0;
	seen = *info;
	seen_rip = (unsigned long)uc->uc_mcontext.gregs[REG_RIP];
	seen_rax = (unsigned long)uc->uc_mcontext.gregs[REG_RAX];
	if (seen_rax == SYS_getppid)
		uc->uc_mcontext.gregs[REG_RAX] = 4242;
	handled++;
}

static long call_getppid(void)
{
	long ret;

	__asm__ volatile("lea 1f(%%rip), %%rcx\n\t"
			 "mov %%rcx, %[next]\n\t"
			 "syscall\n"
			 "1:"
			 : "=a"(ret), [next] "=m"(next_address)
			 : "a"(SYS_getppid)
			 : "rcx", "r11", "memory");
	return ret;
}

CASE(dispatched)
{
	int i;

	set_handler(SIGSYS, on_sigsys, 0);
	EXPECT(raw(SYS_prctl, SUD, ON, 0, 0, &selector), 0);
	for (i = 0; i < 10; i++) {
		handled = 0;
		EXPECT(call_getppid(), getppid());
		EXPECT(handled, 0);
		selector = 1;
		EXPECT(call_getppid(), 4242);
		EXPECT(handled, 1);
		EXPECT(seen.si_code, SYS_USER_DISPATCH);
		EXPECT(seen.si_syscall, SYS_getppid);
		EXPECT(seen.si_arch, AUDIT_ARCH_X86_64);
		EXPECT(seen.si_call_addr, next_address);
		EXPECT(seen_rip, next_address);
		EXPECT(seen_rax, SYS_getppid);
		EXPECT(seen.si_errno, 0);
	}
	EXPECT(raw(SYS_prctl, SUD, OFF, 0, 0, 0), 0);
	selector = 1;
	EXPECT(call_getppid(), getppid());
	EXPECT(handled, 1);
}

/* Calls from the exempt range go through whatever the selector says. */
CASE(exempt_range)
{
	static const unsigned char code[] = { 0x48, 0x89, 0xf8, 0x0f, 0x05, 0xc3 };
	unsigned char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long (*inside)(long nr) = (long (*)(long))p;

	memcpy(p, code, sizeof(code));
	NEED(mprotect(p, PAGE, PROT_READ | PROT_EXEC) == 0);
	set_handler(SIGSYS, on_sigsys, 0);
	EXPECT(raw(SYS_prctl, SUD, ON, p, PAGE, &selector), 0);
	handled = 0;
	selector = 1;
	CHECK(inside(SYS_getuid) >= 0);
	EXPECT(handled, 0);
	EXPECT(call_getppid(), 4242);
	EXPECT(handled, 1);
	EXPECT(raw(SYS_prctl, SUD, OFF, 0, 0, 0), 0);
}

CASE(errors)
{
	EXPECT(raw(SYS_prctl, SUD, OFF, 0, 0, 0), 0);
	EXPECT(raw(SYS_prctl, SUD, OFF, 0, 0, 0), 0);
	EXPECT(raw(SYS_prctl, SUD, OFF, 1, 0, 0), -EINVAL);
	EXPECT(raw(SYS_prctl, SUD, OFF, 0, 1, 0), -EINVAL);
	EXPECT(raw(SYS_prctl, SUD, OFF, 0, 0, &selector), -EINVAL);
	EXPECT(raw(SYS_prctl, SUD, ON, 1, 0, &selector), -EINVAL);
	EXPECT(raw(SYS_prctl, SUD, ON, -8, 16, &selector), -EINVAL);
	EXPECT(raw(SYS_prctl, SUD, ON, 0, 0, -8), -EFAULT);
	EXPECT(raw(SYS_prctl, SUD, 77, 0, 0, 0), -EINVAL);
	say("mode 2: %ld", raw(SYS_prctl, SUD, 2, 0, 0, 0));
	EXPECT(raw(SYS_close, -1), -EBADF);
}

/* A selector value that is none, and one that cannot be read, kill. */
static void bad_value(void)
{
	static volatile char bad;

	set_handler(SIGSYS, on_sigsys, 0);
	raw(SYS_prctl, SUD, ON, 0, 0, &bad);
	bad = 7;
	call_getppid();
	_exit(0);
}

static void bad_address(void)
{
	char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	raw(SYS_prctl, SUD, ON, 0, 0, p);
	raw(SYS_mprotect, p, PAGE, PROT_NONE);
	call_getppid();
	_exit(0);
}

static void unhandled(void)
{
	raw(SYS_prctl, SUD, ON, 0, 0, &selector);
	selector = 1;
	call_getppid();
	_exit(0);
}

static void blocked(void)
{
	unsigned long set = 1UL << (SIGSYS - 1);

	set_handler(SIGSYS, on_sigsys, 0);
	raw(SYS_rt_sigprocmask, SIG_BLOCK, &set, 0, 8);
	raw(SYS_prctl, SUD, ON, 0, 0, &selector);
	selector = 1;
	call_getppid();
	_exit(0);
}

CASE(deadly)
{
	say("bad value -> %d", in_child(bad_value));
	say("bad address -> %d", in_child(bad_address));
	say("unhandled -> %d", in_child(unhandled));
	say("blocked -> %d", in_child(blocked));
}

HELPER(executed)
{
	EXPECT(call_getppid(), getppid());
	say("not inherited by execve");
}

static void exec_with(void)
{
	selector = 0;
	raw(SYS_prctl, SUD, ON, 0, 0, &selector);
	execl(self_path(), "zero", "executed", NULL);
}

static void *thread_with(void *arg)
{
	pid_t parent = *(pid_t *)arg;

	selector = 1;
	EXPECT(call_getppid(), parent);
	selector = 0;
	return NULL;
}

/* Neither children nor threads nor the next program have it. */
CASE(not_inherited)
{
	pid_t parent = getppid(), pid, self = getpid();
	pthread_t t;

	set_handler(SIGSYS, on_sigsys, 0);
	EXPECT(raw(SYS_prctl, SUD, ON, 0, 0, &selector), 0);
	handled = 0;
	pid = fork();
	if (pid == 0) {
		selector = 1;
		EXPECT(call_getppid(), self);
		raw(SYS_exit_group, guest_failures ? 1 : 0);
	}
	EXPECT(wait_for(pid), 0);
	NEED(pthread_create(&t, NULL, thread_with, &parent) == 0);
	pthread_join(t, NULL);
	EXPECT(handled, 0);
	selector = 1;
	EXPECT(call_getppid(), 4242);
	EXPECT(raw(SYS_prctl, SUD, OFF, 0, 0, 0), 0);
	say("-> %d", in_child(exec_with));
}

/* Only what comes from the range is dispatched: Linux 6.16. An older kernel refuses the mode. */
CASE(inclusive)
{
	const unsigned long mode = 2, start = (unsigned long)call_getppid, size = 64;
	long r;

	set_handler(SIGSYS, on_sigsys, 0);
	selector = 1;
	handled = 0;
	r = raw(SYS_prctl, SUD, mode, start, size, &selector);
	if (r == 0) {
		EXPECT(raw(SYS_getuid) >= 0, 1);
		EXPECT(handled, 0);
		EXPECT(raw(SYS_prctl, SUD, mode, start, 0, &selector), -EINVAL);
	}
	selector = 0;
	say("inclusive %ld, off %ld", r, raw(SYS_prctl, SUD, OFF, 0, 0, 0));
}
