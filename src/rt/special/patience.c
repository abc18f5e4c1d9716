#include "rt/special/patience.h"

#include <asm/errno.h>
#include <linux/futex.h>
#include <linux/time.h>
#include <linux/time_types.h>

#include "rt/base/copy.h"

#define NANOSECONDS 1000000000l

/* A call with a relative timeout that the kernel does not count down itself. */
struct sleep {
	uint16_t nr;
	uint8_t argument;  /* which argument is the timeout */
	uint8_t remainder; /* 0, or which argument is the address to which the kernel writes what was left */
	bool milliseconds; /* or a struct timespec */
};

static const struct sleep sleeps[] = {
	{ __NR_nanosleep, 0, 1, false },
	{ __NR_clock_nanosleep, 2, 3, false },
	{ __NR_futex, 3, 0, false },
	{ __NR_poll, 2, 0, true },
	{ __NR_epoll_wait, 3, 0, true },
	{ __NR_epoll_pwait, 3, 0, true },
	{ __NR_epoll_pwait2, 3, 0, false },
	{ __NR_semtimedop, 3, 0, false },
	{ __NR_rt_sigtimedwait, 2, 0, false },
	{ __NR_io_getevents, 4, 0, false },
};

/* ctx: entry */
static const struct sleep *find_sleep(const struct k23_call *call)
{
	if (call->nr == __NR_futex && (call->args[1] & FUTEX_CMD_MASK) != FUTEX_WAIT)
		return NULL;
	if (call->nr == __NR_clock_nanosleep && call->args[1] /* TIMER_ABSTIME */)
		return NULL;
	for (size_t i = 0; i < sizeof(sleeps) / sizeof(sleeps[0]); i++)
		if (sleeps[i].nr == call->nr)
			return &sleeps[i];
	return NULL;
}

/* ctx: entry */
static int64_t now(void)
{
	struct __kernel_timespec time = { 0 };

	sys(clock_gettime, CLOCK_MONOTONIC, &time);
	return time.tv_sec * NANOSECONDS + time.tv_nsec;
}

/* The timeout in nanoseconds, or -1: none, or none that is counted. ctx: entry */
static int64_t timeout_of(const struct k23_call *call, const struct sleep *sleep)
{
	uint64_t argument = call->args[sleep->argument];
	struct __kernel_timespec time;

	if (sleep->milliseconds)
		return (int32_t)argument < 0 ? -1 : (int32_t)argument * (NANOSECONDS / 1000);
	if (!argument || failed(rt_copy_from(&time, argument, sizeof(time))) || time.tv_sec < 0 ||
	    time.tv_sec > INT64_MAX / NANOSECONDS / 4)
		return -1;
	return time.tv_sec * NANOSECONDS + time.tv_nsec;
}

/* A call that was interrupted is made again, with what is left of its time. ctx: entry */
static long sleep_on(struct rt_thread *thread, struct k23_call *call, rt_special_fn *make, const struct sleep *sleep,
		     int64_t end)
{
	uint64_t given = call->args[sleep->argument];
	struct __kernel_timespec time;
	long r;

	do {
		int64_t left = end - now();

		left = left < 0 ? 0 : left;
		time.tv_sec = left / NANOSECONDS;
		time.tv_nsec = left % NANOSECONDS;
		call->args[sleep->argument] =
			sleep->milliseconds ? (uint64_t)((left + NANOSECONDS / 1000 - 1) / (NANOSECONDS / 1000))
					    : (uint64_t)&time;
		thread->passed_by = false;
		r = make(thread, call);
	} while (r == -EINTR && thread->passed_by && !thread->signals);
	call->args[sleep->argument] = given;
	return r;
}

/* The rest of what is written to a pipe or a stream, of which the kernel took a part. ctx: entry */
static long write_on(struct rt_thread *thread, struct k23_call *call, rt_special_fn *make, long written)
{
	uint64_t from = call->args[1], size = call->args[2];
	long r;

	do {
		call->args[1] = from + (uint64_t)written;
		call->args[2] = size - (uint64_t)written;
		thread->passed_by = false;
		r = make(thread, call);
		written += failed(r) ? 0 : r;
	} while (thread->passed_by && !thread->signals && (uint64_t)written < size && (r > 0 || r == -EINTR));
	call->args[1] = from;
	call->args[2] = size;
	return written;
}

/* ctx: entry */
long rt_make_patiently(struct rt_thread *thread, struct k23_call *call, rt_special_fn *make)
{
	const struct sleep *sleep = find_sleep(call);
	int64_t timeout = sleep ? timeout_of(call, sleep) : -1, end = timeout < 0 ? 0 : now() + timeout;
	struct __kernel_timespec remainder;
	bool kept = sleep && sleep->remainder && call->args[sleep->remainder] &&
		    !failed(rt_copy_from(&remainder, call->args[sleep->remainder], sizeof(remainder)));
	long r;

	do {
		thread->passed_by = false;
		r = make(thread, call);
		if (!thread->passed_by || thread->signals || call->nr == __NR_close)
			return r;
		if (r > 0 && (call->nr == __NR_write || call->nr == __NR_sendto) && (uint64_t)r < call->args[2])
			return write_on(thread, call, make, r);
	} while (r == -EINTR && timeout < 0);
	if (r != -EINTR)
		return r;
	r = sleep_on(thread, call, make, sleep, end);
	/* As if the call had not been interrupted. */
	if (r == 0 && kept)
		(void)!rt_copy_to(call->args[sleep->remainder], &remainder, sizeof(remainder));
	return r;
}
