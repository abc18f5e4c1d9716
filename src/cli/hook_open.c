#include "cli/hook_open.h"

#include <stddef.h>
#include <stdio.h>

#include "cli/hook_check.h"
#include "core/describe.h"

#include <k23/types.h>
#include <k23/world.h>

/* "openat", or its number if it has no name. */
static const char *name_of(long nr)
{
	static struct k23_syscall_info info;
	static char number[24];

	if (core_describe(K23_ARCH_X86_64, nr, &info))
		return info.name;
	snprintf(number, sizeof(number), "%ld", nr);
	return number;
}

/* Whether .calls names calls that there are, each once. */
static bool check_calls(const struct hook_file *hook, char **problem)
{
	const uint64_t address = hook_file_symbol(hook, "k23_hook") + offsetof(struct k23_descriptor, calls);
	const struct k23_entry *calls = hook_file_at(hook, address, (K23_MAX_CALLS + 1) * sizeof(*calls));
	bool named[K23_NUMBERS] = { false }, ended = false;

	for (unsigned i = 0; i <= K23_MAX_CALLS; i++) {
		long nr = calls[i].nr;

		/* Where the functions are, relocations say. */
		if (!hook_file_word(hook, address + i * sizeof(*calls) + offsetof(struct k23_entry, fn))) {
			ended = true;
			if (nr)
				return hook_wrong(problem, "its .calls has no function for %s", name_of(nr));
			continue;
		}
		if (ended)
			return hook_wrong(problem, "its .calls has an entry without a function before %s, which ends "
						   "it", name_of(nr));
		if (i == K23_MAX_CALLS)
			return hook_wrong(problem, "its .calls names more than %u calls (use .all)", K23_MAX_CALLS);
		if (nr < 0 || nr >= (long)K23_NUMBERS)
			return hook_wrong(problem, "its .calls names the call %ld: numbers are from 0 to %u (use .all)",
					  nr, K23_NUMBERS - 1);
		if (named[nr])
			return hook_wrong(problem, "its .calls names %s twice", name_of(nr));
		named[nr] = true;
	}
	return true;
}

/* Whether a world is one of this version. */
static bool check_world(const struct hook_file *hook, char **problem)
{
	const struct k23_world *world = hook_file_at(hook, hook_file_symbol(hook, "k23_world"), sizeof(*world));

	if (!world || world->magic != K23_WORLD_MAGIC || world->version != K23_WORLD_VERSION ||
	    world->size != sizeof(*world))
		return hook_wrong(problem, "it was built for another version of k23 (k23 cc --hosted builds it again)");
	return true;
}

/* Whether K23_HOOK() is there, of this version. */
static bool check_descriptor(const struct hook_file *hook, char **problem)
{
	const struct k23_descriptor *descriptor =
		hook_file_at(hook, hook_file_symbol(hook, "k23_hook"), sizeof(*descriptor));

	if (!descriptor || !hook_file_symbol(hook, "k23_hook_api") || descriptor->magic != K23_HOOK_MAGIC)
		return hook_wrong(problem, "it has no K23_HOOK() in it");
	if (descriptor->version != K23_HOOK_VERSION || descriptor->size != sizeof(*descriptor))
		return hook_wrong(problem, "it was built for another version of k23 (its interface is %u, this one's "
					   "%u)", descriptor->version, K23_HOOK_VERSION);
	return true;
}

/* Whether there is a pointer at an address. */
static bool has_pointer(const struct hook_file *hook, uint64_t address)
{
	for (size_t i = 0; i < hook->fixup_count; i++)
		if (hook->fixups[i].address == address)
			return true;
	return false;
}

bool hook_open(struct hook_file *hook, const char *path, bool checked, char **problem)
{
	if (!hook_file_open(hook, path, problem) || !check_descriptor(hook, problem))
		return false;
	if (!hook->hosted)
		return checked || (hook_check_code(hook, problem) && check_calls(hook, problem));
	if (!check_world(hook, problem) || !check_calls(hook, problem))
		return false;
	hook->prepares = has_pointer(hook, hook_file_symbol(hook, "k23_hook") +
						   offsetof(struct k23_descriptor, prepare));
	hook->fixup_count = 0;
	return true;
}
