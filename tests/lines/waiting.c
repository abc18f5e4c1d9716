#include "calls.h"

#include <linux/futex.h>
#include <mqueue.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/timex.h>
#include <utime.h>

static void polls(void)
{
	struct timespec none = { 0, 0 }, some = { 0, 1000 };
	struct timeval instant = { 0, 0 }, moment = { 0, 1000 };
	struct pollfd polled[3], many[100];
	uint64_t mask = 1ul << (SIGUSR1 - 1);
	struct {
		void *set;
		size_t size;
	} masked = { &mask, 8 };
	fd_set in, out;
	int pair[2];

	if (pipe(pair))
		return;
	polled[0] = (struct pollfd){ pair[0], POLLIN, 0 };
	polled[1] = (struct pollfd){ pair[1], POLLOUT | POLLPRI, 0 };
	polled[2] = (struct pollfd){ -1, POLLIN | POLLRDHUP, 0 };
	CALL(poll, polled, 3, 10);
	CALL(poll, polled, 1, 1);
	CALL(poll, NULL, 0, 1);
	CALL(poll, BAD, 1, 1);
	polled[0].fd = 777;
	CALL(poll, polled, 1, 0);
	for (int i = 0; i < 100; i++) /* of the first ones, which are shown, none has anything */
		many[i] = (struct pollfd){ pair[i > 40], i > 90 ? POLLOUT : POLLIN, 0 };
	CALL(poll, many, 100, 0);
	for (int i = 0; i < 100; i++)
		many[i].fd = 777;
	CALL(ppoll, many, 100, &none, NULL, 0);
	CALL(ppoll, polled, 2, &some, &mask, 8);
	CALL(ppoll, polled, 3, NULL, NULL, 0);
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(pair[0], &in);
	FD_SET(pair[1], &out);
	CALL(select, 10, &in, &out, NULL, &moment);
	FD_SET(pair[0], &in);
	CALL(select, 10, &in, NULL, NULL, &instant);
	CALL(select, 0, NULL, NULL, NULL, &moment);
	CALL(select, -1, NULL, NULL, NULL, NULL);
	CALL(select, -1, &in, NULL, &out, NULL);
	CALL(select, 10, BAD, NULL, NULL, NULL);
	FD_SET(pair[0], &in);
	CALL(pselect6, 10, &in, &out, NULL, &some, &masked);
	CALL(pselect6, 10, NULL, NULL, &out, &none, NULL);
	close(pair[0]);
	close(pair[1]);
}

static void epolls(void)
{
	struct epoll_event event = { EPOLLIN | EPOLLET | EPOLLONESHOT, { .u64 = 0x1234567890 } }, events[4];
	int fd = (int)CALL(epoll_create1, EPOLL_CLOEXEC), counter = (int)CALL(eventfd2, 3, EFD_NONBLOCK | EFD_CLOEXEC);
	struct timespec none = { 0, 0 };
	uint64_t mask = 0, value;

	CALL(epoll_create, 5);
	CALL(eventfd, 0);
	CALL(epoll_ctl, fd, EPOLL_CTL_ADD, counter, &event);
	event.events = EPOLLIN | EPOLLOUT;
	CALL(epoll_ctl, fd, EPOLL_CTL_MOD, counter, &event);
	CALL(epoll_wait, fd, events, 4, 10);
	CALL(epoll_pwait, fd, events, 4, 10, &mask, 8l);
	CALL(epoll_pwait2, fd, events, 4, &none, NULL, 8l);
	CALL(read, counter, &value, 8);
	CALL(epoll_ctl, fd, EPOLL_CTL_DEL, counter, NULL);
	CALL(epoll_ctl, fd, 77, counter, &event);
	CALL(epoll_wait, fd, events, 4, 0);
	CALL(epoll_wait, -1, events, 4, 0);
}

