/*
 * Patching the sites of a text, in place: while its memory is writable it is not executable, and no thread knows it yet.
 *
 * A site is patched if the store has a plan for it, the bytes of its whole function are those that were analysed, and a
 * stub can be placed within reach. Anything else leaves it to the guard.
 */
#ifndef RT_TEXT_PATCH_H
#define RT_TEXT_PATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The executable and its interpreter, before the program runs. stack: as the program starts with it. ctx: boot */
void rt_patch_start(const uint64_t *stack);
/* Whether a call comes from the ELF interpreter's text. What that maps is to be run where it is. What others map they may
 * read, translate or copy (valgrind, emulators): it is left as it is in the file. ctx: entry */
bool rt_patch_loads(uint64_t ip);
/* After a mapping was made by the program's call: notes it, and if it was loaded puts a patched one in its place. ctx: entry */
void rt_patch_mapped(uint64_t start, size_t size, int prot, int fd, uint64_t offset, bool loaded);
/* Before a mapping that is not executable becomes so. ctx: entry */
void rt_patch_protected(uint64_t start, uint64_t end, int prot);
/* A mapping of a file, by the interpreter, that may become executable. ctx: entry */
void rt_patch_expect(uint64_t start, size_t size, int fd, uint64_t offset);

/* A uprobe that is taken off again leaves the file's first byte in front of the jump. Where a window is one instruction, mov $nr,
 * %eax, the jump's displacement then is the number that the program calls with. Returns the number that the file has, or `nr`.
 * site: the address of the `syscall`. ctx: entry */
int32_t rt_patch_mend(uint64_t site, int32_t nr);

#endif
