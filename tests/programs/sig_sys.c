/* SIGSYS belongs to the program as any other signal does: handled, ignored, blocked, from a filter. */
#include "guest.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <ucontext.h>

#ifndef SYS_SECCOMP
#define SYS_SECCOMP 1
#endif

static siginfo_t seen;
static volatile unsigned long seen_rip, seen_rax;
static volatile int handled;

static void on_sigsys(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	EXPECT(sig, SIGSYS);
	seen = *info;
	seen_rip = (unsigned long)uc->uc_mcontext.gregs[REG_RIP];
	seen_rax = (unsigned long)uc->uc_mcontext.gregs[REG_RAX];
	handled++;
}

CASE(raised)
{
	set_handler(SIGSYS, on_sigsys, 0);
	raise(SIGSYS);
	EXPECT(handled, 1);
	EXPECT(seen.si_code, SI_TKILL);
	EXPECT(seen.si_pid, getpid());
	EXPECT(raw(SYS_kill, getpid(), SIGSYS), 0);
	EXPECT(handled, 2);
	EXPECT(seen.si_code, SI_USER);
	NEED(sigqueue(getpid(), SIGSYS, (union sigval){ 17 }) == 0);
	EXPECT(handled, 3);
	EXPECT(seen.si_code, SI_QUEUE);
	EXPECT(seen.si_value.sival_int, 17);
	EXPECT(raw(SYS_getppid), getppid());
}

CASE(ignored)
{
	int i;

	signal(SIGSYS, SIG_IGN);
	for (i = 0; i < 10; i++)
		raise(SIGSYS);
	EXPECT(raw(SYS_close, -1), -EBADF);
	say("alive");
}

