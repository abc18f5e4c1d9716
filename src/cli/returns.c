#include "cli/returns.h"

#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "abi/bundle.h"

#define ROUNDS 8
#define CALLS 4 /* in a round, since the clock is a call, too */
/* On Zen 3, where filling is right, paired returns take 1.03 to 1.15 of the time. Where the kernel leaves the stack of
 * returns alone, they are predicted, and all others are not. */
#define CLEARLY 0.85

/* Makes a system call that does nothing from a few calls deep, and returns from there (returns_probe.S). */
void returns_probe(bool fill);

static double nanoseconds(void)
{
	struct timespec now = { 0 };

	/* By a call: the function reads a counter, which a process may have forbidden itself (PR_SET_TSC). */
	syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double round_of_calls(bool fill)
{
	double start = nanoseconds();

	for (int i = 0; i < CALLS; i++)
		returns_probe(fill);
	return (nanoseconds() - start) / CALLS;
}

struct returns_cost returns_measure(void)
{
	struct returns_cost best = { 1e9, 1e9 };

	/* The shortest rounds are those that nothing else has slowed down. */
	for (int i = 0; i < ROUNDS; i++) {
		double paired = round_of_calls(false), fill = round_of_calls(true);

		best.paired = paired < best.paired ? paired : best.paired;
		best.fill = fill < best.fill ? fill : best.fill;
	}
	return best;
}

bool returns_are_paired(struct returns_cost cost)
{
	return cost.paired < CLEARLY * cost.fill;
}

bool returns_choose(enum returns returns, const struct bundle *outer)
{
	if (returns != RETURNS_MEASURED)
		return returns == RETURNS_PAIRED;
	if (outer)
		return outer->flags & BUNDLE_PAIRED;
	return returns_are_paired(returns_measure());
}

bool returns_named(const char *name, enum returns *returns)
{
	if (strcmp(name, "paired") == 0)
		*returns = RETURNS_PAIRED;
	else if (strcmp(name, "fill") == 0)
		*returns = RETURNS_FILL;
	else
		return false;
	return true;
}
