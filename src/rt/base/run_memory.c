#include "rt/base/run_memory.h"

#include <asm/errno.h>
#include <asm/mman.h>

#include "abi/run_memory.h"
#include "abi/run_state.h"
#include "abi/syscall.h"
#include "core/gaps.h"
#include "rt/base/message.h"

#define FILE_PROBES 16u

/* ctx: boot */
void rt_run_memories_find(uint64_t memory)
{
	uint64_t at = core_page_down(memory);

	for (uint32_t i = 0; i < rt.bundle->memory_count; at += rt.bundle->memories[i++].size) {
		rt.memories[i] = memory & 1u << i ? at : memory >> (BUNDLE_MAX_MEMORIES + i) & 1;
		/* The kernel would read ahead, megabytes of a file that has nothing in it. */
		if (rt.memories[i] == at)
			sys(madvise, at, rt.bundle->memories[i].size, MADV_RANDOM);
	}
}

/* ctx: entry */
bool rt_run_memories_own(uint64_t start, uint64_t end)
{
	for (uint32_t i = 0; i < rt.bundle->memory_count; i++)
		if (rt.memories[i] > 1 && start < rt.memories[i] + rt.bundle->memories[i].size && end > rt.memories[i])
			return true;
	return false;
}

/* ctx: any */
void rt_run_memories_gap(enum gap gap, int64_t count, const char *path)
{
	for (uint32_t i = 0; i < rt.bundle->memory_count; i++)
		if (rt.memories[i] > 1)
			core_gaps_add(&((struct run_memory *)rt.memories[i])->gaps, gap, count, path);
}

/* ctx: entry */
void rt_run_memories_gap_here(enum gap gap, int64_t count)
{
	char path[K23_PATH_MAX];
	long length;

	if (!rt.bundle->memory_count)
		return;
	if (rt.exe) {
		rt_run_memories_gap(gap, count, rt.exe);
		return;
	}
	length = sys(readlink, "/proc/self/exe", path, sizeof(path) - 1);
	path[failed(length) ? 0 : length] = '\0';
	rt_run_memories_gap(gap, count, failed(length) ? NULL : path);
}

/* The first one in which files are noted. ctx: boot | entry */
static struct run_memory *first_memory(void)
{
	for (uint32_t i = 0; i < rt.bundle->memory_count; i++)
		if (rt.memories[i] > 1 && ((struct run_memory *)rt.memories[i])->vsyscall)
			return (struct run_memory *)rt.memories[i];
	return NULL;
}

/* ctx: boot | entry */
bool rt_run_memories_want_files(void)
{
	return first_memory() != NULL;
}

/* ctx: boot | entry */
bool rt_run_memories_has_file(uint64_t key)
{
	const struct run_memory *memory = first_memory();

	for (uint32_t i = 0; i < FILE_PROBES; i++)
		if (__atomic_load_n(&memory->files[(key + i) % RUN_MEMORY_FILES], __ATOMIC_RELAXED) == key)
			return true;
	return false;
}

/* ctx: boot | entry */
bool rt_run_memories_add_file(uint64_t key)
{
	struct run_memory *memory = first_memory();

	for (uint32_t i = 0; i < FILE_PROBES && key; i++) {
		uint64_t *file = &memory->files[(key + i) % RUN_MEMORY_FILES], none = 0;

		if (__atomic_compare_exchange_n(file, &none, key, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			return true;
		if (none == key)
			return false;
	}
	return true; /* there is no room: it is looked through each time */
}

/* ctx: boot | entry */
long rt_run_memory_get(uint64_t cookie, void **address, size_t *size)
{
	for (uint32_t i = 0; i < rt.bundle->memory_count; i++) {
		if (rt.bundle->memories[i].cookie != cookie)
			continue;
		if (rt.memories[i] <= 1)
			return rt.memories[i] ? -ESRCH : -EACCES;
		*address = (char *)rt.memories[i] + RUN_MEMORY_CONTENTS;
		*size = rt.bundle->memories[i].size - RUN_MEMORY_CONTENTS;
		return 0;
	}
	return -ENOENT;
}

/* ctx: boot | entry | sigsys */
void *rt_run_memory_contents(uint32_t index)
{
	return (char *)rt.memories[index] + RUN_MEMORY_CONTENTS;
}

/* ctx: boot | entry | sigsys */
void *rt_run_memory_state(uint32_t index)
{
	const struct bundle_hook *hook = &rt.bundle->hooks[index];

	return hook->state && rt.memories[hook->memory] > 1 ? (char *)rt.memories[hook->memory] + hook->state : NULL;
}

/* ctx: boot | entry | sigsys */
int rt_run_memory_directory(uint32_t index)
{
	const struct bundle_hook *hook = &rt.bundle->hooks[index];

	return hook->state && rt.memories[hook->memory] > 1 ?
		       (int)((const struct run_memory *)rt.memories[hook->memory])->directory :
		       0;
}

/* ctx: boot | entry | sigsys */
long rt_run_memory_with(const void *address)
{
	for (uint32_t i = 0; i < rt.bundle->hook_count; i++) {
		const struct bundle_hook *hook = &rt.bundle->hooks[i];
		uint64_t offset = (uint64_t)address - rt.memories[hook->memory];

		if (hook->state && rt.memories[hook->memory] > 1 && offset >= RUN_MEMORY_CONTENTS + RUN_STATE_PARTS &&
		    offset < rt.bundle->memories[hook->memory].size)
			return hook->memory;
	}
	return -ENOENT;
}

/* ctx: boot */
void rt_run_memory_explain(void)
{
	for (uint32_t i = 0; i < rt.bundle->hook_count; i++)
		if (rt.bundle->hooks[i].state && !rt_run_memory_state(i)) {
			rt_message("process %d has not got the run state of its hooks: %s", (int)sys(getpid),
				   rt.memories[rt.bundle->hooks[i].memory] ? "the run's keeper was killed" :
									     "the run's keeper was not reached");
			return;
		}
}
