/*
 * The table of modules: see patch.h.
 */
#include <asm/errno.h>
#include <linux/fcntl.h>
#include <linux/mman.h>

#include "core/format.h"
#include "core/patch.h"
#include "core/string.h"
#include "rt/patch.h"

#define MODULES 128u
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

static RT_TABLE struct rt_module modules[MODULES];
static uint32_t used; /* none behind this one is taken */
static uint32_t lock;
uint32_t rt_modules_unmapped;

void rt_modules_lock(void)
{
	rt_lock(&lock);
}

void rt_modules_unlock(void)
{
	rt_unlock(&lock);
}

/* The child of a fork has one thread, and the lock may have been another's. ctx: entry */
void rt_modules_forked(void)
{
	lock = 0;
}

/* ctx: entry, locked */
struct rt_module *rt_module_add(uint64_t start, uint64_t end, uint64_t offset, const struct store_run *sites)
{
	uint32_t i = 0;

	while (i < MODULES && modules[i].end)
		i++;
	if (i == MODULES)
		return NULL;
	modules[i] = (struct rt_module){ .start = start, .end = end, .offset = offset };
	if (sites) {
		modules[i].sites = *sites;
		modules[i].stored = 1;
	}
	if (i >= used)
		__atomic_store_n(&used, i + 1, __ATOMIC_RELEASE);
	return &modules[i];
}

static bool overlap(const struct rt_module *module, uint64_t start, uint64_t end)
{
	return module->start < end && module->end > start;
}

bool rt_page_restore(uint64_t page)
{
	return !failed(sys(madvise, page, RT_PAGE, MADV_DONTNEED)) ||
	       !failed(sys(madvise, page, RT_PAGE, MADV_DONTNEED_LOCKED)); /* Linux 5.18 */
}

/* Only the runtime has written to a module's pages, which are then as in the file again: in one step for each page,
 * whoever is running there. But for those of a range that is somebody else's now. ctx: entry, locked */
static void restore(struct rt_module *module, uint64_t but_start, uint64_t but_end)
{
	const uint8_t *block = (const uint8_t *)module->block;
	uint64_t last = 0;

	if (!block || module->restored)
		return;
	for (uint64_t at = PATCH_SLOT; at + PATCH_SLOT <= module->block_size; at += PATCH_SLOT) {
		const uint8_t *slot = block + at;
		uint64_t page;

		if (!slot[PATCH_SLOT - 1])
			break;
		page = core_patch_origin(slot, (uint64_t)slot, (uint64_t)slot) & ~(RT_PAGE - 1);
		if (page != last && page - module->start < module->end - module->start &&
		    page - but_start >= but_end - but_start)
			rt_page_restore(page);
		last = page;
	}
	module->restored = 1;
}

/* ctx: entry, locked */
static void forget(struct rt_module *module)
{
	uint64_t block = module->block;

	__atomic_store_n(&module->block, 0, __ATOMIC_RELAXED);
	if (block)
		sys(munmap, block, module->block_size);
	module->start = module->end = 0;
	__atomic_fetch_add(&rt_modules_unmapped, 1, __ATOMIC_RELAXED);
}

void rt_module_unmapped(uint64_t start, uint64_t end)
{
	for (uint32_t i = 0; i < used; i++) {
		struct rt_module *module = &modules[i];

		if (!overlap(module, start, end))
			continue;
		if (module->start >= start && module->end <= end) {
			forget(module);
		} else if (module->start >= start) {
			module->offset += end - module->start;
			module->start = end;
		} else if (module->end <= end) {
			module->end = start;
		} else {
			/* What is in the middle is no business of ours any more, at any time. */
			restore(module, start, end);
		}
	}
}

/* A copy of the module around `ip`. ctx: entry */
bool rt_module_find(uint64_t ip, struct rt_module *module)
{
	bool found = false;

	rt_modules_lock();
	for (uint32_t i = 0; i < used && !found; i++)
		if (ip - modules[i].start < modules[i].end - modules[i].start) {
			*module = modules[i];
			found = true;
		}
	rt_modules_unlock();
	return found;
}

long rt_module_path(const struct rt_module *module, char *path, size_t size)
{
	char name[64];
	long r;

	core_print(name, sizeof(name), "/proc/self/map_files/%lx-%lx", module->start, module->end);
	r = sys(readlinkat, AT_FDCWD, name, path, size);
	if (failed(r))
		return r;
	if ((size_t)r >= size)
		return -ENAMETOOLONG;
	path[r] = '\0';
	return r;
}

/* The stub around `ip`, or NULL. A block stays in place as long as a thread of the program may be in it.
 * ctx: sigsys; no locks */
const uint8_t *rt_patch_slot(uint64_t ip)
{
	for (uint32_t i = 0; i < __atomic_load_n(&used, __ATOMIC_ACQUIRE); i++) {
		uint64_t block = __atomic_load_n(&modules[i].block, __ATOMIC_ACQUIRE);

		if (block && ip - block < modules[i].block_size)
			return ip - block < PATCH_SLOT ? NULL : (const uint8_t *)(ip & ~(uint64_t)(PATCH_SLOT - 1));
	}
	return NULL;
}

/* Whether a range has modules in it. ctx: entry; no locks */
bool rt_module_overlaps(uint64_t start, uint64_t end)
{
	for (uint32_t i = 0; i < __atomic_load_n(&used, __ATOMIC_ACQUIRE); i++)
		if (overlap(&modules[i], start, end))
			return true;
	return false;
}

/* Whether stubs lie in a range. ctx: entry; no locks */
bool rt_module_owns(uint64_t start, uint64_t end)
{
	for (uint32_t i = 0; i < __atomic_load_n(&used, __ATOMIC_ACQUIRE); i++) {
		uint64_t block = __atomic_load_n(&modules[i].block, __ATOMIC_ACQUIRE);

		if (block && block < end && block + modules[i].block_size > start)
			return true;
	}
	return false;
}

void rt_module_restore(uint64_t start, uint64_t end)
{
	for (uint32_t i = 0; i < used; i++)
		if (overlap(&modules[i], start, end))
			restore(&modules[i], 0, 0);
}
