/* P2b: calls before any library could be loaded, after all are gone, and those that the vDSO answers. */
#include "library.h"
#include <sched.h>
#include <sys/auxv.h>
#include <time.h>

static int before_main, before_constructors, in_resolver;

static void early_line(const char *text)
{
	raw(SYS_write, 1, text, strlen(text));
}

/* As the program is relocated: nothing of the C library works yet. */
static int resolved(void)
{
	return 17;
}

__attribute__((used, no_stack_protector)) static int (*resolver(void))(void)
{
	static const char text[] = "resolver\n";

	raw(SYS_write, 1, text, sizeof(text) - 1);
	in_resolver = raw(600) == -ENOSYS;
	return resolved;
}

static int chosen(void) __attribute__((ifunc("resolver")));

static void preinit(int argc, char **argv, char **envp)
{
	(void)argc, (void)argv, (void)envp;
	early_line("preinit\n");
	before_constructors = raw(601) == -ENOSYS;
}

__attribute__((section(".preinit_array"), used)) static void (*const preinit_entry)(int, char **, char **) = preinit;

__attribute__((constructor)) static void constructor(void)
{
	early_line("constructor\n");
	before_main = raw(SYS_close, -1) == -EBADF;
}

__attribute__((destructor)) static void destructor(void)
{
	early_line("destructor\n");
	raw(602);
}

static void at_exit(void)
{
	early_line("exit\n");
	raw(603);
}

CASE(before_and_after)
{
	EXPECT(in_resolver, 1);
	EXPECT(before_constructors, 1);
	EXPECT(before_main, 1);
	EXPECT(chosen(), 17);
	NEED(atexit(at_exit) == 0);
}

static void exec_preloaded(void)
{
	char variable[4300];

	snprintf(variable, sizeof(variable), "LD_PRELOAD=%s", beside("libearly.so"));
	execve(self_path(), (char *const[]){ "zero", "preloaded", NULL }, (char *const[]){ variable, NULL });
}

HELPER(preloaded)
{
	say("main");
}

/* A library before all others: its constructor, then the program's. */
CASE(preload)
{
	say("-> %d", in_child(exec_preloaded));
}

/* The only call of a process, and one at its very end. */
CASE(nothing_else)
{
	pid_t pid;

	pid = vfork();
	if (pid == 0)
		raw(SYS_exit_group, 5);
	EXPECT(wait_for(pid), 5);
	pid = fork();
	if (pid == 0)
		raw(SYS_exit, 6);
	EXPECT(wait_for(pid), 6);
}

static unsigned long nanoseconds(const struct timespec *ts)
{
	return (unsigned long)ts->tv_sec * 1000000000 + (unsigned long)ts->tv_nsec;
}

/* Time as the C library reads it, and as the kernel says: in order, and as often as asked. */
CASE(vdso)
{
	struct timespec before, now, after;
	struct timeval tv;
	unsigned int cpu, node;
	int i;

	for (i = 0; i < 10; i++) {
		EXPECT(raw(SYS_clock_gettime, CLOCK_MONOTONIC, &before), 0);
		EXPECT(clock_gettime(CLOCK_MONOTONIC, &now), 0);
		EXPECT(raw(SYS_clock_gettime, CLOCK_MONOTONIC, &after), 0);
		CHECK(nanoseconds(&before) <= nanoseconds(&now));
		CHECK(nanoseconds(&now) <= nanoseconds(&after));
		EXPECT(gettimeofday(&tv, NULL), 0);
		CHECK(tv.tv_sec > 1600000000);
		/* which goes by ticks */
		CHECK(time(NULL) >= tv.tv_sec - 1);
		EXPECT(getcpu(&cpu, &node), 0);
		EXPECT(clock_getres(CLOCK_MONOTONIC, &now), 0);
	}
	EXPECT(clock_gettime(12345, &now), -1);
	EXPECT(errno, EINVAL);
}

/* The vDSO is where the kernel says it is, or nowhere; what it exports works when called directly. */
CASE(vdso_called)
{
	void *handle = dlopen("linux-vdso.so.1", RTLD_NOW | RTLD_NOLOAD);
	int (*gettime)(clockid_t, struct timespec *);
	struct timespec a = { 0, 0 }, b;
	int i;

	if (!handle)
		guest_skip("no vDSO");
	gettime = (int (*)(clockid_t, struct timespec *))symbol(handle, "__vdso_clock_gettime");
	for (i = 0; i < 20; i++) {
		EXPECT(gettime(CLOCK_MONOTONIC, &b), 0);
		CHECK(nanoseconds(&a) <= nanoseconds(&b));
		a = b;
	}
	CHECK(!memcmp((void *)getauxval(AT_SYSINFO_EHDR), "\177ELF", 4));
}
