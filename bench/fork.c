/*
 * Microseconds for a process that fork makes, and that does nothing and is waited for. usage: fork one|tree
 *
 * one: one after the other; the best of many blocks. tree: a tree of 2000, in which each process waits for its two
 * children; the best of many trees.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BLOCK 50
#define TREE 2000
#define LONG_ENOUGH 200e3 /* microseconds */

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static void need(int holds)
{
	if (!holds)
		_exit(EXIT_FAILURE);
}

/* Makes `count` processes, this one's children and theirs, and waits for them. */
static void grow(int count)
{
	int part[2] = { (count + 1) / 2, count / 2 }, children = 0, status;

	for (int i = 0; i < 2 && part[i]; i++, children++) {
		pid_t child = fork();

		need(child >= 0);
		if (child == 0) {
			grow(part[i] - 1);
			_exit(EXIT_SUCCESS);
		}
	}
	for (; children; children--)
		need(wait(&status) > 0 && status == 0);
}

static int block(void)
{
	for (int i = 0; i < BLOCK; i++)
		grow(1);
	return BLOCK;
}

static int tree(void)
{
	grow(TREE);
	return TREE;
}

int main(int argc, char **argv)
{
	int (*run)(void) = argc > 1 && strcmp(argv[1], "tree") == 0 ? tree : block;
	double begin = now(), best = 1e18;

	while (now() - begin < LONG_ENOUGH) {
		double start = now();
		double each = run();

		each = (now() - start) / each;
		if (each < best)
			best = each;
	}
	printf("%.3f\n", best);
	return EXIT_SUCCESS;
}
