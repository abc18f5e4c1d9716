/* What a signal handler sees and may change: siginfo, ucontext, its stack, the mask. */
#include "guest.h"
#include <asm/ldt.h>
#include <pthread.h>
#include <setjmp.h>
#include <ucontext.h>

static ucontext_t seen;
static siginfo_t seen_info;
static volatile int handled;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	memcpy(&seen, context, sizeof(seen));
	seen_info = *info;
	handled++;
}

/* in: nothing.   out: the result of kill(self), with known values in registers the call keeps. */
static long kill_self_at(pid_t pid, int sig, unsigned long *next)
{
	register long r10 __asm__("r10") = 0x1010;
	register long r8 __asm__("r8") = 0x0808;
	register long r9 __asm__("r9") = 0x0909;
	register long r12 __asm__("r12") = 0x1212;
	register long r15 __asm__("r15") = 0x1515;
	long ret;

	__asm__ volatile("lea 1f(%%rip), %%rcx\n\t"
			 "mov %%rcx, (%[next])\n\t"
			 "syscall\n"
			 "1:"
			 : "=a"(ret)
			 : "a"(SYS_kill), "D"((long)pid), "S"((long)sig), "d"(0xddddL), "r"(r10), "r"(r8), "r"(r9),
			   "r"(r12), "r"(r15), [next] "b"(next)
			 : "rcx", "r11", "memory");
	return ret;
}

/* A signal delivered as the call returns: rip is after the call, rax its result. */
CASE(after_call)
{
	unsigned long next = 0;
	greg_t *g = seen.uc_mcontext.gregs;
	int i;

	set_handler(SIGUSR1, on_signal, 0);
	for (i = 0; i < 100; i++) {
		EXPECT(kill_self_at(getpid(), SIGUSR1, &next), 0);
		EXPECT(g[REG_RIP], next);
		EXPECT(g[REG_RAX], 0);
		EXPECT(g[REG_RCX], next);
		EXPECT(g[REG_R11], g[REG_EFL]);
		EXPECT(g[REG_RDI], getpid());
		EXPECT(g[REG_RSI], SIGUSR1);
		EXPECT(g[REG_RDX], 0xdddd);
		EXPECT(g[REG_R10], 0x1010);
		EXPECT(g[REG_R8], 0x0808);
		EXPECT(g[REG_R9], 0x0909);
		EXPECT(g[REG_R12], 0x1212);
		EXPECT(g[REG_R15], 0x1515);
		EXPECT(g[REG_RBX], &next);
		EXPECT(seen_info.si_signo, SIGUSR1);
		EXPECT(seen_info.si_code, SI_USER);
		EXPECT(seen_info.si_pid, getpid());
		EXPECT(seen_info.si_uid, getuid());
		EXPECT(seen_info.si_errno, 0);
	}
	EXPECT(handled, 100);
	say("err %lx, trapno %lx, cs %lx, flags %lx", (long)g[REG_ERR], (long)g[REG_TRAPNO],
	    (long)g[REG_CSGSFS], (long)g[REG_EFL] & ~0x8d5L);
	say("uc_flags %lx, link %d, mask %lx, oldmask %llx, altstack %d", seen.uc_flags, seen.uc_link != NULL,
	    *(unsigned long *)&seen.uc_sigmask, g[REG_OLDMASK], seen.uc_stack.ss_flags);
	say("fp state %s", seen.uc_mcontext.fpregs ? "there" : "missing");
}

/* A blocked call ended by a signal: rip after the call, rax -EINTR. */
static long blocked_pause(unsigned long *next)
{
	long ret;

	__asm__ volatile("lea 1f(%%rip), %%rcx\n\t"
			 "mov %%rcx, (%[next])\n\t"
			 "syscall\n"
			 "1:"
			 : "=a"(ret)
			 : "a"(SYS_pause), [next] "b"(next)
			 : "rcx", "r11", "memory");
	return ret;
}

static pid_t signal_later(int sig, int usec)
{
	pid_t pid = fork();

	if (pid == 0) {
		usleep((unsigned int)usec);
		kill(getppid(), sig);
		_exit(0);
	}
	return pid;
}

