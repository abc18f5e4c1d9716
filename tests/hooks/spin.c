/*
 * Works for some milliseconds before each call 500, and makes no system call meanwhile.
 */
#include <k23/hook.h>

#define CYCLES 10000000ul

static long spin(struct k23_call *call)
{
	uint64_t end = k23_cycles() + CYCLES;

	while (k23_cycles() < end)
		;
	return k23_forward(call);
}

K23_HOOK(spin, .calls = { { 500, spin } });
