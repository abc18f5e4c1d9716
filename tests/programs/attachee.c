/* A program for debuggers to attach to: makes calls until it is told to stop. */
#include "guest.h"
#include <fcntl.h>
#include <pthread.h>

volatile long attachee_turns;

__attribute__((noinline)) void attachee_turn(void)
{
	struct timespec ts = { 0, 1000000 };

	EXPECT(raw(SYS_getppid), getppid());
	(void)raw(SYS_nanosleep, &ts, 0);
	attachee_turns++;
}

static void *second(void *arg)
{
	while (access("stop", F_OK) != 0)
		attachee_turn();
	return arg;
}

CASE(loop)
{
	pthread_t t;
	int fd;

	NEED(pthread_create(&t, NULL, second, NULL) == 0);
	fd = creat("ready", 0644);
	CHECK(fd >= 0);
	close(fd);
	while (access("stop", F_OK) != 0)
		attachee_turn();
	pthread_join(t, NULL);
	no_children();
	say("done");
}
