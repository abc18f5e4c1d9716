/*
 * A random program: its seed says what it does, and it prints what it finds. Natively it prints the same each time:
 * nothing that it prints depends on time, on addresses or on ids. usage: random run|wide|rare SEED [DEPTH]
 * wide: also what is in random/; rare: what few programs do
 */
#include "guest.h"
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/signalfd.h>
#include <sys/user.h>
#include <time.h>
#include <ucontext.h>

#define MAX_DEPTH 3

extern char **environ;

static uint64_t state;
static int depth;
static const char *program;

static uint32_t draw(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)((state * 0x2545f4914f6cdd1dul) >> 33) % below;
}

/* Faults. */
static void touch_nothing(void)
{
	volatile uintptr_t address = 8;

	*(volatile char *)address = 1;
}

#define PICK(array) ((array)[draw(ARRAY_SIZE(array))])

static void some(int count);

/* Calls with arguments that make no sense. */

/* Three pages: writable, read-only, none. Not where the kernel chooses: an address may be taken for a number. */
static char *const scratch = (char *)0x20000000;

static void map_scratch(void)
{
	NEED(mmap(scratch, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == scratch);
	NEED(mmap(scratch + PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == scratch + PAGE);
	NEED(mmap(scratch + 2 * PAGE, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED);
}

static long nonsense(void)
{
	const long values[] = {
		0, -1, 999, 8, 4096, 1 << 20, 1ul << 31, 1ul << 47, -4096, 0x8000000000000000, 64, 65, 100, 7,
		(long)scratch, (long)(scratch + PAGE), (long)(scratch + 2 * PAGE), (long)(scratch + PAGE - 4),
		(long)(scratch + 2 * PAGE - 4), (long)scratch + 3,
	};

	return PICK(values);
}

static void call_nonsense(void)
{
	static const short calls[] = {
		SYS_read, SYS_write, SYS_open, SYS_stat, SYS_fstat, SYS_lstat, SYS_lseek, SYS_mprotect, SYS_munmap,
		SYS_rt_sigprocmask, SYS_ioctl, SYS_pread64, SYS_pwrite64, SYS_readv, SYS_writev, SYS_access, SYS_pipe,
		SYS_madvise, SYS_mincore, SYS_dup2, SYS_getpeername, SYS_socketpair, SYS_setsockopt, SYS_getsockopt,
		SYS_bind, SYS_connect, SYS_sendto, SYS_sendmsg, SYS_fsync, SYS_ftruncate, SYS_getcwd, SYS_chdir,
		SYS_rename, SYS_mkdir, SYS_readlink, SYS_chmod, SYS_gettimeofday, SYS_getrlimit, SYS_getrusage,
		SYS_sysinfo, SYS_times, SYS_sched_getparam, SYS_sched_setscheduler, SYS_prctl, SYS_arch_prctl,
		SYS_setrlimit, SYS_sigaltstack, SYS_utime, SYS_statfs, SYS_mlock, SYS_epoll_create, SYS_timer_create,
		SYS_timer_settime, SYS_clock_gettime, SYS_clock_getres, SYS_inotify_add_watch, SYS_openat,
		SYS_signalfd4, SYS_timerfd_create, SYS_eventfd2, SYS_dup3, SYS_pipe2, SYS_preadv, SYS_pwritev,
		SYS_rt_tgsigqueueinfo, SYS_rt_sigqueueinfo, SYS_tgkill, SYS_process_vm_readv, SYS_seccomp,
		SYS_execve, SYS_execveat, SYS_memfd_create, SYS_bpf, SYS_copy_file_range, SYS_pkey_mprotect, SYS_statx,
		SYS_io_uring_setup, SYS_io_uring_enter, SYS_clone3, SYS_openat2, SYS_epoll_ctl, SYS_rt_sigpending,
		SYS_rt_sigaction, SYS_mremap, SYS_remap_file_pages, SYS_shmat, SYS_shmdt, SYS_wait4, SYS_waitid,
		SYS_ptrace, SYS_mmap, SYS_close, SYS_getgroups, SYS_setgroups, SYS_capget, SYS_membarrier, SYS_rseq,
		335, 336, 400, 423, 470, 499, 511, 512, 547, 548, 600, 1000,
	};
	long nr = PICK(calls), args[6], r;

	map_scratch();
	for (int i = 0; i < 6; i++)
		args[i] = nonsense();
	if (nr == SYS_wait4 || nr == SYS_waitid)
		args[nr == SYS_wait4 ? 2 : 3] = WNOHANG;
	/* Calls whose success would be felt elsewhere, or whose result says something of this machine. */
	if ((nr == SYS_sched_setscheduler || nr == SYS_setrlimit || nr == SYS_sched_getparam) && args[1] != -1)
		args[1] = -1;
	if (nr == SYS_prctl && (args[0] <= 65 || args[0] == 100))
		args[0] = 999;
	if (nr == SYS_rt_sigaction)
		args[0] = 65;
	if (nr == SYS_rt_sigprocmask)
		args[3] = 7;
	if (nr == SYS_arch_prctl || nr == SYS_rseq || nr == SYS_setgroups || nr == SYS_tgkill || nr == SYS_ptrace)
		args[0] = -1;
	if (nr == SYS_rt_tgsigqueueinfo || nr == SYS_rt_sigqueueinfo)
		args[0] = 1ul << 30;
	if (nr == SYS_mprotect || nr == SYS_munmap || nr == SYS_madvise || nr == SYS_pkey_mprotect ||
	    nr == SYS_mremap || nr == SYS_remap_file_pages || nr == SYS_mlock)
		args[0] = (long)scratch + draw(4) * 1024, args[1] = draw(3) * 1500;
	if (nr == SYS_mremap)
		args[2] = draw(2) * PAGE, args[3] = draw(8);
	if (nr == SYS_mmap)
		args[0] = 0, args[3] |= MAP_ANONYMOUS, args[1] &= 0xffff;
	if (nr == SYS_sigaltstack)
		args[0] = args[0] == (long)scratch ? 8 : args[0];
	if (nr == SYS_close || nr == SYS_dup2 || nr == SYS_dup3)
		args[0] = 999, args[1] = 999;
	if (draw(16) == 0)
		nr |= 0x40000000;
	else if (draw(16) == 0)
		nr = (long)(0xffffffff00000000ul | (unsigned long)nr); /* the kernel looks at 32 bits */
	r = raw6(nr, args[0], args[1], args[2], args[3], args[4], args[5]);
	if (r < 0 && r >= -4095)
		say("call %ld: %ld", nr, r);
	else
		say("call %ld: %s", nr, r ? "done" : "0");
	/* What may have been opened. */
	if (r > 2 && r < 1024)
		raw(SYS_close, r);
}

/* Signals. */

static const int signals[] = { SIGHUP,	SIGUSR1, SIGUSR2, SIGSYS,   SIGSEGV,	 SIGBUS,	SIGILL, SIGFPE,
			       SIGTRAP, SIGALRM, SIGTERM, SIGWINCH, 35,       39,     SIGURG };
static volatile int nested;

static uint64_t shown_mask(const sigset_t *set)
{
	uint64_t mask = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(signals); i++)
		mask |= (uint64_t)(sigismember(set, signals[i]) == 1) << i;
	return mask;
}

static bool is_harmless(int sig)
{
	struct sigaction now;

	sigaction(sig, NULL, &now);
	return now.sa_handler != SIG_DFL || sig == SIGWINCH || sig == SIGURG;
}

static void send_one(int sig)
{
	sigset_t blocked;
	siginfo_t info = { .si_code = SI_QUEUE };
	pid_t pid = getpid();
	long r;

	sigprocmask(SIG_BLOCK, NULL, &blocked);
	/* Otherwise it would be fatal now, or when it is unblocked. */
	if (!is_harmless(sig))
		return;
	info.si_pid = pid;
	info.si_value.sival_int = (int)draw(1000);
	switch (draw(5)) {
	case 0: r = raw(SYS_kill, pid, sig); break;
	case 1: r = raw(SYS_tgkill, pid, raw(SYS_gettid), sig); break;
	case 2: r = raw(SYS_tkill, raw(SYS_gettid), sig); break;
	case 3: r = raw(SYS_rt_sigqueueinfo, pid, sig, &info); break;
	default: r = raw(SYS_rt_tgsigqueueinfo, pid, raw(SYS_gettid), sig, &info); break;
	}
	say("sent %d: %ld", sig, r);
}

static void on_random(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	sigset_t now;

	sigprocmask(SIG_BLOCK, NULL, &now);
	say("%*shandler %d, code %d, value %d, own %d, interrupted mask %lx, mask %lx", nested, "", sig, info->si_code,
	    info->si_code == SI_QUEUE ? info->si_value.sival_int : -1, info->si_pid == getpid(),
	    (long)shown_mask(&uc->uc_sigmask), (long)shown_mask(&now));
	if (nested < 3) {
		nested++;
		if (draw(3) == 0)
			send_one(PICK(signals));
		if (draw(4) == 0)
			sigaddset(&uc->uc_sigmask, PICK(signals));
		if (draw(4) == 0)
			say("call in handler: %ld", raw(SYS_close, -1));
		nested--;
	}
}

static void do_signals(void)
{
	static char stack[1 << 16];
	static const int flags[] = { SA_NODEFER, SA_RESTART, SA_RESETHAND, SA_ONSTACK };
	stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };
	sigset_t set, now;
	siginfo_t info;
	int sig, fd;

	if (!nested)
		sigaltstack(&alternate, NULL);
	for (uint32_t steps = 3 + draw(10); steps; steps--) {
		struct sigaction action = { .sa_flags = SA_SIGINFO };
		struct timespec zero = { 0 };
		struct signalfd_siginfo from;

		sig = PICK(signals);
		sigemptyset(&set);
		for (uint32_t n = draw(5); n; n--)
			sigaddset(&set, PICK(signals));
		switch (draw(9)) {
		case 0:
		case 1:
			action.sa_sigaction = on_random;
			for (uint32_t n = draw(3); n; n--)
				action.sa_flags |= PICK(flags);
			action.sa_mask = set;
			sigaction(sig, &action, NULL);
			break;
		case 2:
			signal(sig, SIG_IGN);
			break;
		case 3:
			say("mask: %d", sigprocmask((int)draw(3), &set, NULL));
			break;
		case 4:
		case 5:
			send_one(sig);
			break;
		case 6:
			sigpending(&now);
			say("pending %lx", (long)shown_mask(&now));
			break;
		case 7:
			memset(&info, 0, sizeof(info));
			say("waited: %ld, code %d", raw(SYS_rt_sigtimedwait, &set, &info, &zero, 8), info.si_code);
			break;
		default:
			fd = signalfd(-1, &set, SFD_NONBLOCK);
			memset(&from, 0, sizeof(from));
			say("read: %ld, signal %u, code %d", raw(SYS_read, fd, &from, sizeof(from)), from.ssi_signo,
			    from.ssi_code);
			close(fd);
		}
	}
	sigpending(&now);
	sigprocmask(SIG_BLOCK, NULL, &set);
	say("in the end pending %lx, blocked %lx", (long)shown_mask(&now), (long)shown_mask(&set));
	if (draw(2))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(signals); i++)
		signal(signals[i], SIG_IGN);
	sigemptyset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	for (unsigned i = 0; i < ARRAY_SIZE(signals); i++)
		if (draw(2))
			signal(signals[i], SIG_DFL);
}

