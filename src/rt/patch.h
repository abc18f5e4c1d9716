/*
 * Patching sites while their file is being mapped, by the plans of the store.
 *
 * A module is a private file mapping that is executable and not writable. Those that have patched sites own a block of
 * stubs near them, which is given back with the mapping.
 */
#ifndef RT_PATCH_H
#define RT_PATCH_H

#include "core/store.h"
#include "rt/rt.h"

struct rt_module {
	uint64_t start, end; /* 0, 0: free */
	uint64_t offset;     /* in the file, of start */
	uint64_t block, block_size; /* its stubs; 0: none */
	struct store_run sites; /* in the store */
	uint32_t stored; /* the store knows the file */
	uint32_t restored; /* the program may have changed its text: no site is patched any more */
};

/* store.c */
/* Whether there is a store; and what it says of the program. */
bool rt_store_open(const uint64_t *stack);
/* The sites of a file that is open, or of an image in memory (its ELF header), or of the file at a path. 0, or -ENOENT;
 * -ENODATA when it has no build-id to find it by. */
/* size: that of the file, now. */
long rt_store_find_fd(int fd, struct store_run *sites, uint64_t *size) must_check;
/* The same, quickly: only a file that is exactly as it was. */
long rt_store_find_same(int fd, struct store_run *sites, uint64_t *size) must_check;
long rt_store_find_image(uint64_t elf, struct store_run *sites) must_check;
long rt_store_find_path(const char *path, struct store_run *sites) must_check;
long rt_store_sites(const struct store_run *run, uint32_t first, struct store_site *sites, uint32_t count)
	must_check;
long rt_store_site(const struct store_run *run, uint64_t offset, struct store_site *site) must_check;

/* module.c: the table. Its size is fixed: what has no room is not patched, and its sites are not noted. */
struct rt_module *rt_module_add(uint64_t start, uint64_t end, uint64_t offset, const struct store_run *sites);
/* Something else, or nothing, is mapped in a range. ctx: entry, locked */
void rt_module_unmapped(uint64_t start, uint64_t end);
bool rt_module_find(uint64_t ip, struct rt_module *module);
/* The path of the file, with a NUL: its length or -errno. ctx: entry */
long rt_module_path(const struct rt_module *module, char *path, size_t size) must_check;
extern uint32_t rt_modules_unmapped; /* counts */
const uint8_t *rt_patch_slot(uint64_t ip);
bool rt_module_overlaps(uint64_t start, uint64_t end);
bool rt_module_owns(uint64_t start, uint64_t end);
void rt_modules_forked(void);
/* Around changes; one after the other. ctx: entry */
void rt_modules_lock(void);
void rt_modules_unlock(void);
/* Takes the patches out of what lies in a range, which is about to become writable, or to move: from then on it is the
 * program's to change. ctx: entry, locked */
void rt_module_restore(uint64_t start, uint64_t end);
/* A page with patched sites becomes that of the file again. ctx: any; no locks */
bool rt_page_restore(uint64_t page);

/* candidate.c: mappings of files that the store knows, not executable yet. The newest few are kept. ctx: entry, locked */
void rt_candidate_add(uint64_t start, uint64_t end, uint64_t offset, const struct store_run *sites);
/* Takes out what is left of a candidate that covers the range. */
bool rt_candidate_take(uint64_t start, uint64_t end, struct rt_module *module);
/* Something else is mapped there now, or nothing, or it is executable. */
void rt_candidates_drop(uint64_t start, uint64_t end);
/* Whether a range has candidates in it. ctx: entry; no locks */
bool rt_candidates_overlap(uint64_t start, uint64_t end);

/* patch.c */
/* The executable and its interpreter, before the program runs. stack: as the program starts with it. */
void rt_patch_start(const uint64_t *stack);
/* After a mapping was made by the program's call: puts a patched one in its place. ctx: entry */
void rt_patch_mapped(uint64_t start, size_t size, int prot, int fd, uint64_t offset);
/* Before a mapping that is not executable becomes so. ctx: entry */
void rt_patch_protected(uint64_t start, uint64_t end, int prot);
/* A mapping of a file that may become executable. ctx: entry */
void rt_patch_expect(uint64_t start, size_t size, int fd, uint64_t offset);

/* observe.c: notes the site of a call that the guard caught, unless the store has it. ctx: entry */
void rt_observe(struct rt_thread *thread);

#endif