CASE(interrupted_call)
{
	unsigned long next = 0;
	greg_t *g = seen.uc_mcontext.gregs;
	int i;

	set_handler(SIGUSR1, on_signal, 0);
	for (i = 0; i < 10; i++) {
		pid_t pid = signal_later(SIGUSR1, 10000);

		EXPECT(blocked_pause(&next), -EINTR);
		EXPECT(g[REG_RIP], next);
		EXPECT(g[REG_RAX], -EINTR);
		EXPECT(seen_info.si_pid, pid);
		wait_for(pid);
	}
}

/* A call that will restart: the handler sees the instruction itself again, rax its number. */
static long blocked_read(int fd, void *buf, unsigned long *site)
{
	long ret;

	__asm__ volatile("lea 1f(%%rip), %%rcx\n\t"
			 "mov %%rcx, (%[site])\n\t"
			 "1:\n\t"
			 "syscall"
			 : "=a"(ret)
			 : "a"(SYS_read), "D"(fd), "S"(buf), "d"(1L), [site] "b"(site)
			 : "rcx", "r11", "memory");
	return ret;
}

static int wake_pipe[2];

static void on_wake(int sig, siginfo_t *info, void *context)
{
	on_signal(sig, info, context);
	(void)raw(SYS_write, wake_pipe[1], "x", 1);
}

CASE(restarted_call)
{
	unsigned long site = 0;
	greg_t *g = seen.uc_mcontext.gregs;
	char c;
	int i;

	NEED(pipe(wake_pipe) == 0);
	set_handler(SIGUSR1, on_wake, SA_RESTART);
	for (i = 0; i < 10; i++) {
		pid_t pid = signal_later(SIGUSR1, 10000);

		EXPECT(blocked_read(wake_pipe[0], &c, &site), 1);
		EXPECT(g[REG_RIP], site);
		EXPECT(g[REG_RAX], SYS_read);
		EXPECT(g[REG_RDI], wake_pipe[0]);
		EXPECT(g[REG_RDX], 1);
		wait_for(pid);
	}
}

/* Faults: exact address, instruction, code. */
static sigjmp_buf back;

static void on_fault(int sig, siginfo_t *info, void *context)
{
	on_signal(sig, info, context);
	siglongjmp(back, 1);
}

static void fault_at(unsigned long address, bool write)
{
	/* written between sigsetjmp and siglongjmp */
	static volatile unsigned long site;
	greg_t *g = seen.uc_mcontext.gregs;

	if (!sigsetjmp(back, 1)) {
		if (write)
			__asm__ volatile("lea 1f(%%rip), %%rax\n\tmov %%rax, %0\n1:\tmovb $1, (%1)"
					 : "=m"(site)
					 : "r"(address)
					 : "rax", "memory");
		else
			__asm__ volatile("lea 1f(%%rip), %%rax\n\tmov %%rax, %0\n1:\tmovb (%1), %%al"
					 : "=m"(site)
					 : "r"(address)
					 : "rax", "memory");
		CHECK(!"a fault");
	}
	EXPECT(g[REG_RIP], site);
	say("signal %d, code %d, err %lx, trapno %ld, address %s", seen_info.si_signo, seen_info.si_code,
	    (long)g[REG_ERR], (long)g[REG_TRAPNO],
	    seen_info.si_addr == (void *)address ? "right" : seen_info.si_addr ? "wrong" : "zero");
}

CASE(faults)
{
	char *none = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *ro = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	set_handler(SIGSEGV, on_fault, 0);
	set_handler(SIGBUS, on_fault, 0);
	fault_at(0, false);
	fault_at(0, true);
	fault_at(8, false);
	fault_at(4095, true);
	fault_at((unsigned long)none, false);
	fault_at((unsigned long)none + 123, true);
	fault_at((unsigned long)ro + 7, true);
	fault_at(0xffffffffff000000, false);
	fault_at(0x8000000000000000, true);
}

/* rt_sigreturn with a frame that is not there. What the kernel knows of the last fault is not changed by that. */
static void return_from(const void *frame)
{
	greg_t *g = seen.uc_mcontext.gregs;

	if (!sigsetjmp(back, 1)) {
		__asm__ volatile("mov %0, %%rsp\n\tmov $15, %%eax\n\tsyscall" : : "r"(frame) : "memory");
		__builtin_unreachable();
	}
	say("signal %d, code %d, err %lx, trapno %ld, address %s, result %ld, stack %s", seen_info.si_signo,
	    seen_info.si_code, (long)g[REG_ERR], (long)g[REG_TRAPNO], seen_info.si_addr ? "wrong" : "zero",
	    (long)g[REG_RAX], g[REG_RSP] == (greg_t)frame ? "right" : "wrong");
}