/* Faults. */

static __thread sigjmp_buf back;
static __thread siginfo_t fault_info;
static __thread greg_t fault_regs[NGREG];

static void on_fault(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	fault_info = *info;
	memcpy(fault_regs, ((ucontext_t *)context)->uc_mcontext.gregs, sizeof(fault_regs));
	siglongjmp(back, 1);
}

static void do_fault(void)
{
	static const int raised[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP };
	const unsigned long addresses[] = {
		0, 8, (unsigned long)scratch + PAGE, (unsigned long)scratch + 2 * PAGE, 1ul << 47, -4096ul, 1ul << 63,
	};
	struct sigaction before[ARRAY_SIZE(raised)];
	sigset_t mask, old;
	unsigned long address;
	volatile uint32_t kind = draw(7);

	map_scratch();
	sigemptyset(&mask);
	for (unsigned i = 0; i < ARRAY_SIZE(raised); i++) {
		struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

		action.sa_flags |= draw(2) ? SA_ONSTACK : 0;
		sigaction(raised[i], &action, &before[i]);
		sigaddset(&mask, raised[i]);
	}
	sigprocmask(SIG_UNBLOCK, &mask, &old);
	address = PICK(addresses);
	if (sigsetjmp(back, 1)) {
		say("fault %u: signal %d, code %d, err %lx, trap %ld, address %s", kind, fault_info.si_signo,
		    fault_info.si_code, (long)fault_regs[REG_ERR], (long)fault_regs[REG_TRAPNO],
		    fault_info.si_addr == (void *)address ? "that" : fault_info.si_addr ? "other" : "none");
	} else {
		switch (kind) {
		case 0: (void)*(volatile char *)address; break;
		case 1: *(volatile char *)address = 1; break;
		case 2: __asm__ volatile("ud2"); break;
		case 3: __asm__ volatile("int3"); break;
		case 4: __asm__ volatile("xor %%ecx, %%ecx\n\tdiv %%ecx" : : "a"(1), "d"(0) : "ecx"); break;
		case 5: __asm__ volatile("hlt"); break;
		default: ((void (*)(void))address)(); break;
		}
		say("fault %u: none", kind);
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	for (unsigned i = 0; i < ARRAY_SIZE(raised); i++)
		sigaction(raised[i], &before[i], NULL);
}

/* Processes and threads. */

static void leave(void)
{
	int code = (int)draw(100);

	switch (draw(4)) {
	case 0:
		raw(SYS_exit, code);
		break;
	case 1: {
		char seed[32], level[8];
		const char *words[] = { "random", guest_argv[0], seed, level, NULL };

		snprintf(seed, sizeof(seed), "%u", draw(1u << 30));
		snprintf(level, sizeof(level), "%d", depth);
		if (draw(2))
			execv(program, (char **)words);
		else
			raw(SYS_execveat, open(program, O_PATH | O_CLOEXEC), "", words, environ, AT_EMPTY_PATH);
		say("not executed: %d", errno);
		break;
	}
	case 2: {
		static const int deadly[] = { SIGTERM, SIGKILL, SIGSYS, SIGSEGV, SIGALRM, SIGTRAP, SIGHUP };
		int sig = PICK(deadly);
		sigset_t set = sigset_of(sig);

		if (sig != SIGKILL) {
			prctl(PR_SET_DUMPABLE, 0);
			signal(sig, SIG_DFL);
			sigprocmask(SIG_UNBLOCK, &set, NULL);
		}
		raw(SYS_kill, raw(SYS_getpid), sig);
		break;
	}
	}
	raw(SYS_exit_group, code);
}

static void await(pid_t pid)
{
	int status = -1;
	pid_t r;

	do
		r = waitpid(pid, &status, __WALL);
	while (r < 0 && errno == EINTR);
	say("child %s, status %x", r == pid ? "ended" : "lost", (unsigned)status);
}

/* In a process of its own, which ends itself. */
static void in_own_process(void (*fn)(void))
{
	pid_t pid;

	if (depth >= MAX_DEPTH || nested)
		return;
	pid = fork();
	if (pid == 0) {
		depth++;
		fn();
	}
	(void)draw(2);
	await(pid);
}

static int in_clone(void *arg)
{
	(void)arg;
	some((int)draw(3));
	raw(SYS_exit_group, draw(100));
	return 0;
}

static void do_process(void)
{
	uint64_t seed = (uint64_t)draw(1u << 30) << 20 | 1;
	char *stack;
	pid_t pid;

	if (depth >= MAX_DEPTH)
		return;
	switch (draw(4)) {
	case 0:
	case 1:
		pid = fork();
		if (pid == 0) {
			depth++;
			state = seed;
			some((int)draw(5));
			leave();
		}
		break;
	case 2:
		pid = vfork();
		if (pid == 0) {
			const char *words[] = { "random", guest_argv[0], "77", "9", NULL };

			if (seed & 1 << 20)
				execv(program, (char **)words);
			_exit(3);
		}
		break;
	default:
		/* The child shares the memory, with the state of the numbers that are drawn. */
		stack = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		depth++;
		pid = clone(in_clone, stack + 64 * PAGE, CLONE_VM | CLONE_VFORK | (draw(2) ? SIGCHLD : 0), NULL);
		depth--;
		await(pid);
		munmap(stack, 64 * PAGE);
		return;
	}
	await(pid);
}

static void *in_thread(void *mask)
{
	pthread_sigmask(SIG_SETMASK, mask, NULL);
	some((int)draw(4));
	return NULL;
}

static void do_thread(void)
{
	sigset_t all, mask;
	pthread_t thread;

	if (depth >= MAX_DEPTH)
		return;
	depth++;
	/* What is sent to the process is for the other thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &mask);
	NEED(pthread_create(&thread, NULL, in_thread, &mask) == 0);
	pthread_join(thread, NULL);
	depth--;
	say("joined");
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
}

/* Code that makes calls, written at run time. */
static void do_code(void)
{
	static const uint8_t call[] = { 0xb8, 0, 0, 0, 0, 0x0f, 0x05, 0xc3 };
	static const uint8_t int80[] = { 0xb8, 0, 0, 0, 0, 0xcd, 0x80, 0xc3 };
	const struct {
		int nr, nr32;
		const char *name;
	} calls[] = { { SYS_getppid, 64, "getppid" }, { 600, 600, "none" } };
	int fd = draw(2) ? (int)raw(SYS_memfd_create, "code", 0) : -1;
	char *page;

	if (fd >= 0)
		NEED(ftruncate(fd, PAGE) == 0);
	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS, fd, 0);
	NEED(page != MAP_FAILED);
	for (uint32_t steps = 1 + draw(4); steps; steps--) {
		bool old = draw(4) == 0;
		unsigned which = draw(2);
		long r;

		NEED(mprotect(page, PAGE, PROT_READ | PROT_WRITE) == 0);
		memcpy(page, old ? int80 : call, sizeof(call));
		memcpy(page + 1, old ? &calls[which].nr32 : &calls[which].nr, 4);
		NEED(mprotect(page, PAGE, PROT_READ | PROT_EXEC) == 0);
		if (draw(4) == 0) {
			char *there = mremap(page, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, scratch);

			NEED(there == scratch);
			page = mremap(there, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, page);
			map_scratch();
		}
		r = ((long (*)(void))page)();
		say("code %s%s: %s", calls[which].name, old ? " by int80" : "",
		    r == getppid() ? "right" : r == -ENOSYS ? "ENOSYS" : "wrong");
	}
	munmap(page, PAGE);
	if (fd >= 0)
		close(fd);
}

/* Filters and the program's own dispatch. */

static const int filtered[] = { SYS_getppid, SYS_getuid, 600, SYS_sched_yield, SYS_getpgrp };

static void on_trap(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	say("trapped: code %d, call %d, arch %x, result %ld, place %s", info->si_code, info->si_syscall, info->si_arch,
	    (long)uc->uc_mcontext.gregs[REG_RAX],
	    (greg_t)info->si_call_addr == uc->uc_mcontext.gregs[REG_RIP] ? "right" : "wrong");
	uc->uc_mcontext.gregs[REG_RAX] = 4711;
}

static void try_filtered(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(filtered); i++) {
		long r = raw(filtered[i]);

		say("call %d: %ld", filtered[i], r < 0 || r == 4711 ? r : 0);
	}
}

