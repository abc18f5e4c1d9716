/*
 * twice: clocks run twice as fast from the start of the program on: k23 run --hook twice -- PROGRAM
 *
 * Each program that an execve starts begins with the right time; with since=SECONDS (of the epoch) the
 * clocks of all programs agree, as if they ran fast since then. Timeouts are not changed: a program that
 * waits until a certain time waits too long.
 */
#include <k23/hook.h>

#include <sys/time.h>
#include <time.h>

#define SECOND 1000000000l
#define CLOCKS 12
/* Those of time. CLOCK_PROCESS_CPUTIME_ID and the like are left alone. */
#define FAST (1u << CLOCK_REALTIME | 1u << CLOCK_MONOTONIC | 1u << CLOCK_MONOTONIC_RAW |                     \
	      1u << CLOCK_REALTIME_COARSE | 1u << CLOCK_MONOTONIC_COARSE | 1u << CLOCK_BOOTTIME |             \
	      1u << CLOCK_REALTIME_ALARM | 1u << CLOCK_BOOTTIME_ALARM | 1u << CLOCK_TAI)

static long start[CLOCKS]; /* nanoseconds */

static long now(int clock)
{
	struct timespec time = { 0 };

	k23_syscall(SYS_clock_gettime, (unsigned)clock, (unsigned long)&time, 0, 0, 0, 0);
	return time.tv_sec * SECOND + time.tv_nsec;
}

static long faster(int clock, long time)
{
	return time + (time - start[clock]);
}

static long on_clock_gettime(struct k23_call *call)
{
	struct timespec time;
	long r = k23_forward(call), fast;

	if (r || (unsigned)call->args[0] >= CLOCKS || !(FAST >> call->args[0] & 1) ||
	    k23_copy_from(&time, call->args[1], sizeof(time)))
		return r;
	fast = faster((int)call->args[0], time.tv_sec * SECOND + time.tv_nsec);
	time.tv_sec = fast / SECOND;
	time.tv_nsec = fast % SECOND;
	return k23_copy_to(call->args[1], &time, sizeof(time));
}

static long on_gettimeofday(struct k23_call *call)
{
	struct timeval time;
	long r = k23_forward(call), fast;

	if (r || !call->args[0] || k23_copy_from(&time, call->args[0], sizeof(time)))
		return r;
	fast = faster(CLOCK_REALTIME, time.tv_sec * SECOND + time.tv_usec * 1000);
	time.tv_sec = fast / SECOND;
	time.tv_usec = fast % SECOND / 1000;
	return k23_copy_to(call->args[0], &time, sizeof(time));
}

static long on_time(struct k23_call *call)
{
	long seconds = faster(CLOCK_REALTIME, now(CLOCK_REALTIME)) / SECOND;
	long r = call->args[0] ? k23_copy_to(call->args[0], &seconds, sizeof(seconds)) : 0;

	return r ? r : seconds;
}

static int init(const struct k23_options *options)
{
	const char *since = k23_option(options, "since");
	long ago = 0;

	for (; since && *since >= '0' && *since <= '9'; since++)
		ago = ago * 10 + *since - '0';
	if (since && *since)
		return k23_refuse("since=SECONDS is a number");
	if (ago)
		ago = now(CLOCK_REALTIME) - ago * SECOND;
	for (int clock = 0; clock < CLOCKS; clock++)
		start[clock] = now(clock) - ago;
	return 0;
}

K23_HOOK(twice,
	.init = init,
	.calls = {
		{ SYS_clock_gettime, on_clock_gettime },
		{ SYS_gettimeofday, on_gettimeofday },
		{ SYS_time, on_time },
	});
