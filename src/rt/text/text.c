#include "rt/text/text.h"

#include <asm/errno.h>
#include <linux/fcntl.h>
#include <linux/mman.h>

#include "abi/kernel.h"
#include "core/format.h"
#include "core/patch.h"
#include "core/string.h"
#include "rt/base/chain.h"
#include "rt/base/lock.h"
#include "rt/base/thread.h"

#define TEXTS 4096u
#define KEPT_BLOCKS 8u

static RT_TABLE_FIRST struct rt_text texts[TEXTS];
static uint32_t texts_end; /* entries from this index on were never used */
static uint64_t texts_lock;
static struct rt_text *kept_texts[KEPT_BLOCKS]; /* texts that are gone, but whose stubs are kept */
static uint32_t kept_texts_added;
uint32_t rt_texts_added, rt_texts_unmapped;

/* ctx: entry */
void rt_texts_lock(void)
{
	rt_lock(&texts_lock);
}

/* ctx: entry */
void rt_texts_unlock(void)
{
	rt_unlock(&texts_lock);
}

/* ctx: entry */
void rt_texts_forked(void)
{
	texts_lock = 0;
}

/* ctx: boot | entry; locked */
struct rt_text *rt_text_add(uint64_t start, uint64_t end, uint64_t offset, const struct store_run *sites)
{
	uint32_t i = 0;

	while (i < TEXTS && (texts[i].end || texts[i].block))
		i++;
	if (i == TEXTS)
		return NULL;
	texts[i] = (struct rt_text){ .start = start, .end = end, .offset = offset };
	if (sites) {
		texts[i].sites = *sites;
		texts[i].stored = 1;
	}
	if (i >= texts_end)
		__atomic_store_n(&texts_end, i + 1, __ATOMIC_RELEASE);
	__atomic_fetch_add(&rt_texts_added, 1, __ATOMIC_RELAXED);
	return &texts[i];
}

/* ctx: any */
static bool overlaps(const struct rt_text *text, uint64_t start, uint64_t end)
{
	return text->start < end && text->end > start;
}

/* ctx: entry | sigsys; no locks */
static bool restore_page(uint64_t page)
{
	return !failed(sys(madvise, page, CORE_PAGE, MADV_DONTNEED)) ||
	       !failed(sys(madvise, page, CORE_PAGE, MADV_DONTNEED_LOCKED)); /* Linux 5.18 */
}

/* ctx: entry | sigsys; no locks */
bool rt_text_restore_page(uint64_t page)
{
	for (uint32_t i = 0; i < __atomic_load_n(&texts_end, __ATOMIC_ACQUIRE); i++)
		if (page - texts[i].start < texts[i].end - texts[i].start && !texts[i].restored)
			return restore_page(page);
	return false;
}

/* Makes the patched pages of a text those of the file again, in one step for each page, even if a thread is running
 * there. The program's changes are not lost, as only the runtime has written to these pages. Pages between but_start
 * and but_end are left alone: something else is mapped there now. ctx: entry; locked */
static void restore_text(struct rt_text *text, uint64_t but_start, uint64_t but_end)
{
	const uint8_t *block = (const uint8_t *)text->block;
	uint64_t last = 0;

	if (!block || text->restored)
		return;
	for (uint64_t at = PATCH_SLOT; at + PATCH_SLOT <= text->block_size; at += PATCH_SLOT) {
		const uint8_t *slot = block + at;
		uint64_t page;

		if (!slot[PATCH_SLOT - 1])
			break;
		page = core_page_down(core_patch_origin(slot, (uint64_t)slot, (uint64_t)slot));
		if (page != last && page - text->start < text->end - text->start &&
		    page - but_start >= but_end - but_start)
			restore_page(page);
		last = page;
	}
	text->restored = 1;
}

/* Keeps the stubs of a text that is gone: the program may have made a copy of the text, which it puts in the text's
 * place. Only the newest few blocks are kept. ctx: entry; locked */
static void keep_stubs(struct rt_text *text)
{
	struct rt_text **kept = &kept_texts[kept_texts_added++ % KEPT_BLOCKS];

	if (*kept) {
		uint64_t block = (*kept)->block;

		__atomic_store_n(&(*kept)->block, 0, __ATOMIC_RELAXED);
		sys(munmap, block, (*kept)->block_size + (*kept)->words_size);
	}
	*kept = text;
}

