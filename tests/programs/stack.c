/* Calls with a stack pointer on which nothing could be pushed. */
#include "guest.h"
#include <pthread.h>

/* Make a call with rsp = @rsp; it must come back with the same. */
static long call_on(unsigned long rsp, long nr, long a, long b, long c)
{
	unsigned long after;
	long ret;

	__asm__ volatile("mov %%rsp, %%rbx\n\t"
			 "mov %[rsp], %%rsp\n\t"
			 "syscall\n\t"
			 "mov %%rsp, %[after]\n\t"
			 "mov %%rbx, %%rsp"
			 : "=a"(ret), [after] "=&r"(after)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), [rsp] "r"(rsp)
			 : "rbx", "rcx", "r11", "memory");
	EXPECT(after, rsp);
	return ret;
}

static long call_on_int80(unsigned long rsp, long nr, long a)
{
	unsigned long after;
	long ret;

	__asm__ volatile("mov %%rsp, %%r12\n\t"
			 "mov %[rsp], %%rsp\n\t"
			 "int $0x80\n\t"
			 "mov %%rsp, %[after]\n\t"
			 "mov %%r12, %%rsp"
			 : "=a"(ret), [after] "=&r"(after)
			 : "a"(nr), "b"(a), [rsp] "r"(rsp)
			 : "r12", "memory");
	EXPECT(after, rsp);
	return ret;
}

static void calls_on(unsigned long rsp)
{
	static const char text[] = "written\n";
	static struct timespec ts = { 0, 1000 };
	int i;

	EXPECT(call_on(rsp, SYS_getppid, 0, 0, 0), getppid());
	EXPECT(call_on(rsp, SYS_close, -1, 0, 0), -EBADF);
	EXPECT(call_on(rsp, 500, 0, 0, 0), -ENOSYS);
	EXPECT(call_on(rsp, SYS_write, 1, (long)text, sizeof(text) - 1), sizeof(text) - 1);
	EXPECT(call_on(rsp, SYS_nanosleep, (long)&ts, 0, 0), 0);
	for (i = 0; i < 100; i++)
		EXPECT(call_on(rsp, SYS_getuid, 0, 0, 0), getuid());
	EXPECT(call_on_int80(rsp, 64, 0), getppid());
	EXPECT(call_on_int80(rsp, 6, -1), -EBADF);
}

