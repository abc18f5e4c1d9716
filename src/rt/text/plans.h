/*
 * The plans of this process: the store in the bundle, as the command line tool has read and checked it.
 */
#ifndef RT_TEXT_PLANS_H
#define RT_TEXT_PLANS_H

#include "abi/syscall.h"
#include "core/store.h"

/* Whether there is a store; and what it says of the program. stack: as the program starts with it. ctx: boot */
bool rt_plans_open(const uint64_t *stack);
/* The sites of a file that is open, or of an image in memory (its ELF header), or of the file at a path. 0, or -ENOENT;
 * -ENODATA when it has no build-id to find it by. size: that of the file, now. ctx: boot | entry */
long rt_plans_find_fd(int fd, struct store_run *sites, uint64_t *size) must_check;
/* The same, quickly: only a file that is exactly as it was. */
long rt_plans_find_same(int fd, struct store_run *sites, uint64_t *size) must_check;
long rt_plans_find_image(uint64_t elf, struct store_run *sites) must_check;
long rt_plans_find_path(const char *path, struct store_run *sites) must_check;
/* ctx: boot | entry */
long rt_plans_sites(const struct store_run *run, uint32_t first, struct store_site *sites, uint32_t count) must_check;
long rt_plans_site(const struct store_run *run, uint64_t offset, struct store_site *site) must_check;

#endif
