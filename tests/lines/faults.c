/*
 * Calls with addresses where nothing is, while the signals of faults are blocked, ignored and handled, in each way that
 * there is: who looks at the program's memory must not fault in its place.
 */
#include "calls.h"

#include <poll.h>
#include <pthread.h>
#include <sys/wait.h>

#define SEGV (1ul << (SIGSEGV - 1))
#define BUS (1ul << (SIGBUS - 1))

static void change_mask(int how, uint64_t set)
{
	CALL(rt_sigprocmask, how, &set, NULL, 8);
}

static void look(void)
{
	static char *end;
	char bytes[9] = "in place";

	if (!end) { /* of what can be read */
		end = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		munmap(end + 4096, 4096);
		end += 4096;
		memset(end - 20, 'x', 20);
	}
	CALL(write, -1, bytes, sizeof(bytes));
	CALL(write, -1, BAD, 1);
	CALL(write, -1, BAD, 9);
	CALL(write, -1, end - 3, 9);
	CALL(write, -1, (void *)0x8000000000000000ul, 2);
	CALL(write, -1, (void *)-16ul, 3);
	CALL(openat, -1, BAD, O_RDONLY);
	CALL(openat, -1, end - 5, O_RDONLY);
}

static void *look_in_thread(void *unused)
{
	look();
	return unused;
}

static void handle(int sig)
{
	(void)sig;
	look();
}

static void handle_all(int sig, uint64_t mask)
{
	struct sigaction action = { .sa_handler = handle };

	memcpy(&action.sa_mask, &mask, sizeof(mask));
	sigaction(sig, &action, NULL);
}

static void children(void)
{
	pthread_t thread;
	pid_t child;

	pthread_create(&thread, NULL, look_in_thread, NULL);
	pthread_join(thread, NULL);
	child = fork();
	if (child == 0) {
		look();
		_exit(0);
	}
	waitpid(child, NULL, 0);
}

static void blocked(void)
{
	change_mask(SIG_BLOCK, SEGV);
	look();
	change_mask(SIG_BLOCK, BUS);
	change_mask(SIG_UNBLOCK, SEGV);
	look();
	change_mask(SIG_SETMASK, ~0ul);
	look();
	children();
	change_mask(SIG_UNBLOCK, SEGV | BUS);
	look();
	change_mask(SIG_SETMASK, 0);
	look();
}

static void in_handlers(void)
{
	struct timespec moment = { 0, 1000 };
	uint64_t set = ~(1ul << (SIGUSR2 - 1));

	handle_all(SIGUSR1, ~0ul);
	handle_all(SIGUSR2, 0);
	raise(SIGUSR1);
	look();
	change_mask(SIG_BLOCK, 1ul << (SIGUSR2 - 1));
	raise(SIGUSR2);
	CALL(ppoll, NULL, 0, &moment, &set, 8);
	look();
	change_mask(SIG_SETMASK, 0);
	handle_all(SIGSEGV, 0);
	look();
	raise(SIGSEGV);
}

static void ignored(void)
{
	signal(SIGBUS, SIG_IGN);
	look();
	signal(SIGBUS, SIG_DFL);
	signal(SIGSEGV, SIG_IGN);
	look();
	children();
}

int main(int argc, char **argv)
{
	look();
	if (argc > 1)
		return 0;
	blocked();
	in_handlers();
	ignored();
	change_mask(SIG_BLOCK, BUS);
	execl("/proc/self/exe", argv[0], "again", NULL);
	return 1;
}
