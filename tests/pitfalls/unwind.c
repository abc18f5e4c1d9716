/* Walks of the stack from handlers that interrupted a call, by unwind tables and by frame pointers. */
#include "library.h"
#include <execinfo.h>
#include <pthread.h>
#include <ucontext.h>
#include <unwind.h>

void blocked_directly(void), blocked_in_libc(void), blocked_in_library(void), middle(void (*)(void));
void outer(void (*)(void)), no_tail_call(void);

static int fds[2];
static volatile int walked;

static void name_of(unsigned long address, char *name, size_t size)
{
	Dl_info info;

	if (!dladdr((void *)address, &info) || !info.dli_fname)
		snprintf(name, size, "nowhere");
	else
		snprintf(name, size, "%s in %s", info.dli_sname ? info.dli_sname : "?",
			 strrchr(info.dli_fname, '/') + 1);
}

static void on_backtrace(int sig, siginfo_t *info, void *context)
{
	void *frames[64];
	ucontext_t *uc = context;
	char name[300];
	int n = backtrace(frames, 64), i;

	(void)sig, (void)info;
	name_of((unsigned long)uc->uc_mcontext.gregs[REG_RIP], name, sizeof(name));
	say("interrupted: %s", name);
	/* the first is this function, the second the C library's way back */
	for (i = 2; i < n; i++) {
		name_of((unsigned long)frames[i] - (i > 2), name, sizeof(name));
		say("%s", name);
	}
	walked++;
	NEED(write(fds[1], "x", 1) == 1);
}

static void on_frame_pointers(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	unsigned long *frame = (unsigned long *)uc->uc_mcontext.gregs[REG_RBP];
	unsigned long *own = *(unsigned long **)__builtin_frame_address(0);
	char name[300];
	int i;

	(void)sig, (void)info;
	/* the handler's own frame leads to the interrupted one */
	EXPECT(own, frame);
	for (i = 0; i < 20 && (unsigned long)frame > 4096; i++) {
		name_of(frame[1] - 1, name, sizeof(name));
		say("%s", name);
		if (!strncmp(name, "outer", 5))
			break;
		if (*frame <= (unsigned long)frame)
			break;
		frame = (unsigned long *)*frame;
	}
	walked++;
	NEED(write(fds[1], "x", 1) == 1);
}

static void (*volatile nothing)(void);

void no_tail_call(void)
{
}

__attribute__((noinline)) void blocked_directly(void)
{
	char c;

	EXPECT(raw(SYS_read, fds[0], &c, 1), 1);
	nothing();
}

__attribute__((noinline)) void blocked_in_libc(void)
{
	char c;

	EXPECT(read(fds[0], &c, 1), 1);
	nothing();
}

static call_fn *library_call;

__attribute__((noinline)) void blocked_in_library(void)
{
	char c;

	EXPECT(library_call(SYS_read, fds[0], (long)&c, 1), 1);
	nothing();
}

__attribute__((noinline)) void middle(void (*block)(void))
{
	block();
	nothing();
}

__attribute__((noinline)) void outer(void (*block)(void))
{
	middle(block);
	nothing();
}

static void walk(void (*handler)(int, siginfo_t *, void *))
{
	static void (*const blocks[])(void) = { blocked_directly, blocked_in_libc, blocked_in_library };
	struct itimerval it = { { 0, 0 }, { 0, 10000 } };
	size_t i;

	walked = 0;
	nothing = no_tail_call;
	library_call = (call_fn *)symbol(load(beside("libsites.so"), RTLD_NOW), "site_any");
	NEED(pipe(fds) == 0);
	set_handler(SIGALRM, handler, SA_RESTART);
	for (i = 0; i < 2 * ARRAY_SIZE(blocks); i++) {
		NEED(setitimer(ITIMER_REAL, &it, NULL) == 0);
		outer(blocks[i / 2]);
	}
	EXPECT(walked, 2 * ARRAY_SIZE(blocks));
}

CASE(tables)
{
	void *frames[4];

	/* loads what it needs */
	backtrace(frames, 4);
	walk(on_backtrace);
}

CASE(frame_pointers)
{
	walk(on_frame_pointers);
}

/* The unwinder itself goes through the frames of a blocked call: cancellation, with its cleanup. */
static void cleanup(void *arg)
{
	say("cleanup %s", (const char *)arg);
}

static volatile int about_to_block;

static void *cancelled(void *arg)
{
	int old;
	char c;

	pthread_setcanceltype(arg ? PTHREAD_CANCEL_ASYNCHRONOUS : PTHREAD_CANCEL_DEFERRED, &old);
	pthread_cleanup_push(cleanup, "outer");
	pthread_cleanup_push(cleanup, "inner");
	about_to_block = 1;
	if (arg)
		raw(SYS_read, fds[0], &c, 1);
	else
		NEED(read(fds[0], &c, 1) == 1);
	pthread_cleanup_pop(0);
	pthread_cleanup_pop(0);
	return NULL;
}

CASE(cancellation)
{
	pthread_t t;
	void *result;
	long i;

	NEED(pipe(fds) == 0);
	for (i = 0; i < 4; i++) {
		about_to_block = 0;
		NEED(pthread_create(&t, NULL, cancelled, (void *)(i & 1)) == 0);
		while (!about_to_block)
			usleep(1000);
		usleep(20000);
		NEED(pthread_cancel(t) == 0);
		NEED(pthread_join(t, &result) == 0);
		CHECK(result == PTHREAD_CANCELED);
	}
}

/* Signals that come at any moment of calls in a row: each walk reaches main. */
static volatile int walks, complete;

static _Unwind_Reason_Code frame(struct _Unwind_Context *context, void *arg)
{
	if (_Unwind_FindEnclosingFunction((void *)_Unwind_GetIP(context)) == (void *)outer)
		*(int *)arg = 1;
	return _URC_NO_REASON;
}

static void on_anywhere(int sig, siginfo_t *info, void *context)
{
	int found = 0;

	(void)sig, (void)info, (void)context;
	_Unwind_Backtrace(frame, &found);
	walks++;
	complete += found;
}

static long (*without_frame)(int (*)(clockid_t, struct timespec *), long, struct timespec *);

static void calls_in_a_row(void)
{
	struct timespec ts;

	while (walks < 300) {
		/* in the vDSO, where a frame pointer would hide wrong tables */
		EXPECT((int)without_frame(clock_gettime, CLOCK_MONOTONIC, &ts), 0);
		raw(SYS_getppid);
		library_call(600, 0, 0, 0);
		library_call(SYS_close, -1, 0, 0);
	}
}

STRESS(anywhere)
{
	struct itimerval it = { { 0, 300 }, { 0, 300 } };
	int found = 0;

	walks = complete = 0;
	nothing = no_tail_call;
	library_call = (call_fn *)symbol(load(beside("libsites.so"), RTLD_NOW), "site_any");
	without_frame = (long (*)(int (*)(clockid_t, struct timespec *), long, struct timespec *))symbol(
		load(beside("libsites.so"), RTLD_NOW), "without_frame");
	_Unwind_Backtrace(frame, &found);
	set_handler(SIGALRM, on_anywhere, SA_RESTART);
	outer(no_tail_call);
	NEED(setitimer(ITIMER_REAL, &it, NULL) == 0);
	outer(calls_in_a_row);
	stop_ticks();
	/* the first and last may be before and after */
	CHECK(complete >= walks - 2);
}
