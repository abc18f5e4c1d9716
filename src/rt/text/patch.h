/*
 * Patching the sites of a text, in place. Meanwhile the text's memory is writable and not executable, and the call that
 * maps the text or makes it executable has not returned, so no thread runs there.
 *
 * A site is patched if the store has a plan for it, the bytes of its whole function are those that were analysed, and
 * there is room for a stub within reach. Any other site is left to the guard.
 */
#ifndef RT_TEXT_PATCH_H
#define RT_TEXT_PATCH_H

#include <stddef.h>
#include <stdint.h>

/* Patches the executable and its ELF interpreter, before the program runs. stack: the stack pointer that the program
 * starts with. ctx: boot */
void rt_patch_start(const uint64_t *stack);
/* Patches a new text, which the program's call has just mapped. ctx: entry */
void rt_patch_mapped(uint64_t start, size_t size, int prot, int fd, uint64_t offset);
/* Patches a candidate, which the program's call is about to make executable. ctx: entry */
void rt_patch_protected(uint64_t start, uint64_t end, int prot);
/* Notes a new mapping of a file as a candidate, since it may become executable later. ctx: entry */
void rt_patch_expect(uint64_t start, size_t size, int fd, uint64_t offset);

#endif
