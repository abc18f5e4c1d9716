/*
 * Nanoseconds for each getppid that some threads make at once, for as long as one of them takes. usage: threads COUNT
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define MOST 64
#define CALLS 200000 /* of each thread */

static pthread_barrier_t start;

static void *call(void *unused)
{
	pthread_barrier_wait(&start);
	for (int i = 0; i < CALLS; i++)
		getppid();
	return unused;
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 1;
	struct timespec begin, end;
	pthread_t threads[MOST];
	double took;

	if (count < 1 || count > MOST)
		return EXIT_FAILURE;
	pthread_barrier_init(&start, NULL, (unsigned)count + 1);
	for (int i = 0; i < count; i++)
		if (pthread_create(&threads[i], NULL, call, NULL) != 0)
			return EXIT_FAILURE;
	clock_gettime(CLOCK_MONOTONIC, &begin);
	pthread_barrier_wait(&start);
	for (int i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	clock_gettime(CLOCK_MONOTONIC, &end);
	took = (double)(end.tv_sec - begin.tv_sec) * 1e9 + (double)(end.tv_nsec - begin.tv_nsec);
	printf("%.3f\n", took / CALLS / count);
	return EXIT_SUCCESS;
}
