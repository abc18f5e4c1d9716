/*
 * A program that makes calls from deep inside, for events.py: from functions without frame pointers, in a handler of a
 * signal, in a thread, in a child, and far up a stack.
 */
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Functions stay functions, which do something when they go on. */
#if __has_attribute(noclone)
#define KEPT __attribute__((noinline, noclone))
#else
#define KEPT __attribute__((noinline))
#endif

KEPT int innermost(volatile char *memory)
{
	return getppid() + memory[0];
}

KEPT int middle(size_t size)
{
	char memory[size]; /* so that the frame has no size that is known before */

	memset(memory, 1, size);
	return innermost(memory) + memory[size / 2];
}

KEPT int outer(int number)
{
	return middle((size_t)number * 100) + number;
}

KEPT int recurse(int depth)
{
	volatile char memory[1000];

	memory[0] = (char)depth;
	return (depth ? recurse(depth - 1) : outer(depth + 1)) + memory[0];
}

static volatile int result;

KEPT void handler(int sig)
{
	result = outer(sig);
}

KEPT void *thread(void *argument)
{
	return outer(3) ? argument : NULL;
}

int main(void)
{
	pthread_t other;

	outer(5);
	signal(SIGUSR1, handler);
	raise(SIGUSR1);
	pthread_create(&other, NULL, thread, NULL);
	pthread_join(other, NULL);
	if (fork() == 0)
		_exit(outer(7) & 1);
	wait(NULL);
	return recurse(20) & 1;
}