static unsigned char *small_stack(size_t size)
{
	unsigned char *p = mmap(NULL, 3 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	NEED(p != MAP_FAILED && size <= PAGE);
	NEED(mprotect(p + PAGE, PAGE, PROT_READ | PROT_WRITE) == 0);
	memset(p + PAGE, 0xa5, PAGE);
	return p + PAGE;
}

/* What lies below the stack pointer is the program's as well: all of it stays as it was. */
static void little(size_t left)
{
	unsigned char *bottom = small_stack(left);
	size_t i;

	calls_on((unsigned long)bottom + left);
	for (i = 0; i < PAGE; i++)
		if (bottom[i] != 0xa5) {
			guest_fail("stack", __LINE__, "byte changed at", (long)i);
			break;
		}
}

CASE(little_left)
{
	little(512);
	little(128);
	little(16);
	little(8);
	little(0);
	little(PAGE);
}

CASE(misaligned)
{
	unsigned char *bottom = small_stack(PAGE);
	unsigned long i;

	for (i = 1; i < 16; i++)
		calls_on((unsigned long)bottom + 512 + i);
}

CASE(invalid)
{
	unsigned char *none = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned char *readonly = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	calls_on(0);
	calls_on(1);
	calls_on(8);
	calls_on(-8UL);
	calls_on((unsigned long)none + 512);
	calls_on((unsigned long)readonly + 512);
	calls_on(0x8000000000000000);
	calls_on(0x0000800000000000);
	calls_on(0xffff800000000000);
	calls_on(0x7fffffffeff8);
	calls_on(0xdeadbeefdeadbeef);
}

static volatile int handled;
static char alternate[65536];

static void on_signal(int sig, siginfo_t *info, void *context)
{
	stack_t ss;

	(void)sig, (void)info, (void)context;
	handled++;
	EXPECT(raw(SYS_sigaltstack, 0, &ss), 0);
	EXPECT(ss.ss_flags, SS_ONSTACK);
	EXPECT(ss.ss_sp, alternate);
	EXPECT(ss.ss_size, sizeof(alternate));
}

/* A signal that is pending when such a call ends goes to the program's alternate stack. */
CASE(signal_without_stack)
{
	stack_t ss = { .ss_sp = alternate, .ss_size = sizeof(alternate) }, now;
	unsigned char *bottom = small_stack(PAGE);

	handled = 0;
	NEED(sigaltstack(&ss, NULL) == 0);
	set_handler(SIGUSR1, on_signal, SA_ONSTACK);
	EXPECT(call_on((unsigned long)bottom + 64, SYS_tgkill, getpid(), raw(SYS_gettid), SIGUSR1), 0);
	EXPECT(handled, 1);
	EXPECT(call_on(0, SYS_tgkill, getpid(), raw(SYS_gettid), SIGUSR1), 0);
	EXPECT(handled, 2);
	EXPECT(raw(SYS_sigaltstack, 0, &now), 0);
	EXPECT(now.ss_flags, 0);
}

static void on_plain(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info, (void)context;
	handled++;
}

static void signal_nowhere(void)
{
	set_handler(SIGUSR1, on_plain, 0);
	call_on(0, SYS_tgkill, getpid(), raw(SYS_gettid), SIGUSR1);
}

/* Without one the kernel cannot build the frame: SIGSEGV. */
CASE(signal_nowhere_to_go)
{
	say("-> %d", in_child(signal_nowhere));
}

/* Calls from a handler that runs on a small alternate stack, down to its last bytes. */
static void on_small(int sig, siginfo_t *info, void *context)
{
	static const char text[] = "from handler\n";

	(void)sig, (void)info, (void)context;
	EXPECT(raw(SYS_write, 1, text, sizeof(text) - 1), sizeof(text) - 1);
	handled++;
}

CASE(small_alternate)
{
	long min = 16384;
	unsigned char *p = mmap(NULL, 3 * 16384, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	stack_t ss = { .ss_sp = p + 16384, .ss_size = (size_t)min };
	int before = handled;

	NEED(mprotect(p + 16384, 16384, PROT_READ | PROT_WRITE) == 0);
	NEED(sigaltstack(&ss, NULL) == 0);
	set_handler(SIGUSR2, on_small, SA_ONSTACK);
	raise(SIGUSR2);
	EXPECT(handled, before + 1);
}

static void try_sizes(const char *when)
{
	static const size_t sizes[] = { 1000, 2047, 2048, 3000, 4096, 8192, 12000, 16384, 1 << 16 };
	static char stack[1 << 16];

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		stack_t ss = { .ss_sp = stack, .ss_size = sizes[i] };

		say("%s, %zu: %ld", when, sizes[i], raw(SYS_sigaltstack, &ss, 0));
	}
}

static volatile int thread_stage;

static void *with_small_stack(void *arg)
{
	static char stack[4096];
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) };

	EXPECT(sigaltstack(&ss, NULL), 0);
	thread_stage = 1;
	while (thread_stage == 1)
		usleep(100);
	ss.ss_flags = SS_DISABLE;
	EXPECT(sigaltstack(&ss, NULL), 0);
	thread_stage = 3;
	return arg;
}

static long ask_for_tiles(void)
{
	return raw(SYS_arch_prctl, 0x1023, 18);
}

/* What the kernel makes of a size, before and after the process may use more registers (AMX, where there are any). It
 * may not while a stack of any of its threads is too small for them. */
CASE(sizes)
{
	static char small[2048];
	stack_t none = { .ss_flags = SS_DISABLE }, ss = { .ss_sp = small, .ss_size = sizeof(small) };
	pthread_t thread;

	try_sizes("at first");
	EXPECT(sigaltstack(&none, NULL), 0);
	NEED(pthread_create(&thread, NULL, with_small_stack, NULL) == 0);
	while (thread_stage != 1)
		usleep(100);
	say("of another thread: %ld", ask_for_tiles());
	thread_stage = 2;
	NEED(pthread_join(thread, NULL) == 0);
	if (sigaltstack(&ss, NULL) == 0)
		say("of a small one: %ld", ask_for_tiles());
	EXPECT(sigaltstack(&none, NULL), 0);
	say("of none: %ld", ask_for_tiles());
	try_sizes("then");
	say("of the last: %ld", ask_for_tiles());
}

/* Signals come while the stack changes. */
CASE(changed_under_signals)
{
	static char stack[2][1 << 15];

	start_ticks();
	for (int i = 0; i < 20000; i++) {
		stack_t now, ss = { .ss_sp = stack[i & 1], .ss_size = sizeof(stack[0]) - (size_t)(i & 1) * 1000 };

		EXPECT(sigaltstack(&ss, NULL), 0);
		EXPECT(sigaltstack(NULL, &now), 0);
		EXPECT(now.ss_size, ss.ss_size);
	}
	stop_ticks();
}