static void in_filter(void)
{
	const uint32_t actions[] = {
		SECCOMP_RET_ERRNO | 77,
		SECCOMP_RET_TRAP, SECCOMP_RET_ALLOW, SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_TRACE,
	};
	struct sigaction action = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO };

	sigaction(SIGSYS, &action, NULL);
	NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	prctl(PR_SET_DUMPABLE, 0);
	for (uint32_t n = 1 + draw(2); n; n--) {
		struct sock_filter code[] = {
			BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)PICK(filtered), 0, 1),
			BPF_STMT(BPF_RET | BPF_K, PICK(actions)),
			BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		};
		struct sock_fprog prog = { ARRAY_SIZE(code), code };

		say("filter: %ld", raw(SYS_seccomp, SECCOMP_SET_MODE_FILTER, draw(2), &prog));
		try_filtered();
	}
	some((int)draw(3));
	leave();
}

static void do_filter(void)
{
	in_own_process(in_filter);
}

static volatile char selector;

static void on_dispatch(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	selector = SYSCALL_DISPATCH_FILTER_ALLOW;
	say("dispatched: code %d, call %d, number %ld", info->si_code, info->si_syscall,
	    (long)uc->uc_mcontext.gregs[REG_RAX]);
	uc->uc_mcontext.gregs[REG_RAX] = 4711;
}

