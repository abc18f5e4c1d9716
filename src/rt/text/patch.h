/*
 * Patching the sites of a text, in place: while its memory is writable it is not executable, and no thread knows it yet.
 *
 * A site is patched if the store has a plan for it, the bytes of its whole function are those that were analysed, and a
 * stub can be placed within reach. Anything else leaves it to the guard.
 */
#ifndef RT_TEXT_PATCH_H
#define RT_TEXT_PATCH_H

#include <stddef.h>
#include <stdint.h>

/* The executable and its interpreter, before the program runs. stack: as the program starts with it. ctx: boot */
void rt_patch_start(const uint64_t *stack);
/* After a mapping was made by the program's call: puts a patched one in its place. ctx: entry */
void rt_patch_mapped(uint64_t start, size_t size, int prot, int fd, uint64_t offset);
/* Before a mapping that is not executable becomes so. ctx: entry */
void rt_patch_protected(uint64_t start, uint64_t end, int prot);
/* A mapping of a file that may become executable. ctx: entry */
void rt_patch_expect(uint64_t start, size_t size, int fd, uint64_t offset);

#endif
