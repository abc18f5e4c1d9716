/*
 * Microseconds for posix_spawn and wait of /bin/true: the best block of 20. usage: spawn [BLOCKS]
 */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

#define BLOCK 20

static void spawn_and_wait(void)
{
	char *command[] = { "/bin/true", NULL };
	pid_t pid;
	int status;

	if (posix_spawn(&pid, command[0], NULL, NULL, command, environ) != 0 || waitpid(pid, &status, 0) != pid ||
	    status != 0)
		exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
	int blocks = argc > 1 ? atoi(argv[1]) : 5;
	double best = 1e18;

	for (int i = 0; i < blocks; i++) {
		struct timespec start, end;
		double took;

		clock_gettime(CLOCK_MONOTONIC, &start);
		for (int k = 0; k < BLOCK; k++)
			spawn_and_wait();
		clock_gettime(CLOCK_MONOTONIC, &end);
		took = (double)(end.tv_sec - start.tv_sec) * 1e6 + (double)(end.tv_nsec - start.tv_nsec) / 1e3;
		if (took < best)
			best = took;
	}
	printf("%.3f\n", best / BLOCK);
	return EXIT_SUCCESS;
}