static void do_dispatch(void)
{
	struct sigaction action = { .sa_sigaction = on_dispatch, .sa_flags = SA_SIGINFO }, before;
	sigset_t set = sigset_of(SIGSYS), old;

	sigaction(SIGSYS, &action, &before);
	sigprocmask(SIG_UNBLOCK, &set, &old);
	selector = SYSCALL_DISPATCH_FILTER_ALLOW;
	say("dispatch: %d", prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0, 0, &selector));
	for (uint32_t n = draw(4); n; n--) {
		long r;

		selector = draw(2) ? SYSCALL_DISPATCH_FILTER_BLOCK : SYSCALL_DISPATCH_FILTER_ALLOW;
		r = raw(PICK(filtered));
		selector = SYSCALL_DISPATCH_FILTER_ALLOW;
		say("call: %ld", r < 0 || r == 4711 ? r : 0);
	}
	say("no dispatch: %d", prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 0, 0));
	sigprocmask(SIG_SETMASK, &old, NULL);
	sigaction(SIGSYS, &before, NULL);
}

/* A tracer. */

static void traced(uint32_t calls, uint64_t seed)
{
	ptrace(PTRACE_TRACEME, 0, 0, 0);
	raw(SYS_kill, raw(SYS_getpid), SIGSTOP);
	state = seed;
	for (; calls; calls--) {
		long r = raw(PICK(filtered));

		if (draw(4) == 0)
			raw(SYS_kill, raw(SYS_getpid), SIGURG);
		if (r == 4711)
			raw(SYS_close, -1);
	}
	raw(SYS_exit_group, 5);
}

