/* Several seccomp filters, some of which judge by the address of the call: whose verdict counts, for which threads. */
#include "filtering.h"
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>

/* Of verdicts that are alike that of the newest filter counts, also where filters by number stand between. */
static void mixed(void)
{
	judge(SYS_getppid, SECCOMP_RET_ERRNO | 21, 0);
	judge_all(SYS_getppid, SECCOMP_RET_ERRNO | 22, 0);
	judge(SYS_getpgrp, SECCOMP_RET_ERRNO | 23, 0);
	EXPECT(raw(SYS_getppid), -22);
	EXPECT(trusted(SYS_getppid), -22);
	EXPECT(raw(SYS_getpgrp), -23);
	judge_all(SYS_getpgrp, SECCOMP_RET_ERRNO | 24, 0);
	EXPECT(raw(SYS_getpgrp), -24);
	judge(SYS_getppid, SECCOMP_RET_ERRNO | 25, 0);
	EXPECT(raw(SYS_getppid), -25);
	EXPECT(trusted(SYS_getppid), -22);
}

CASE(in_order)
{
	map_trusted();
	EXPECT(in_child(mixed), 0);
}

static int listener;
static volatile long notified;

static void *call_notified(void *argument)
{
	judge_with(SYS_getppid, SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER, &listener);
	judge(SYS_getpgrp, SECCOMP_RET_ERRNO | 23, 0);
	notified = 1;
	EXPECT(raw(SYS_getppid), 4711);
	return argument;
}

/* The filter that has a listener is not the newest. */
CASE(notifies)
{
	struct seccomp_notif notification = { 0 };
	struct seccomp_notif_resp answer = { .val = 4711 };
	pthread_t thread;

	map_trusted();
	NEED(pthread_create(&thread, NULL, call_notified, NULL) == 0);
	while (!notified)
		sched_yield();
	NEED(ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &notification) == 0);
	EXPECT(notification.data.nr, SYS_getppid);
	answer.id = notification.id;
	EXPECT(ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer), 0);
	NEED(pthread_join(thread, NULL) == 0);
}

static volatile int stage;

static void wait_for_stage(int wanted)
{
	while (stage < wanted)
		sched_yield();
}

static void *call_beside(void *argument)
{
	/* Calls before, so that their places are known. */
	for (int i = 0; i < 10; i++) {
		CHECK(raw(SYS_getppid) > 0);
		CHECK(syscall(SYS_getppid) > 0);
	}
	stage = 1;
	wait_for_stage(2);
	for (int i = 0; i < 10; i++)
		expect_errno(7);
	stage = 3;
	return argument;
}

/* A filter for all threads. */
CASE(synchronized)
{
	pthread_t thread;

	map_trusted();
	for (int i = 0; i < 10; i++)
		CHECK(syscall(SYS_getppid) > 0);
	NEED(pthread_create(&thread, NULL, call_beside, NULL) == 0);
	wait_for_stage(1);
	judge(SYS_getppid, SECCOMP_RET_ERRNO | 7, SECCOMP_FILTER_FLAG_TSYNC);
	stage = 2;
	wait_for_stage(3);
	expect_errno(7);
	NEED(pthread_join(thread, NULL) == 0);
}

static volatile int installed, enough;

/* Each filter denies with a number of its own. */
static void *call_meanwhile(void *argument)
{
	while (!enough && !guest_failures) {
		int before = installed;
		long r = raw(SYS_getppid);

		CHECK(r > 0 ? before == 0 : -r - 20 >= before && -r - 20 <= installed + 1);
	}
	return argument;
}

static void synchronize_many(void)
{
	pthread_t threads[3];

	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		NEED(pthread_create(&threads[i], NULL, call_meanwhile, NULL) == 0);
	for (int i = 1; i <= 10; i++) {
		usleep(200);
		if (i % 3)
			judge(SYS_getppid, SECCOMP_RET_ERRNO | (unsigned)(20 + i), SECCOMP_FILTER_FLAG_TSYNC);
		else
			judge_all(SYS_getppid, SECCOMP_RET_ERRNO | (unsigned)(20 + i), SECCOMP_FILTER_FLAG_TSYNC);
		installed = i;
	}
	usleep(300);
	enough = 1;
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		NEED(pthread_join(threads[i], NULL) == 0);
}

/* One filter after another for all threads, which make calls meanwhile. */
STRESS(synchronized_many)
{
	for (int i = 0; i < turns(10, 20); i++)
		EXPECT(in_child(synchronize_many), 0);
}

static void *judge_alone(void *argument)
{
	judge(SYS_getppid, SECCOMP_RET_ERRNO | 7, 0);
	judge(SYS_getpgrp, SECCOMP_RET_ERRNO | 9, 0);
	stage = 1;
	wait_for_stage(2);
	expect_errno(7);
	EXPECT(raw(SYS_getpgrp), -9);
	stage = 3;
	return argument;
}

/* A filter for all threads, of which one has others. */
CASE(not_synchronized)
{
	struct sock_filter code[] = {
		LOAD(instruction_pointer),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, TRUSTED, 0, 1),
		RETURN(SECCOMP_RET_ALLOW),
		RETURN(SECCOMP_RET_ERRNO | 8),
	};
	pthread_t thread;

	map_trusted();
	NEED(pthread_create(&thread, NULL, judge_alone, NULL) == 0);
	wait_for_stage(1);
	CHECK(install(code, ARRAY_SIZE(code), SECCOMP_FILTER_FLAG_TSYNC) > 0);
	CHECK(raw(SYS_getppid) > 0);
	EXPECT(install(code, ARRAY_SIZE(code), SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH), -ESRCH);
	stage = 2;
	wait_for_stage(3);
	NEED(pthread_join(thread, NULL) == 0);
	CHECK(raw(SYS_getppid) > 0);
	CHECK(raw(SYS_getpgrp) > 0);
}