CASE(bad_frame)
{
	static char memory[1 << 16];
	char *none = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	stack_t stack = { .ss_sp = memory, .ss_size = sizeof(memory) };

	NEED(sigaltstack(&stack, NULL) == 0);
	set_handler(SIGSEGV, on_fault, SA_ONSTACK);
	return_from(none + 64);
	fault_at((unsigned long)none, true);
	return_from(none + 64);
}

static volatile bool protects;

static void *protect(void *stack)
{
	while (protects) {
		mprotect(stack, 4 * PAGE, PROT_READ);
		mprotect(stack, 4 * PAGE, PROT_READ | PROT_WRITE);
	}
	return NULL;
}

/* Writes nothing to its stack. */
__asm__(".pushsection .text\n"
	"do_nothing: ret\n"
	".popsection");
void do_nothing(int sig, siginfo_t *info, void *context) __attribute__((visibility("hidden")));

/* Another thread takes the alternate stack's memory away just when a frame is made there: the signal is lost, and the
 * handler of SIGSEGV runs. */
CASE(frame_fails)
{
	char *memory = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	stack_t stack = { .ss_sp = memory, .ss_size = 4 * PAGE };
	pthread_t thread;

	NEED(sigaltstack(&stack, NULL) == 0);
	set_handler(SIGSEGV, on_signal, 0);
	set_handler(SIGUSR1, do_nothing, SA_ONSTACK);
	protects = true;
	NEED(pthread_create(&thread, NULL, protect, memory) == 0);
	for (int i = 0; i < 10000; i++)
		NEED(raw(SYS_tkill, gettid(), SIGUSR1) == 0);
	protects = false;
	pthread_join(thread, NULL);
	CHECK(!handled || (seen_info.si_code == SI_KERNEL && !seen_info.si_addr));
	say("done");
}

static void call_address(unsigned long address)
{
	if (!sigsetjmp(back, 1)) {
		((void (*)(void))address)();
		CHECK(!"a fault");
	}
	say("call: signal %d, code %d, err %lx, rip %s", seen_info.si_signo, seen_info.si_code,
	    (long)seen.uc_mcontext.gregs[REG_ERR],
	    (unsigned long)seen.uc_mcontext.gregs[REG_RIP] == address ? "right" : "elsewhere");
}

/* NULL calls, calls to data, to an undefined instruction, to a breakpoint, a division. */
CASE(bad_code)
{
	char *data = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *text = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	static const int signals[] = { SIGSEGV, SIGILL, SIGTRAP, SIGFPE, SIGBUS };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(signals); i++)
		set_handler(signals[i], on_fault, 0);
	call_address(0);
	call_address(1);
	call_address((unsigned long)data);
	memcpy(text, "\x0f\x0b", 2);
	call_address((unsigned long)text);
	memcpy(text, "\xcc", 1);
	call_address((unsigned long)text);
	memcpy(text, "\x31\xc9\xf7\xf1", 4);
	call_address((unsigned long)text);
	memcpy(text, "\xf4", 1);
	call_address((unsigned long)text);
}

/* The handler changes general and vector registers of the interrupted code. */
static void on_change(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	uint32_t *xmm = uc->uc_mcontext.fpregs->_xmm[7].element;

	(void)sig, (void)info;
	uc->uc_mcontext.gregs[REG_R12] = 0x4242;
	uc->uc_mcontext.gregs[REG_RAX] = 99;
	xmm[0] = 1, xmm[1] = 2, xmm[2] = 3, xmm[3] = 4;
}