static void do_tracer(void)
{
	uint32_t calls = 1 + draw(4), change = draw(12);
	uint64_t seed = (uint64_t)draw(1u << 30) << 20 | 1;
	int status = 0, stops = 0;
	bool entry = true, step = draw(4) == 0;
	pid_t pid;

	if (depth >= MAX_DEPTH)
		return;
	pid = fork();
	if (pid == 0)
		traced(calls, seed);
	for (;;) {
		struct user_regs_struct regs;
		pid_t r = waitpid(pid, &status, 0);
		int sig = WSTOPSIG(status);

		if (r < 0 && errno == EINTR)
			continue;
		if (r != pid || !WIFSTOPPED(status))
			break;
		if (stops++ == 0) {
			ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
			sig = 0;
		} else if (sig == (SIGTRAP | 0x80)) {
			NEED(ptrace(PTRACE_GETREGS, pid, 0, &regs) == 0);
			say("%s %ld: %ld", entry ? "entry" : "exit", (long)regs.orig_rax,
			    (long)regs.rax < 0 || regs.rax == 4711 ? (long)regs.rax : 0);
			if (change == (uint32_t)stops) {
				if (entry)
					regs.orig_rax = 600;
				else
					regs.rax = 4711;
				NEED(ptrace(PTRACE_SETREGS, pid, 0, &regs) == 0);
			}
			entry = !entry;
			sig = 0;
		} else {
			say("stop for %d", sig);
			if (sig == SIGTRAP)
				sig = 0;
		}
		if (stops > 60)
			step = false;
		ptrace(step && entry && stops % 3 == 0 ? PTRACE_SINGLESTEP : PTRACE_SYSCALL, pid, 0, sig);
	}
	say("traced: status %x, stops %d", (unsigned)status, step ? 0 : stops);
}

