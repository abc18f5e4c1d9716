/* P1b: the program switches Syscall User Dispatch off, wherever and however it can. */
#include "guest.h"
#include <pthread.h>
#include <sys/prctl.h>

#define SUD 59 /* PR_SET_SYSCALL_USER_DISPATCH */
#define OFF 0
#define ON 1

static volatile char selector;

/* Calls that a tracer can count. */
static void calls(void)
{
	int i;

	for (i = 0; i < 5; i++)
		EXPECT(raw(600 + i), -ENOSYS);
	EXPECT(raw(SYS_close, -1), -EBADF);
}

static void off(void)
{
	EXPECT(raw(SYS_prctl, SUD, OFF, 0, 0, 0), 0);
	calls();
}

CASE(off)
{
	off();
	off();
	EXPECT(raw(SYS_prctl, SUD, OFF, 0, 0, &selector), -EINVAL);
	EXPECT(raw(SYS_prctl, SUD, OFF, 1, 1, 0), -EINVAL);
	calls();
}

/* By the library's function, with the arguments as the kernel ignores their upper halves or not. */
CASE(by_prctl)
{
	EXPECT(prctl(SUD, OFF, 0L, 0L, 0L), 0);
	EXPECT(raw(SYS_prctl, SUD | 0x500000000, OFF, 0, 0, 0), 0);
	say("mode with an upper half: %ld", raw(SYS_prctl, SUD, 0x100000000, 0, 0, 0));
	calls();
}

CASE(by_int80)
{
	long ret;

	__asm__ volatile("int $0x80"
			 : "=a"(ret)
			 : "a"(172L), "b"((long)SUD), "c"((long)OFF), "d"(0L), "S"(0L), "D"(0L)
			 : "memory");
	EXPECT(ret, 0);
	calls();
}

/* Everything is exempt from the program's own dispatch: nothing of it is dispatched. */
CASE(everything_exempt)
{
	EXPECT(raw(SYS_prctl, SUD, ON, 0, -1L, &selector), 0);
	selector = 1;
	calls();
	EXPECT(raw(SYS_prctl, SUD, ON, 1, -2L, &selector), 0);
	calls();
	selector = 0;
	off();
	selector = 1;
	calls();
}

static void *thread(void *arg)
{
	(void)arg;
	off();
	return NULL;
}

CASE(threads)
{
	pthread_t t[4];
	int i;

	for (i = 0; i < 4; i++)
		NEED(pthread_create(&t[i], NULL, thread, NULL) == 0);
	for (i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	calls();
}

static volatile int handled;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info, (void)context;
	off();
	handled++;
}

CASE(in_handler)
{
	set_handler(SIGUSR1, on_signal, 0);
	EXPECT(raw(SYS_kill, getpid(), SIGUSR1), 0);
	EXPECT(handled, 1);
	calls();
}

CASE(in_children)
{
	pid_t pid;

	say("-> %d", in_child(off));
	pid = vfork();
	if (pid == 0) {
		raw(SYS_prctl, SUD, OFF, 0, 0, 0);
		raw(600);
		raw(SYS_exit, raw(601) == -ENOSYS ? 3 : 4);
	}
	EXPECT(wait_for(pid), 3);
	calls();
}

static void dispatched(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)context;
	selector = 0;
	handled = info->si_syscall;
}

/* The program's own dispatch, switched on and off by turns: each is in force when it should. */
CASE(by_turns)
{
	int i;

	set_handler(SIGSYS, dispatched, 0);
	for (i = 0; i < 20; i++) {
		EXPECT(raw(SYS_prctl, SUD, ON, 0, 0, &selector), 0);
		handled = 0;
		selector = 1;
		raw(SYS_getuid);
		EXPECT(handled, SYS_getuid);
		off();
		selector = 1;
		handled = 0;
		EXPECT(raw(SYS_getuid), getuid());
		EXPECT(handled, 0);
		selector = 0;
	}
}