CASE(changed_context)
{
	uint32_t xmm[4] = { 0 };
	register long r12 __asm__("r12") = 1;
	long ret;
	int i;

	set_handler(SIGUSR1, on_change, 0);
	for (i = 0; i < 20; i++) {
		pid_t pid = getpid();

		r12 = 1;
		__asm__ volatile("pxor %%xmm7, %%xmm7\n\t"
				 "syscall\n\t"
				 "movdqu %%xmm7, %[xmm]"
				 : "=a"(ret), "+r"(r12), [xmm] "=m"(xmm)
				 : "a"((long)SYS_kill), "D"((long)pid), "S"((long)SIGUSR1)
				 : "rcx", "r11", "memory", "xmm7");
		EXPECT(ret, 99);
		EXPECT(r12, 0x4242);
		CHECK(xmm[0] == 1 && xmm[1] == 2 && xmm[2] == 3 && xmm[3] == 4);
	}
}

/* A handler runs with the stack segment of the code that it interrupts, if that is a valid one. */
static void on_stack_segment(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	unsigned short now;

	(void)sig, (void)info;
	__asm__ volatile("mov %%ss, %0" : "=r"(now));
	say("%%ss %x, saved %x", now, (unsigned int)((unsigned long)uc->uc_mcontext.gregs[REG_CSGSFS] >> 48));
}

CASE(stack_segment)
{
	struct user_desc data = { .entry_number = 0, .limit = 0xfffff, .seg_32bit = 1, .limit_in_pages = 1 };
	unsigned int own, segment = 7;
	long ret;

	__asm__ volatile("mov %%ss, %0" : "=r"(own));
	NEED(raw(SYS_modify_ldt, 1, &data, sizeof(data)) == 0);
	set_handler(SIGTRAP, on_stack_segment, 0);
	set_handler(SIGUSR1, on_stack_segment, 0);
	__asm__ volatile("mov %[segment], %%ss\n\t"
			 "nop\n\t"
			 "int3\n\t"
			 "mov %[own], %%ss" : : [segment] "r"(segment), [own] "r"(own) : "memory");
	/* A call leaves the segment that it always leaves. */
	__asm__ volatile("mov %[segment], %%ss\n\t"
			 "nop\n\t"
			 "syscall\n\t"
			 "mov %%ss, %[segment]\n\t"
			 "mov %[own], %%ss"
			 : "=a"(ret), [segment] "+r"(segment)
			 : "a"((long)SYS_kill), "D"((long)getpid()), "S"((long)SIGUSR1), [own] "r"(own)
			 : "rcx", "r11", "memory");
	EXPECT(ret, 0);
	EXPECT(segment, own);
}

static unsigned char *narrow; /* 32-bit code that jumps to 64-bit code */

/* Returns to 32-bit code, on a stack segment of the program's own. */
static void on_narrow(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig, (void)info;
	uc->uc_mcontext.gregs[REG_CSGSFS] = 0x0007000000000023;
	uc->uc_mcontext.gregs[REG_RIP] = (long)narrow;
}

static void on_segments(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig, (void)info;
	say("saved %llx", uc->uc_mcontext.gregs[REG_CSGSFS] & (long long)0xffff00000000ffff);
}

/* What the segments were when a handler has ended is not what they are in a later call. */
CASE(segments_of_call)
{
	struct user_desc data = { .entry_number = 0, .limit = 0xfffff, .seg_32bit = 1, .limit_in_pages = 1 };
	static const unsigned char code[] = {
		0xea, 0, 0, 0, 0, 0x33, 0, /* ljmp $0x33, $0f */
		0x4c, 0x89, 0xfc,	   /* 0: mov %r15, %rsp */
		0x41, 0xff, 0xe6,	   /* jmp *%r14 */
	};
	unsigned int own, target;

	NEED(raw(SYS_modify_ldt, 1, &data, sizeof(data)) == 0);
	narrow = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	NEED(narrow != MAP_FAILED);
	target = (unsigned int)(unsigned long)(narrow + 7);
	memcpy(narrow, code, sizeof(code));
	memcpy(narrow + 1, &target, sizeof(target));
	NEED(mprotect(narrow, 4096, PROT_READ | PROT_EXEC) == 0);
	set_handler(SIGTRAP, on_narrow, 0);
	set_handler(SIGUSR1, on_segments, 0);
	__asm__ volatile("mov %%ss, %0" : "=r"(own));
	for (int i = 0; i < 3; i++) {
		__asm__ volatile("mov %%rsp, %%r15\n\t"
				 "lea 1f(%%rip), %%r14\n\t"
				 "int3\n"
				 "1:" : : : "r14", "r15", "cc", "memory");
		NEED(kill(getpid(), SIGUSR1) == 0);
	}
	__asm__ volatile("mov %0, %%ss" : : "r"(own) : "memory");
	say("done");
}

