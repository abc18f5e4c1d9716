/*
 * A set of system calls, as -e of `k23 trace` names it.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <k23/types.h>

#include "cli/call_set.h"
#include "cli/cli.h"
#include "core/describe.h"

static void select_all(struct k23_ring *ring, bool wanted)
{
	for (int arch = 0; arch < K23_CHANNEL_ARCHES; arch++) {
		memset(ring->wanted[arch], wanted ? 0xff : 0, sizeof(ring->wanted[arch]));
		ring->others[arch] = wanted;
	}
}

/* Selects the call of a name, in each architecture that has it. False: none has. */
static bool select_call(struct k23_ring *ring, const char *name, bool wanted)
{
	static const uint32_t arches[] = { [K23_CHANNEL_X86_64] = K23_ARCH_X86_64, [K23_CHANNEL_I386] = K23_ARCH_I386 };
	bool found = false;

	for (int arch = 0; arch < K23_CHANNEL_ARCHES; arch++) {
		long nr = core_syscall_number(arches[arch], name);

		if (nr < 0 || nr >= (long)K23_NUMBERS)
			continue;
		found = true;
		if (wanted)
			ring->wanted[arch][nr / 64] |= 1ull << nr % 64;
		else
			ring->wanted[arch][nr / 64] &= ~(1ull << nr % 64);
	}
	return found;
}

char *call_set_parse(struct k23_ring *ring, const char *names)
{
	char *list, *rest, *name, *problem = NULL;
	bool wanted;

	if (strncmp(names, "trace=", 6) == 0)
		names += 6;
	wanted = *names != '!';
	names += !wanted;
	if (strcmp(names, "all") == 0 || strcmp(names, "none") == 0) {
		select_all(ring, wanted == (*names == 'a'));
		return NULL;
	}
	select_all(ring, !wanted);
	list = rest = strdup(names);
	if (!list)
		die(EXIT_K23, "out of memory");
	while (!problem && (name = strsep(&rest, ",")))
		if (!select_call(ring, name, wanted) && asprintf(&problem, "there is no system call '%s'", name) < 0)
			die(EXIT_K23, "out of memory");
	free(list);
	return problem;
}
