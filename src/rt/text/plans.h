/*
 * Looking up the plans of files: in the store in the bundle, which the command line tool has read and checked.
 */
#ifndef RT_TEXT_PLANS_H
#define RT_TEXT_PLANS_H

#include <asm/stat.h>

#include "abi/syscall.h"
#include "core/store.h"

/* Opens the store, and sets rt.program and rt.profiled. Returns whether there is a store. stack: the stack pointer that
 * the program starts with. ctx: boot */
bool rt_plans_open(const uint64_t *stack);
/* These four find the sites of a file. 0; -ENOENT when the store does not know the file; -ENODATA when the file would
 * have to be found by its build-id, and has none. ctx: boot | entry
 *
 * The file of a descriptor, by what stat(2) shows or by its build-id. size: the size of the file now. */
long rt_plans_find_fd(int fd, struct store_run *sites, uint64_t *size) must_check;
/* The file of a descriptor, only by what stat(2) shows, which is quick. */
long rt_plans_find_same(int fd, struct store_run *sites, uint64_t *size) must_check;
/* The file that is mapped with its ELF header at an address, by its build-id. */
long rt_plans_find_image(uint64_t elf, struct store_run *sites) must_check;
/* The file at a path, only by what stat(2) shows. */
long rt_plans_find_path(const char *path, struct store_run *sites) must_check;
/* Whether a file is known to name no address of the vsyscall page. ctx: boot | entry */
bool rt_plans_no_vsyscall(const struct stat *status);
/* Reads up to `count` sites of a run, from number `first` on; returns how many, or -errno. ctx: boot | entry */
long rt_plans_sites(const struct store_run *run, uint32_t first, struct store_site *sites, uint32_t count) must_check;
/* Finds the site of a run with an offset in the file. 0 or -errno. ctx: entry */
long rt_plans_site(const struct store_run *run, uint64_t offset, struct store_site *site) must_check;

#endif