/* The handler changes the mask it returns to, and where. */
static void on_redirect(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig, (void)info;
	sigaddset(&uc->uc_sigmask, SIGUSR2);
	uc->uc_mcontext.gregs[REG_RIP] += 2;
}

CASE(redirected)
{
	sigset_t now;

	set_handler(SIGILL, on_redirect, 0);
	__asm__ volatile("ud2\n\tnop" ::: "memory");
	NEED(sigprocmask(SIG_BLOCK, NULL, &now) == 0);
	EXPECT(sigismember(&now, SIGUSR2), 1);
	sigemptyset(&now);
	sigprocmask(SIG_SETMASK, &now, NULL);
}

/* Vector registers of the interrupted code survive a handler that uses them. */
static void on_clobber(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info, (void)context;
	__asm__ volatile("pcmpeqd %%xmm6, %%xmm6\n\tpcmpeqd %%xmm15, %%xmm15" ::: "xmm6", "xmm15");
	handled++;
}

CASE(vectors_kept)
{
	uint64_t in[2] = { 0x1122334455667788, 0x99aabbccddeeff00 }, out[4];
	long ret;

	set_handler(SIGUSR1, on_clobber, 0);
	__asm__ volatile("movdqu %[in], %%xmm6\n\t"
			 "movdqu %[in], %%xmm15\n\t"
			 "syscall\n\t"
			 "movdqu %%xmm6, (%[out])\n\t"
			 "movdqu %%xmm15, 16(%[out])"
			 : "=a"(ret)
			 : "a"(SYS_kill), "D"(getpid()), "S"(SIGUSR1), [in] "m"(in), [out] "b"(out)
			 : "rcx", "r11", "memory", "xmm6", "xmm15");
	EXPECT(ret, 0);
	CHECK(!memcmp(out, in, 16) && !memcmp(out + 2, in, 16));
}

/* Stack overflow, handled on the alternate stack. */
static volatile int depth;

static __attribute__((noinline)) int overflow(int n)
{
	volatile char pad[4096];

	pad[0] = (char)n;
	depth = n;
	/* never false, but the compiler does not know */
	if (n < 0)
		return 0;
	return overflow(n + 1) + pad[0];
}

static void on_overflow(int sig, siginfo_t *info, void *context)
{
	stack_t ss;

	(void)context;
	NEED(sigaltstack(NULL, &ss) == 0);
	say("overflow: signal %d, code %d, altstack flags %d", sig, info->si_code, ss.ss_flags);
	siglongjmp(back, 1);
}

CASE(stack_overflow)
{
	static char stack[65536];
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) }, now;

	NEED(sigaltstack(&ss, NULL) == 0);
	set_handler(SIGSEGV, on_overflow, SA_ONSTACK);
	if (!sigsetjmp(back, 1))
		overflow(0);
	CHECK(depth > 100);
	NEED(sigaltstack(NULL, &now) == 0);
	EXPECT(now.ss_flags, 0);
	if (!sigsetjmp(back, 1))
		overflow(0);
}

/* Handlers within handlers, on the frames below. */
static volatile int level, deepest, raises;

static void on_nested(int sig, siginfo_t *info, void *context)
{
	(void)info, (void)context;
	level++;
	if (level > deepest)
		deepest = level;
	if (raises-- > 0)
		raise(sig);
	level--;
}

CASE(nested)
{
	set_handler(SIGUSR1, on_nested, SA_NODEFER);
	raises = 19;
	raise(SIGUSR1);
	EXPECT(deepest, 20);
	EXPECT(level, 0);
	/* deferred: one after the other */
	deepest = 0;
	set_handler(SIGUSR1, on_nested, 0);
	raises = 19;
	raise(SIGUSR1);
	EXPECT(deepest, 1);
	EXPECT(raises, -1);
}

/* Goes on as the command that follows, having had an alternate stack with such flags. */
static void go_on(int flags)
{
	static char stack[65536];
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack), .ss_flags = flags };

	EXPECT(raw(SYS_sigaltstack, &ss, 0), 0);
	execv(guest_argv[1], guest_argv + 1);
	_exit(9);
}

