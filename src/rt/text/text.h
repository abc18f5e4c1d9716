/*
 * The table of texts. A text is a private mapping of a file that is executable and not writable. A text that has
 * patched sites owns a block of stubs nearby, which stays for a while when the text is gone.
 *
 * The table's size is fixed, and what was never used of it costs nothing. A text for which there is no room is not
 * patched, and its sites are not noted.
 */
#ifndef RT_TEXT_TEXT_H
#define RT_TEXT_TEXT_H

#include "core/patch.h"
#include "core/store.h"
#include "rt/base/image.h"

struct rt_text {
	uint64_t start, end; /* both 0: this entry of the table is free */
	uint64_t offset;     /* in the file, of `start` */
	uint64_t block, block_size; /* the block of stubs; 0: none */
	uint64_t words_size; /* of the words behind it: an entry's address for each site that was not observed */
	struct store_run sites; /* the file's sites, if `stored` */
	uint32_t stored; /* the store knows the file */
	uint32_t restored; /* the patches were taken out, since the program may change the text */
};

/* The lock of the table, and of the candidates: functions that say `locked` need it. ctx: entry */
void rt_texts_lock(void);
void rt_texts_unlock(void);
/* Frees the lock in the child of a fork: the thread that held it may not exist there. ctx: entry */
void rt_texts_forked(void);

/* Adds a text. sites: NULL if the store does not know the file. Returns NULL if there is no room.
 * ctx: boot | entry; locked */
struct rt_text *rt_text_add(uint64_t start, uint64_t end, uint64_t offset, const struct store_run *sites);
/* A range was unmapped, or mapped over: forgets what texts have there. ctx: entry; locked */
void rt_text_unmapped(uint64_t start, uint64_t end);
extern uint32_t rt_texts_added, rt_texts_unmapped; /* how often a text was added, and forgotten */
/* Takes the patches out of all texts that overlap a range. The range is about to become writable, or to move, and then
 * the program may change it. ctx: entry; locked */
void rt_text_restore(uint64_t start, uint64_t end);
/* Makes a page with patched sites that of the file again. False: there are none in it. ctx: entry | sigsys; no locks */
bool rt_text_restore_page(uint64_t page);

/* A copy of the first text that ends above an address. ctx: entry */
bool rt_text_next(uint64_t address, struct rt_text *text);
/* A copy of the text around `ip`. ctx: entry */
static inline bool rt_text_find(uint64_t ip, struct rt_text *text)
{
	return rt_text_next(ip, text) && ip >= text->start;
}
/* Gives the path of a text's file, with a NUL. Returns its length or -errno. ctx: entry */
long rt_text_path(const struct rt_text *text, char *path, size_t size) must_check;
/* Which entry the stub of a site leads to, with these instructions in its window. ctx: boot | entry */
enum core_patch_entry rt_text_entry(const struct store_site *site, const uint8_t *window);
/* The slot of the stub that `ip` is in, or NULL. A block stays in place as long as a thread of the program may be in
 * it. ctx: entry | sigsys; no locks */
const uint8_t *rt_text_stub(uint64_t ip);
/* The block of stubs of the text around `ip`. False: there is none. ctx: entry | sigsys; no locks */
bool rt_text_block(uint64_t ip, uint64_t *block, uint64_t *size);
/* Whether any text overlaps a range; whether any block of stubs does. ctx: entry; no locks */
bool rt_texts_overlap(uint64_t start, uint64_t end);
bool rt_texts_own(uint64_t start, uint64_t end);

#endif
