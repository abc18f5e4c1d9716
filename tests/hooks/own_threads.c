/*
 * A hosted hook with threads of its own: one does the work for each getppid(), from the first on, and in each child of
 * a fork. For the program: 5000 makes one more and waits for its end, 5001 makes one that crashes, 5002 one that makes
 * the program's call.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <k23/hook.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static long wanted, done;
static __thread long mine = 5;

static void *work(void *argument)
{
	pthread_mutex_lock(&mutex);
	for (;;) {
		while (wanted == done)
			pthread_cond_wait(&changed, &mutex);
		done++;
		free(malloc(100));
		pthread_cond_broadcast(&changed);
	}
	return argument;
}

static long have_worked(struct k23_call *call)
{
	long want;

	pthread_mutex_lock(&mutex);
	want = ++wanted;
	pthread_cond_broadcast(&changed);
	while (done < want)
		pthread_cond_wait(&changed, &mutex);
	pthread_mutex_unlock(&mutex);
	return k23_forward(call);
}

/* The ids are its own, and so are its variables. */
static void *be_short(void *argument)
{
	long *number = malloc(sizeof(*number));
	void *result;

	*number = (long)argument + mine++;
	*number += (k23_pid() != getpid()) + (k23_tid() != gettid()) + (gettid() == getpid());
	result = (void *)*number;
	free(number);
	return result;
}

static void *crash(void *argument)
{
	*(volatile long *)argument = 0;
	return NULL;
}

static void *forward(void *argument)
{
	return (void *)k23_forward(argument);
}

static long on_other(struct k23_call *call)
{
	void *(*function)(void *) = call->nr == 5000 ? be_short : call->nr == 5001 ? crash : forward;
	void *argument = call->nr == 5000 ? (void *)100 : call->nr == 5001 ? (void *)8 : call, *result;
	pthread_t thread;
	int error;

	if (call->nr < 5000 || call->nr > 5002)
		return k23_forward(call);
	error = pthread_create(&thread, NULL, function, argument);
	if (error)
		return -error;
	pthread_join(thread, &result);
	return (long)result;
}

static int begin(const struct k23_options *options)
{
	pthread_t thread;

	(void)options;
	return -pthread_create(&thread, NULL, work, NULL);
}

/* As after any fork of a process with threads, the lock may be held, and the threads are gone. */
static void fork_child(void)
{
	pthread_mutex_init(&mutex, NULL);
	pthread_cond_init(&changed, NULL);
	wanted = done = 0;
	begin(NULL);
}

static void process_exit(int status)
{
	fprintf(stderr, "done: %ld\n", status == 99 ? -1 : done);
}

K23_HOOK(own_threads, .init = begin, .fork_child = fork_child, .process_exit = process_exit, .all = on_other,
	 .calls = { { SYS_getppid, have_worked } });
