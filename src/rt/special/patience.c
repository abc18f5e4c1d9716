#include "rt/special/patience.h"

#include <asm/errno.h>
#include <linux/futex.h>
#include <linux/poll.h>
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

/* hidden: whether an attempt before was interrupted by something of which the program is not to know. ctx: entry */
static long attempt(struct rt_thread *thread, struct k23_call *call, rt_special_fn *make, bool *hidden)
{
	*hidden |= thread->passed_by;
	thread->passed_by = false;
	return make(thread, call);
}

/* A call that was interrupted is made again, with what is left of its time. ctx: entry */
static long sleep_on(struct rt_thread *thread, struct k23_call *call, rt_special_fn *make, const struct sleep *sleep,
		     int64_t end, bool *hidden)
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
		r = attempt(thread, call, make, hidden);
	} while (r == -EINTR && thread->passed_by && !thread->signals);
	call->args[sleep->argument] = given;
	return r;
}

/* The rest of what is written to a pipe or a stream, of which the kernel took a part. ctx: entry */
static long write_on(struct rt_thread *thread, struct k23_call *call, rt_special_fn *make, long written, bool *hidden)
{
	uint64_t from = call->args[1], size = call->args[2];
	long r;

	do {
		call->args[1] = from + (uint64_t)written;
		call->args[2] = size - (uint64_t)written;
		r = attempt(thread, call, make, hidden);
		written += failed(r) ? 0 : r;
	} while (thread->passed_by && !thread->signals && (uint64_t)written < size && (r > 0 || r == -EINTR));
	call->args[1] = from;
	call->args[2] = size;
	return written;
}

/* A call that waits for the descriptor that is its first argument. The kernel looks at this before it looks at signals.
 */
struct wait {
	uint16_t nr;
	int16_t events;
};

static const struct wait waits[] = {
	{ __NR_read, POLLIN },
	{ __NR_readv, POLLIN },
	{ __NR_recvfrom, POLLIN },
	{ __NR_recvmsg, POLLIN },
	{ __NR_recvmmsg, POLLIN },
	{ __NR_accept, POLLIN },
	{ __NR_accept4, POLLIN },
	{ __NR_splice, POLLIN },
	{ __NR_epoll_wait, POLLIN },
	{ __NR_epoll_pwait, POLLIN },
	{ __NR_epoll_pwait2, POLLIN },
	{ __NR_write, POLLOUT },
	{ __NR_writev, POLLOUT },
	{ __NR_sendto, POLLOUT },
	{ __NR_sendmsg, POLLOUT },
};

/* Whether a descriptor of a select is ready, of which the sets stay as they are. ctx: entry */
static bool is_selected(const struct k23_call *call)
{
	static const int64_t at_once[2];
	uint64_t sets[3][16], *copies[3];
	size_t count = (uint32_t)call->args[0], size = (count + 63) / 64 * 8;

	if (size > sizeof(sets[0]))
		return false;
	for (int i = 0; i < 3; i++) {
		copies[i] = call->args[1 + i] ? sets[i] : NULL;
		if (copies[i] && failed(rt_copy_from(sets[i], call->args[1 + i], size)))
			return false;
	}
	return sys(pselect6, count, copies[0], copies[1], copies[2], at_once, 0) > 0;
}

/* Whether the call would not wait. ctx: entry */
static bool is_ready(const struct k23_call *call)
{
	struct pollfd fd = { 0 };

	if (call->nr == __NR_poll || call->nr == __NR_ppoll)
		return sys(poll, call->args[0], call->args[1], 0) > 0;
	if (call->nr == __NR_select || call->nr == __NR_pselect6)
		return is_selected(call);
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		if (waits[i].nr != call->nr)
			continue;
		fd.fd = (int)call->args[0];
		fd.events = waits[i].events;
		return sys(poll, &fd, 1, 0) > 0;
	}
	return false;
}

/* Whether the kernel makes the call again after a handler that wants that. ctx: entry */
static bool is_restarted(const struct k23_call *call)
{
	static const uint16_t never[] = {
		__NR_pause, __NR_ppoll, __NR_select, __NR_pselect6, __NR_clock_nanosleep, __NR_semop,
	};

	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		if (never[i] == call->nr)
			return false;
	return !find_sleep(call);
}

/* A signal of the program's has come after something hidden had interrupted the call: as if the call had waited on. If
 * it would be over by then, it is made again after the signal's handler. ctx: entry */
static long interrupted(struct rt_thread *thread, const struct k23_call *call)
{
	bool restarts = thread->noted[0].action.flags & SA_RESTART && is_restarted(call);

	return restarts || is_ready(call) ? -K23_ERESTART : -EINTR;
}

/* ctx: entry */
static long make_on(struct rt_thread *thread, struct k23_call *call, rt_special_fn *make, bool *hidden)
{
	const struct sleep *sleep = find_sleep(call);
	int64_t timeout = sleep ? timeout_of(call, sleep) : -1, end = timeout < 0 ? 0 : now() + timeout;
	struct __kernel_timespec remainder;
	bool kept = sleep && sleep->remainder && call->args[sleep->remainder] &&
		    !failed(rt_copy_from(&remainder, call->args[sleep->remainder], sizeof(remainder)));
	long r;

	do {
		r = attempt(thread, call, make, hidden);
		if (!thread->passed_by || thread->signals || call->nr == __NR_close)
			return r;
		if (r > 0 && (call->nr == __NR_write || call->nr == __NR_sendto) && (uint64_t)r < call->args[2])
			return write_on(thread, call, make, r, hidden);
	} while (r == -EINTR && timeout < 0);
	if (r != -EINTR)
		return r;
	r = sleep_on(thread, call, make, sleep, end, hidden);
	/* As if the call had not been interrupted. */
	if (r == 0 && kept)
		(void)!rt_copy_to(call->args[sleep->remainder], &remainder, sizeof(remainder));
	return r;
}

/* ctx: entry */
long rt_make_patiently(struct rt_thread *thread, struct k23_call *call, rt_special_fn *make)
{
	bool hidden = false;
	long r;

	thread->passed_by = false;
	r = make_on(thread, call, make, &hidden);
	if (!thread->signals)
		return r;
	if ((r == -EINTR && thread->passed_by) || (r == -K23_ERESTART && hidden))
		return interrupted(thread, call);
	return r;
}