/* Calls that a signal ends. */

static void on_tick(int sig)
{
	(void)sig;
}

static void do_timer(void)
{
	/* Not too soon: on a busy machine the call has to begin before. */
	struct itimerval soon = { .it_value = { 0, 20000 } };
	struct timespec long_time = { 5, 0 };
	struct sigaction action = { .sa_handler = on_tick, .sa_flags = draw(2) ? SA_RESTART : 0 }, before;
	sigset_t set = sigset_of(SIGALRM), old;
	char byte;
	int fd[2];
	long r;

	sigaction(SIGALRM, &action, &before);
	sigprocmask(SIG_UNBLOCK, &set, &old);
	NEED(pipe(fd) == 0);
	setitimer(ITIMER_REAL, &soon, NULL);
	switch (draw(action.sa_flags ? 3 : 4)) {
	case 0: r = raw(SYS_pause); break;
	case 1: r = raw(SYS_nanosleep, &long_time, 0); break;
	case 2: r = raw(SYS_poll, 0, 0, 5000); break;
	default: r = raw(SYS_read, fd[0], &byte, 1); break;
	}
	say("ended by a timer: %ld", r);
	close(fd[0]);
	close(fd[1]);
	sigprocmask(SIG_SETMASK, &old, NULL);
	sigaction(SIGALRM, &before, NULL);
}