HELPER(under_disabled)
{
	go_on(SS_DISABLE);
}

HELPER(under_autodisarm)
{
	go_on((int)(1u << 31));
}

CASE(altstack)
{
	static char stack[65536];
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) }, old;

	EXPECT(raw(SYS_sigaltstack, 0, &old), 0);
	say("first %d %ld", old.ss_flags, (long)old.ss_size);
	/* Too small, but maybe as it is: that depends on what whoever started this program had. */
	say("none %ld", raw(SYS_sigaltstack, &(stack_t){ 0 }, 0));
	EXPECT(raw(SYS_sigaltstack, &ss, 0), 0);
	EXPECT(raw(SYS_sigaltstack, 0, &old), 0);
	EXPECT(old.ss_sp, stack);
	EXPECT(old.ss_size, sizeof(stack));
	EXPECT(old.ss_flags, 0);
	ss.ss_size = 100;
	EXPECT(raw(SYS_sigaltstack, &ss, 0), -ENOMEM);
	ss.ss_size = sizeof(stack);
	ss.ss_flags = 0x1234;
	EXPECT(raw(SYS_sigaltstack, &ss, 0), -EINVAL);
	EXPECT(raw(SYS_sigaltstack, 16, 0), -EFAULT);
	EXPECT(raw(SYS_sigaltstack, 0, 16), -EFAULT);
	ss.ss_flags = (int)(1U << 31); /* SS_AUTODISARM */
	EXPECT(raw(SYS_sigaltstack, &ss, 0), 0);
	EXPECT(raw(SYS_sigaltstack, 0, &old), 0);
	say("autodisarm %x", old.ss_flags);
	ss.ss_flags = SS_DISABLE;
	EXPECT(raw(SYS_sigaltstack, &ss, &old), 0);
	EXPECT(raw(SYS_sigaltstack, 0, &old), 0);
	say("disabled %d %ld", old.ss_flags, (long)old.ss_size);
}

static void change_altstack(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig, (void)info;
	uc->uc_stack.ss_size /= 2;
}

/* A frame that sets another alternate stack: it depends on the kernel whether one on that stack can. */
CASE(altstack_of_frame)
{
	static const int flags[] = { 0, SA_ONSTACK };
	static char room[1 << 17];

	for (unsigned i = 0; i < 4; i++) {
		stack_t stack = { .ss_sp = room, .ss_size = sizeof(room), .ss_flags = i & 2 ? (int)(1U << 31) : 0 };

		EXPECT(raw(SYS_sigaltstack, &stack, 0), 0);
		set_handler(SIGUSR1, change_altstack, flags[i & 1]);
		raise(SIGUSR1);
		EXPECT(raw(SYS_sigaltstack, 0, &stack), 0);
		say("%s, %x: %lx", i & 1 ? "on it" : "elsewhere", (unsigned)stack.ss_flags, (long)stack.ss_size);
	}
}

/* siglongjmp out of a handler that interrupted a blocking call, over and over. */
static volatile long jumps;

static void on_jump(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info, (void)context;
	jumps++;
	siglongjmp(back, 1);
}

CASE(jump_out_of_calls)
{
	struct itimerval it = { { 0, 0 }, { 0, 100 } };
	int fds[2];
	char c;

	NEED(pipe(fds) == 0);
	set_handler(SIGALRM, on_jump, SA_RESTART);
	while (jumps < 2000) {
		if (!sigsetjmp(back, 1)) {
			raw(SYS_setitimer, ITIMER_REAL, &it, 0);
			raw(SYS_read, fds[0], &c, 1);
			CHECK(!"read returned");
		}
	}
	EXPECT(raw(SYS_getppid), getppid());
}

/* The same with a signal that ends the call at once, many times. */
STRESS(jump_many_times)
{
	int n = turns(20000, 100000);

	jumps = 0;
	set_handler(SIGUSR1, on_jump, 0);
	while (jumps < n)
		if (!sigsetjmp(back, 1))
			raw(SYS_tgkill, getpid(), raw(SYS_gettid), SIGUSR1);
	EXPECT(jumps, n);
}