CASE(blocked)
{
	sigset_t set = sigset_of(SIGSYS), now;
	siginfo_t info;
	struct timespec zero = { 0, 0 };

	NEED(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	EXPECT(raw(SYS_close, -1), -EBADF);
	raise(SIGSYS);
	EXPECT(raw(SYS_close, -1), -EBADF);
	NEED(sigpending(&now) == 0);
	EXPECT(sigismember(&now, SIGSYS), 1);
	EXPECT(sigtimedwait(&set, &info, &zero), SIGSYS);
	NEED(sigpending(&now) == 0);
	EXPECT(sigismember(&now, SIGSYS), 0);
	set_handler(SIGSYS, on_sigsys, 0);
	handled = 0;
	raise(SIGSYS);
	EXPECT(handled, 0);
	NEED(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
	EXPECT(handled, 1);
}

/* Every signal blocked, by every means, and calls still work. */
CASE(all_blocked)
{
	unsigned long all = ~0UL, none = 0;
	int i;

	EXPECT(raw(SYS_rt_sigprocmask, SIG_SETMASK, &all, 0, 8), 0);
	for (i = 0; i < 10; i++)
		EXPECT(raw(SYS_close, -1), -EBADF);
	EXPECT(raw(SYS_rt_sigprocmask, SIG_SETMASK, &none, 0, 8), 0);
}

static volatile int calls_inside;

static void on_calling(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info, (void)context;
	EXPECT(raw(SYS_close, -1), -EBADF);
	EXPECT(raw(SYS_getppid), getppid());
	calls_inside++;
}

/* Handlers of SIGSYS, and handlers with a full mask, make calls. */
CASE(calls_in_handlers)
{
	struct sigaction sa = { .sa_sigaction = on_calling, .sa_flags = SA_SIGINFO };

	sigfillset(&sa.sa_mask);
	NEED(sigaction(SIGSYS, &sa, NULL) == 0);
	NEED(sigaction(SIGUSR1, &sa, NULL) == 0);
	raise(SIGSYS);
	raise(SIGUSR1);
	EXPECT(calls_inside, 2);
}

static void filter_call(int nr, unsigned int action)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { ARRAY_SIZE(code), code };

	NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	NEED(raw(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) == 0);
}

static unsigned long next_address;

static long call_getpgid(void)
{
	long ret;

	__asm__ volatile("lea 1f(%%rip), %%rcx\n\t"
			 "mov %%rcx, %[next]\n\t"
			 "syscall\n"
			 "1:"
			 : "=a"(ret), [next] "=m"(next_address)
			 : "a"(SYS_getpgid), "D"(POISON), "S"(POISON), "d"(POISON)
			 : "rcx", "r11", "memory");
	return ret;
}

/* SECCOMP_RET_TRAP: the handler learns which call, from where, and finds it not done. */
CASE(filter_trap)
{
	int i;

	set_handler(SIGSYS, on_sigsys, 0);
	filter_call(SYS_getpgid, SECCOMP_RET_TRAP | 42);
	for (i = 0; i < 5; i++) {
		handled = 0;
		EXPECT(call_getpgid(), SYS_getpgid);
		EXPECT(handled, 1);
		EXPECT(seen.si_code, SYS_SECCOMP);
		EXPECT(seen.si_errno, 42);
		EXPECT(seen.si_syscall, SYS_getpgid);
		EXPECT(seen.si_arch, AUDIT_ARCH_X86_64);
		EXPECT(seen.si_call_addr, next_address);
		EXPECT(seen_rip, next_address);
		EXPECT(seen_rax, SYS_getpgid);
	}
	EXPECT(raw(SYS_getppid), getppid());
}

static void on_emulate(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig, (void)info;
	uc->uc_mcontext.gregs[REG_RAX] = 4711;
}

CASE(filter_emulates)
{
	set_handler(SIGSYS, on_emulate, 0);
	filter_call(SYS_getpgid, SECCOMP_RET_TRAP);
	EXPECT(call_getpgid(), 4711);
}

CASE(filter_errno)
{
	filter_call(SYS_getpgid, SECCOMP_RET_ERRNO | 123);
	EXPECT(call_getpgid(), -123);
	EXPECT(raw(SYS_prctl, PR_GET_SECCOMP), 2);
}

CASE(filter_kill_process)
{
	filter_call(SYS_getpgid, SECCOMP_RET_KILL_PROCESS);
	call_getpgid();
	CHECK(!"alive");
}

static void kill_thread(void)
{
	filter_call(SYS_getpgid, SECCOMP_RET_KILL_THREAD);
	call_getpgid();
}

CASE(filter_kill_thread)
{
	say("-> %d", in_child(kill_thread));
}

static void trap_unhandled(void)
{
	filter_call(SYS_getpgid, SECCOMP_RET_TRAP);
	call_getpgid();
}

CASE(filter_trap_unhandled)
{
	say("-> %d", in_child(trap_unhandled));
}

static void trap_blocked(void)
{
	sigset_t set = sigset_of(SIGSYS);

	set_handler(SIGSYS, on_sigsys, 0);
	NEED(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	filter_call(SYS_getpgid, SECCOMP_RET_TRAP);
	call_getpgid();
	say("alive");
}

/* A forced signal that is blocked kills. */
CASE(filter_trap_blocked)
{
	say("-> %d", in_child(trap_blocked));
}

HELPER(bombed)
{
	int left = atoi(guest_argv[1]);
	char text[16];

	if (!left)
		return;
	snprintf(text, sizeof(text), "%d", left - 1);
	execl(self_path(), "zero", "bombed", text, NULL);
	_exit(2);
}

/* It comes at any moment of many an execve, to one who ignores or blocks it. */
STRESS(across_execve)
{
	sigset_t set = sigset_of(SIGSYS);
	int i;

	for (i = 0; i < 2; i++) {
		pid_t pid, got;
		int status;

		/* before the child can be hit */
		signal(SIGSYS, SIG_IGN);
		pid = fork();
		NEED(pid >= 0);
		if (pid == 0) {
			if (i) {
				sigprocmask(SIG_BLOCK, &set, NULL);
				signal(SIGSYS, SIG_DFL);
			}
			execl(self_path(), "zero", "bombed", "10", NULL);
			_exit(3);
		}
		usleep(1000);
		while ((got = waitpid(pid, &status, WNOHANG)) == 0) {
			kill(pid, SIGSYS);
			usleep(50);
		}
		EXPECT(got, pid);
		say("%d -> %#x", i, status);
	}
}

static void strict_mode(void)
{
	NEED(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0);
	(void)raw(SYS_write, 1, "strict\n", 7);
	raw(SYS_exit, 3);
}

static void strict_broken(void)
{
	NEED(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0);
	raw(SYS_getpid);
}

CASE(strict)
{
	say("-> %d", in_child(strict_mode));
	say("-> %d", in_child(strict_broken));
}

/* A filter that allows only what this program uses: the runtime around it needs nothing else. */
static void tight(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 99),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { ARRAY_SIZE(code), code };

	NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	NEED(raw(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) == 0);
	EXPECT(raw(SYS_getppid), -99);
	EXPECT(raw(SYS_write, 1, "allowed\n", 8), 8);
	raw(SYS_exit_group, guest_failures ? 1 : 5);
}

CASE(filter_tight)
{
	say("-> %d", in_child(tight));
}
