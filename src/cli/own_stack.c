#include "cli/own_stack.h"

#include <stddef.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define ENOUGH (512ul << 10)
#define SIZE (1ul << 20)

/* own_stack_call.S */
int own_stack_call(void *top, int (*function)(int argc, char **argv), int argc, char **argv);

int own_stack_run(int (*function)(int argc, char **argv), int argc, char **argv)
{
	struct rlimit limit;
	char *stack;

	if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur >= ENOUGH)
		return function(argc, argv);
	stack = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (stack == MAP_FAILED || mprotect(stack, 4096, PROT_NONE) != 0)
		return function(argc, argv);
	return own_stack_call(stack + SIZE, function, argc, argv);
}
