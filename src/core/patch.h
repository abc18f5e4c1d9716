/*
 * What a patched site consists of. ctx: any.
 *
 * The window is the whole instructions right in front of a `syscall`. It begins with a jump to the site's stub; the
 * `syscall` itself stays.
 *
 *	site:	jmp stub                     stub:	the window's instructions
 *		(the window's other bytes)		lea after(%rip), %r11
 *		syscall					jmp *entry(%rip)
 *	after:
 *
 * A probe that is taken off puts the file's byte at the begin of its instruction. So the window's first byte stays that
 * of the file where it can: as a prefix of the jump, or as an instruction that does nothing. Where that leaves too
 * little room, the jump is a short one to padding of the function, which has the jump to the stub.
 *
 * Stubs lie in slots of the same size. The last byte of a slot has the window's size, and whether the window's code
 * is longer in the stub, so that a slot says all about its site. A block of stubs begins with a slot that has the
 * addresses of the entries.
 */
#ifndef CORE_PATCH_H
#define CORE_PATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/store.h"

#define PATCH_SLOT 32u
#define PATCH_LEAVES 13u /* bytes of the two instructions that end a stub */
/* The values of `kept` for a window that begins with a load from the stack to a register (8b), and with a comparison
 * (80, 83). With 1 a REX prefix is kept. */
#define PATCH_KEPT_LOAD 2u
#define PATCH_KEPT_COMPARE 3u
#define PATCH_WIDENED 0x80u /* in the last byte of a slot: the window's code is longer there */

/* How many bytes of a slot are the window's code: more than the window's own, if it has a conditional jump whose short
 * displacement becomes a long one. */
unsigned core_patch_displaced(const uint8_t slot[PATCH_SLOT]);
/* How many bytes the window has. */
unsigned core_patch_window(const uint8_t slot[PATCH_SLOT]);

/* The words of a block's first slot. */
enum core_patch_entry {
	CORE_PATCH_DISPATCH, /* to the dispatcher */
	CORE_PATCH_DIRECT,   /* straight to the kernel: the window says which call it is, and no hook wants that call */
	CORE_PATCH_NUMBER,   /* to one or the other, by the number in %eax */
};

/* The bytes of a block with this number of stubs. */
static inline size_t core_patch_block_size(uint32_t stubs)
{
	return (size_t)(stubs + 1) * PATCH_SLOT;
}

/* Whether a site has a plan whose sizes and positions fit together. */
bool core_patch_valid(const struct store_site *site);

/* The number of the call that a window leads to, by its last instruction: -1 when that does not say it. The plan's
 * own word is not enough, as it decides which hooks see the call. */
int32_t core_patch_number(const struct store_site *plan, const uint8_t *window);

/* Writes a stub to `slot`, a buffer whose contents will be at `address`; the block begins at `block`. word: which word
 * from there on has the address of the entry: one of enum core_patch_entry, or one behind the stubs. window: the
 * window's bytes as they are in the file; site: the address of the `syscall`. False: an operand is out of reach. */
bool core_patch_stub(uint8_t slot[PATCH_SLOT], uint64_t address, uint64_t block, uint32_t word,
		const struct store_site *plan, const uint8_t *window, uint64_t site);

/* The address of the word that has the address of the stub's entry. */
uint64_t core_patch_word(const uint8_t slot[PATCH_SLOT], uint64_t address);

/* Writes a function that makes a system call: a site and its stub in one, `mov; lea; jmp; syscall; ret`. The
 * dispatcher's address is `entry`; if it is 0, or `size` bytes are too few, the function is `mov; syscall; ret`: 8
 * bytes. */
void core_patch_call(uint8_t *function, size_t size, uint32_t nr, uint64_t entry);

/* Writes a function that returns -error: 8 bytes. */
void core_patch_error(uint8_t *function, int32_t error);

/* Writes the jump at the begin of the window, at `from`, and in the padding that it leads by. False: the stub is out of
 * reach, and nothing is written. */
bool core_patch_jump(const struct store_site *plan, uint8_t *window, uint64_t from, uint64_t stub);

/* Where the code at `ip` jumps to; 0 if it is no jump of the two kinds that core_patch_jump writes. */
uint64_t core_patch_leads(const uint8_t code[STORE_MIN_WINDOW], uint64_t ip);
/* Whether it is the short kind, which leads to one of the other. */
static inline bool core_patch_hops(const uint8_t code[STORE_MIN_WINDOW])
{
	return code[0] == 0xeb;
}

/* Where the program would be natively, with the same registers, when the thread is at `ip` in the slot at `address`:
 * at the window's begin, or at the `syscall`. */
uint64_t core_patch_origin(const uint8_t slot[PATCH_SLOT], uint64_t address, uint64_t ip);

/* Whether a slot holds a stub. */
bool core_patch_is_stub(const uint8_t slot[PATCH_SLOT]);

/* The address of the stub's `syscall`. */
uint64_t core_patch_site(const uint8_t slot[PATCH_SLOT], uint64_t address);

#endif
