/*
 * The table of mapped text. A text is a private file mapping that is executable and not writable. Those that have patched
 * sites own a block of stubs near them, which stays for a while when the mapping is gone.
 *
 * The table's size is fixed: a text that has no room is not patched, and its sites are not noted.
 */
#ifndef RT_TEXT_TEXT_H
#define RT_TEXT_TEXT_H

#include "core/store.h"
#include "rt/base/image.h"

struct rt_text {
	uint64_t start, end; /* 0, 0: free */
	uint64_t offset;     /* in the file, of start */
	uint64_t block, block_size; /* its stubs; 0: none */
	struct store_run sites; /* in the store */
	uint32_t stored; /* the store knows the file */
	uint32_t restored; /* the program may have changed it: no site is patched any more */
};

/* Around changes; one after the other. ctx: entry */
void rt_texts_lock(void);
void rt_texts_unlock(void);
/* The child of a fork has one thread, and the lock may have been another's. ctx: entry */
void rt_texts_forked(void);

/* NULL: no room. ctx: boot | entry; locked */
struct rt_text *rt_text_add(uint64_t start, uint64_t end, uint64_t offset, const struct store_run *sites);
/* Something else, or nothing, is mapped in a range. ctx: entry; locked */
void rt_text_unmapped(uint64_t start, uint64_t end);
extern uint32_t rt_texts_unmapped; /* counts texts that are gone */
/* Takes the patches out of what lies in a range, which is about to become writable, or to move: from then on it is the
 * program's to change. ctx: entry; locked */
void rt_text_restore(uint64_t start, uint64_t end);
/* A page with patched sites becomes that of the file again: false, if it is none. ctx: entry | sigsys; no locks */
bool rt_text_restore_page(uint64_t page);

/* A copy of the text around `ip`. ctx: entry */
bool rt_text_find(uint64_t ip, struct rt_text *text);
/* The path of the file, with a NUL: its length or -errno. ctx: entry */
long rt_text_path(const struct rt_text *text, char *path, size_t size) must_check;
/* The stub around `ip`, or NULL. A block stays in place as long as a thread of the program may be in it.
 * ctx: entry | sigsys; no locks */
const uint8_t *rt_text_stub(uint64_t ip);
/* Whether a range has texts in it; whether stubs lie in it. ctx: entry; no locks */
bool rt_texts_overlap(uint64_t start, uint64_t end);
bool rt_texts_own(uint64_t start, uint64_t end);

#endif