static void futexes(void)
{
	struct timespec none = { 0, 0 };
	uint32_t word = 1, other = 2;

	CALL(futex, &word, FUTEX_WAKE, 1, POISON, POISON, POISON);
	CALL(futex, &word, FUTEX_WAKE_PRIVATE, 0x7fffffff, POISON, POISON, POISON);
	CALL(futex, &word, FUTEX_WAIT, 77, NULL, POISON, POISON);
	CALL(futex, &word, FUTEX_WAIT_PRIVATE, 1, &none, POISON, POISON);
	CALL(futex, &word, FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, 1, &none, NULL, 0xffffffffl);
	CALL(futex, &word, FUTEX_WAKE_BITSET, 1, POISON, POISON, 0x55l);
	CALL(futex, &word, FUTEX_REQUEUE, 1, 2, &other, POISON);
	CALL(futex, &word, FUTEX_CMP_REQUEUE_PRIVATE, 1, 2, &other, 1l);
	CALL(futex, &word, FUTEX_WAKE_OP, 1, 1, &other, FUTEX_OP(FUTEX_OP_ADD, 1, FUTEX_OP_CMP_GT, 3));
	CALL(futex, &word, FUTEX_WAKE_OP, 1, 1, &other,
	     FUTEX_OP((FUTEX_OP_SET | FUTEX_OP_OPARG_SHIFT), 1, FUTEX_OP_CMP_EQ, 3));
	CALL(futex, &word, FUTEX_WAKE_OP, 1, 1, &other, FUTEX_OP(5, 1, 9, 3));
	CALL(futex, &word, FUTEX_LOCK_PI, 0, &none, POISON, POISON);
	CALL(futex, &word, FUTEX_TRYLOCK_PI, 0, POISON, POISON, POISON);
	CALL(futex, &word, FUTEX_UNLOCK_PI, 0, POISON, POISON, POISON);
	CALL(futex, &word, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 1, POISON, POISON, POISON);
	CALL(futex, &word, FUTEX_WAIT_REQUEUE_PI_PRIVATE | FUTEX_CLOCK_REALTIME, 0, &none, &other, POISON);
	CALL(futex, &word, FUTEX_FD | FUTEX_PRIVATE_FLAG, 1, POISON, POISON, POISON);
	CALL(futex, &word, 0x102, 1, POISON, POISON, POISON);
	CALL(futex, &word, 0x7000009, 1, 2, 3, 4l);
	CALL(futex, &word, 99, 1, 2, 3, 4l);
	CALL(set_robust_list, BAD, 24);
	CALL(set_tid_address, &word);
}

static void timers(void)
{
	struct itimerspec when = { { 1, 2 }, { 100, 4 } }, before;
	struct itimerval old = { { 1, 2 }, { 100, 4 } }, older;
	struct sigevent event = { .sigev_signo = SIGUSR1, .sigev_notify = SIGEV_SIGNAL };
	struct timespec time, none = { 0, 0 };
	struct timex timex = { 0 };
	struct timezone zone;
	struct timeval now;
	int fd = (int)CALL(timerfd_create, CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), id = 0;

	CALL(timerfd_settime, fd, TFD_TIMER_ABSTIME, &when, &before);
	CALL(timerfd_settime, fd, 0, &when, NULL);
	CALL(timerfd_gettime, fd, &before);
	CALL(timer_create, CLOCK_MONOTONIC, &event, &id);
	event.sigev_notify = SIGEV_NONE;
	event.sigev_value.sival_int = 5;
	CALL(timer_create, CLOCK_REALTIME, &event, &id);
	CALL(timer_create, CLOCK_REALTIME, NULL, &id);
	event.sigev_notify = 99;
	CALL(timer_create, -1, &event, &id);
	event.sigev_notify = SIGEV_THREAD;
	event.sigev_notify_function = (void *)0x1234;
	event.sigev_notify_attributes = (void *)0x5678;
	CALL(timer_create, -1, &event, &id);
	CALL(mq_unlink, "a name of a queue that is longer than what is shown of strings");
	CALL(timer_settime, id, TIMER_ABSTIME, &when, &before);
	CALL(timer_settime, id, 0, &when, &before);
	CALL(timer_gettime, id, &before);
	CALL(timer_getoverrun, id);
	CALL(timer_delete, id);
	CALL(setitimer, ITIMER_VIRTUAL, &old, &older);
	CALL(getitimer, ITIMER_VIRTUAL, &older);
	old = (struct itimerval){ 0 };
	CALL(setitimer, ITIMER_VIRTUAL, &old, NULL);
	CALL(setitimer, 77, &old, NULL);
	CALL(alarm, 100);
	CALL(alarm, 0);
	CALL(clock_settime, CLOCK_BOOTTIME, &none);
	CALL(nanosleep, &none, &time);
	CALL(nanosleep, BAD, NULL);
	CALL(clock_nanosleep, CLOCK_REALTIME, TIMER_ABSTIME, &none, NULL);
	CALL(clock_nanosleep, CLOCK_BOOTTIME, 0, &none, &time);
	CALL(clock_nanosleep, 77, 0, &none, &time);
	CALL(adjtimex, &timex);
	CALL(settimeofday, BAD, NULL);
	(void)zone;
	(void)now;
}

static void queues(void)
{
	struct mq_attr attr = { .mq_maxmsg = 3, .mq_msgsize = 10 }, before;
	struct timespec none = { 0, 0 };
	char text[20];
	unsigned priority;
	int fd;

	CALL(mq_unlink, "lines");
	attr.mq_flags = O_NONBLOCK;
	fd = (int)CALL(mq_open, "lines", O_RDWR | O_CREAT, 0600, &attr);
	CALL(mq_getsetattr, fd, NULL, &before);
	CALL(mq_timedsend, fd, "text", 4, 3, &none);
	CALL(mq_timedreceive, fd, text, 20, &priority, NULL);
	CALL(mq_timedreceive, fd, text, 20, &priority, &none);
	CALL(mq_unlink, "lines");
	CALL(close, fd);
}

int main(void)
{
	signal(SIGUSR1, SIG_IGN);
	signal(SIGALRM, SIG_IGN);
	polls();
	epolls();
	futexes();
	timers();
	queues();
	return 0;
}