/* Descriptors. */
static void do_descriptors(void)
{
	int fd[2], other, count = 0;
	char text[8];

	NEED(pipe2(fd, draw(2) ? O_CLOEXEC : 0) == 0);
	other = dup2(fd[1], 20 + (int)draw(10));
	say("wrote %ld", raw(SYS_write, other, "abc", 3));
	close(fd[1]);
	say("read %ld", raw(SYS_read, fd[0], text, sizeof(text)));
	for (int i = 0; i < 1024; i++)
		count += fcntl(i, F_GETFD) >= 0;
	say("%d descriptors", count);
	close(fd[0]);
	close(other);
}

/* Of these they are wide. */
#include "random/memory.h"
#include "random/children.h"
#include "random/blocked.h"
#include "random/descriptors.h"
#include "random/identity.h"
#include "random/clocks.h"
#include "random/context.h"
#include "random/futexes.h"
#include "random/filters.h"
#include "random/tracers.h"

/* Of these they are rare. */
#include "random/frames.h"
#include "random/images.h"
#include "random/segments.h"
#include "random/sharing.h"
#include "random/steps.h"

static bool wide, rare;

static void some(int count)
{
	static void (*const kinds[])(void) = {
		call_nonsense, call_nonsense, call_nonsense, do_signals, do_signals,  do_fault,	 do_process, do_process,
		do_thread,     do_code,	      do_filter,     do_dispatch, do_tracer,  do_timer,	 do_descriptors,
	};
	static void (*const more[])(void) = {
		do_memory, do_memory, do_brk, do_children, do_children, do_clone, do_clone, do_last_thread, do_blocked,
		do_blocked, do_many_descriptors, do_identity, do_limits, do_clocks, do_notices, do_context, do_context,
		do_deadly, do_robust, do_futexes, do_shared, do_wide_filter, do_wide_tracer, do_wide_tracer,
	};

	static void (*const others[])(void) = { do_frames, do_images, do_steps, do_segments, do_sharing };

	while (count-- > 0) {
		if (rare && draw(3))
			PICK(others)();
		else if (wide && draw(4))
			PICK(more)();
		else
			PICK(kinds)();
	}
}

static void start(void)
{
	sigset_t blocked, pending;
	uint64_t ignored = 0;

	NEED(guest_argc > 1);
	state = strtoul(guest_argv[1], NULL, 0) * 0x9e3779b97f4a7c15ul | 1;
	depth = guest_argc > 2 ? atoi(guest_argv[2]) : 0;
	program = self_path();
	map_scratch();
	sigprocmask(SIG_BLOCK, NULL, &blocked);
	sigpending(&pending);
	for (unsigned i = 0; i < ARRAY_SIZE(signals); i++) {
		struct sigaction now;

		sigaction(signals[i], NULL, &now);
		ignored |= (uint64_t)(now.sa_handler == SIG_IGN) << i;
	}
	say("begins: blocked %lx, ignored %lx, pending %lx", (long)shown_mask(&blocked), (long)ignored,
	    (long)shown_mask(&pending));
	some(3 + (int)draw(10));
	say("ends");
	raw(SYS_exit_group, draw(50));
}

HELPER(wide)
{
	wide = true;
	start();
}

HELPER(rare)
{
	wide = rare = true;
	start();
}

HELPER(run)
{
	start();
}
