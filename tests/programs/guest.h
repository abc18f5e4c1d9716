/* Shared by the guest programs: raw system calls, checks against the kernel's ABI, and cases.
 * Nothing here knows of k23: a guest behaves the same wherever it runs.
 */
#ifndef GUEST_H
#define GUEST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define GUEST_SKIP 77
#define PAGE 4096UL
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Unused arguments get these: whoever looks at an argument the call does not have will show. */
#define POISON 0xbad0bad1bad2bad3UL

static inline long raw6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

#define raw_first7(nr, a, b, c, d, e, f, ...)                                                      \
	raw6((long)(nr), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
/* raw(SYS_x, arguments...): the kernel's own result, -errno included. */
#define raw(...) raw_first7(__VA_ARGS__, POISON, POISON, POISON, POISON, POISON, POISON, POISON)

/* One write per line, so that lines of several processes never mix. */
__attribute__((format(printf, 1, 2))) static inline void say(const char *fmt, ...)
{
	char line[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	if (n > (int)sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	(void)raw(SYS_write, 1, line, n);
}

static volatile int guest_failures;

static inline void guest_fail(const char *file, int line, const char *what, long got)
{
	char text[512];
	int n = snprintf(text, sizeof(text), "%s:%d: not so: %s (%ld, %#lx)\n", file, line, what, got,
			 (unsigned long)got);

	guest_failures++;
	(void)raw(SYS_write, 2, text, n);
}

/* CHECK: what the kernel's ABI promises. EXPECT shows the value when it is another one. */
#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond))                                                                       \
			guest_fail(__FILE_NAME__, __LINE__, #cond, 0);                             \
	} while (0)
#define EXPECT(expr, want)                                                                         \
	do {                                                                                       \
		long got_ = (long)(expr);                                                          \
		if (got_ != (long)(want))                                                          \
			guest_fail(__FILE_NAME__, __LINE__, #expr " == " #want, got_);             \
	} while (0)
/* What the program cannot go on without. */
#define NEED(cond)                                                                                 \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			guest_fail(__FILE_NAME__, __LINE__, #cond, errno);                         \
			raw(SYS_exit_group, 1);                                                    \
		}                                                                                  \
	} while (0)
#ifndef __FILE_NAME__
#define __FILE_NAME__ __FILE__
#endif

static inline __attribute__((noreturn)) void guest_skip(const char *why)
{
	say("%s", why);
	_exit(GUEST_SKIP);
}

/* The last @size bytes before a page that nobody may touch. */
static inline void *guarded(size_t size)
{
	size_t len = (size + PAGE - 1) / PAGE * PAGE;
	char *p = mmap(NULL, len + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	NEED(p != MAP_FAILED);
	NEED(mprotect(p + len, PAGE, PROT_NONE) == 0);
	return p + len - size;
}

/* The state that /proc shows of a process or thread: 'S' when it sleeps in a call. */
static inline char state_of(pid_t pid)
{
	char path[64], text[512] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	NEED(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	return strrchr(text, ')')[2];
}

/* The file this program runs from. */
static inline const char *self_path(void)
{
	static char path[4096];

	if (!path[0])
		NEED(readlink("/proc/self/exe", path, sizeof(path) - 1) > 0);
	return path;
}

static inline void set_handler(int sig, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags };

	NEED(sigaction(sig, &sa, NULL) == 0);
}

static inline sigset_t sigset_of(int sig)
{
	sigset_t set;

	sigemptyset(&set);
	if (sig)
		sigaddset(&set, sig);
	return set;
}

/* Wait for one child; a status as exit code, or 1000 + signal. */
static inline int wait_for(pid_t pid)
{
	int status = 0;
	pid_t got;

	do
		got = waitpid(pid, &status, __WALL);
	while (got < 0 && errno == EINTR);
	NEED(got == pid || pid == -1);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static inline void no_children(void)
{
	int status;

	EXPECT(raw(SYS_wait4, -1, &status, WNOHANG, 0), -ECHILD);
	EXPECT(raw(SYS_wait4, -1, &status, WNOHANG | __WALL, 0), -ECHILD);
	EXPECT(raw(SYS_wait4, -1, &status, WNOHANG | __WCLONE, 0), -ECHILD);
}

/* Run @fn in a forked child; its failed checks count as ours, and death by a signal is printed. */
static inline int in_child(void (*fn)(void))
{
	pid_t pid = fork();
	int code;

	NEED(pid >= 0);
	if (pid == 0) {
		guest_failures = 0;
		fn();
		_exit(guest_failures ? 1 : 0);
	}
	code = wait_for(pid);
	if (code == 1)
		guest_failures++;
	return code;
}

/* CASE(name) is a test of its own; HELPER(name) only what another case execs.
 * STRESS(name) repeats: guest_rounds times, and under a 1 kHz timer with --ticks. */
struct guest_case {
	const char *name;
	void (*run)(void);
	int kind;
};

#define GUEST_CASE(name, kind)                                                                     \
	static void run_##name(void);                                                              \
	static const struct guest_case case_##name = { #name, run_##name, kind };                  \
	static const struct guest_case *const entry_##name                                         \
		__attribute__((section("guest_cases"), used)) = &case_##name;                      \
	static void run_##name(void)
#define CASE(name) GUEST_CASE(name, 0)
#define STRESS(name) GUEST_CASE(name, 1)
#define HELPER(name) GUEST_CASE(name, 2)

extern const struct guest_case *const __start_guest_cases[];
extern const struct guest_case *const __stop_guest_cases[];

static int guest_rounds = 1;
static bool guest_ticks;
static int guest_argc;
static char **guest_argv;
static volatile long guest_tick_count;

/* How often the loop of a STRESS case turns: @all in each of many rounds, @few where a round is run in every mode. */
static inline int turns(int few, int all)
{
	return guest_rounds > 1 ? all : few;
}

static inline void guest_on_tick(int sig)
{
	(void)sig;
	guest_tick_count++;
}

static inline void start_ticks(void)
{
	struct sigaction sa = { .sa_handler = guest_on_tick, .sa_flags = SA_RESTART | SA_ONSTACK };
	struct itimerval khz = { { 0, 1000 }, { 0, 1000 } };

	NEED(sigaction(SIGALRM, &sa, NULL) == 0);
	NEED(setitimer(ITIMER_REAL, &khz, NULL) == 0);
}

static inline void stop_ticks(void)
{
	struct itimerval off = { { 0, 0 }, { 0, 0 } };

	NEED(setitimer(ITIMER_REAL, &off, NULL) == 0);
}

static inline void guest_run(const struct guest_case *c)
{
	int i;

	if (c->kind != 1) {
		c->run();
		return;
	}
	for (i = 0; i < guest_rounds && !guest_failures; i++) {
		if (guest_ticks)
			start_ticks();
		c->run();
		if (guest_ticks)
			stop_ticks();
	}
}

/* PROGRAM [--rounds N] [--ticks] [CASE [ARGS]]; without a case, every one in turn. */
int main(int argc, char **argv)
{
	const struct guest_case *const *c;
	int i, found = 0;

	/* started with an empty argv, which the kernel makes one empty string */
	if (argc == 1 && !argv[0][0]) {
		say("empty argv[0]");
		return 4;
	}
	for (i = 1; i < argc && !strncmp(argv[i], "--", 2); i++) {
		if (!strcmp(argv[i], "--rounds") && i + 1 < argc)
			guest_rounds = atoi(argv[++i]);
		else if (!strcmp(argv[i], "--ticks"))
			guest_ticks = true;
	}
	guest_argc = argc - i;
	guest_argv = argv + i;
	for (c = __start_guest_cases; c < __stop_guest_cases; c++) {
		if (argv[i] ? strcmp((*c)->name, argv[i]) : (*c)->kind == 2)
			continue;
		found++;
		guest_run(*c);
	}
	if (!found)
		return 99;
	return guest_failures ? 1 : 0;
}

#endif
