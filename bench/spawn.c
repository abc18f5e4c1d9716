/*
 * Microseconds for posix_spawn and wait of /bin/true. usage: spawn [COUNT]
 */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

int main(int argc, char **argv)
{
	char *command[] = { "/bin/true", NULL };
	int count = argc > 1 ? atoi(argv[1]) : 100;
	struct timespec start, end;

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (int i = 0; i < count; i++) {
		pid_t pid;
		int status;

		if (posix_spawn(&pid, command[0], NULL, NULL, command, environ) != 0 || waitpid(pid, &status, 0) != pid ||
		    status != 0)
			return EXIT_FAILURE;
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	printf("%.3f\n", ((double)(end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec)) / count / 1e3);
	return EXIT_SUCCESS;
}