/* ctx: entry; locked */
static void forget_text(struct rt_text *text)
{
	text->start = text->end = 0;
	if (text->block)
		keep_stubs(text);
	__atomic_fetch_add(&rt_texts_unmapped, 1, __ATOMIC_RELAXED);
}

/* ctx: entry; locked */
void rt_text_unmapped(uint64_t start, uint64_t end)
{
	for (uint32_t i = 0; i < texts_end; i++) {
		struct rt_text *text = &texts[i];

		if (!overlaps(text, start, end))
			continue;
		if (text->start >= start && text->end <= end) {
			forget_text(text);
		} else if (text->start >= start) {
			text->offset += end - text->start;
			text->start = end;
		} else if (text->end <= end) {
			text->end = start;
		} else {
			/* A hole in the middle: the pages around it lose their patches now, so that nothing of the text
			 * has to be restored later, when the hole may hold anything. */
			restore_text(text, start, end);
		}
	}
}

/* ctx: entry */
bool rt_text_next(uint64_t address, struct rt_text *text)
{
	*text = (struct rt_text){ .end = UINT64_MAX };
	rt_texts_lock();
	for (uint32_t i = 0; i < texts_end; i++)
		if (texts[i].end > address && texts[i].end < text->end)
			*text = texts[i];
	rt_texts_unlock();
	return text->end != UINT64_MAX;
}

/* ctx: entry */
long rt_text_path(const struct rt_text *text, char *path, size_t size)
{
	char name[64];
	long r;

	if (rt_self()->strict)
		return -EPERM;
	core_print(name, sizeof(name), "/proc/self/map_files/%lx-%lx", text->start, text->end);
	r = sys(readlinkat, AT_FDCWD, name, path, size);
	if (failed(r))
		return r;
	if ((size_t)r >= size)
		return -ENAMETOOLONG;
	path[r] = '\0';
	return r;
}

/* ctx: boot | entry */
enum core_patch_entry rt_text_entry(const struct store_site *site, const uint8_t *window)
{
	int32_t nr = core_patch_number(site, window);

	if (nr < 0)
		return rt_chain_wants_all() ? CORE_PATCH_DISPATCH : CORE_PATCH_NUMBER;
	return rt_chain_direct(nr) ? CORE_PATCH_DIRECT : CORE_PATCH_DISPATCH;
}

/* ctx: entry | sigsys; no locks */
const uint8_t *rt_text_stub(uint64_t ip)
{
	for (uint32_t i = 0; i < __atomic_load_n(&texts_end, __ATOMIC_ACQUIRE); i++) {
		uint64_t block = __atomic_load_n(&texts[i].block, __ATOMIC_ACQUIRE);

		if (block && ip - block < texts[i].block_size)
			return ip - block < PATCH_SLOT ? NULL : (const uint8_t *)(ip & ~(uint64_t)(PATCH_SLOT - 1));
	}
	return NULL;
}

/* ctx: entry | sigsys; no locks */
bool rt_text_block(uint64_t ip, uint64_t *block, uint64_t *size)
{
	for (uint32_t i = 0; i < __atomic_load_n(&texts_end, __ATOMIC_ACQUIRE); i++) {
		*block = __atomic_load_n(&texts[i].block, __ATOMIC_ACQUIRE);
		*size = texts[i].block_size;
		if (*block && ip - texts[i].start < texts[i].end - texts[i].start)
			return true;
	}
	return false;
}

/* ctx: entry; no locks */
bool rt_texts_overlap(uint64_t start, uint64_t end)
{
	for (uint32_t i = 0; i < __atomic_load_n(&texts_end, __ATOMIC_ACQUIRE); i++)
		if (overlaps(&texts[i], start, end))
			return true;
	return false;
}

/* ctx: entry; no locks */
bool rt_texts_own(uint64_t start, uint64_t end)
{
	for (uint32_t i = 0; i < __atomic_load_n(&texts_end, __ATOMIC_ACQUIRE); i++) {
		uint64_t block = __atomic_load_n(&texts[i].block, __ATOMIC_ACQUIRE);

		if (block && block < end && block + texts[i].block_size + texts[i].words_size > start)
			return true;
	}
	return false;
}

/* ctx: entry; locked */
void rt_text_restore(uint64_t start, uint64_t end)
{
	for (uint32_t i = 0; i < texts_end; i++)
		if (overlaps(&texts[i], start, end))
			restore_text(&texts[i], 0, 0);
}
