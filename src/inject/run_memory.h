/*
 * Run memory (abi/run_memory.h) on its way through an execve: getting its descriptor from the keeper.
 */
#ifndef INJECT_RUN_MEMORY_H
#define INJECT_RUN_MEMORY_H

#include "abi/bundle.h"
#include "abi/gaps.h"
#include "abi/syscall.h"

/* Gets the descriptors of a bundle's run memories, for a new image: block->memories. addresses: where this process has
 * the memories; NULL: where the bundle says. owner: the process whose descriptors these are, if it is another one than
 * the one that gets the image; if not, 0, and the descriptors stay open over execve. ctx: entry | helper */
void inj_fetch_memories(const struct bundle *bundle, const uint64_t *addresses, int32_t owner,
			struct start_block *block);
/* Closes them. ctx: entry */
void inj_close_memories(struct start_block *block);

/* Counts a gap (core/gaps.h), in the bundle's run memories. addresses: as for inj_fetch_memories. ctx: helper */
void inj_note_gap(const struct bundle *bundle, const uint64_t *addresses, enum gap gap, const char *path);

/* Asks the keeper for the descriptor of the run memory at an address, or in its place 0 or 1 as in struct rt_image.
 * Returns the descriptor, to be closed by execve; -ESRCH: there is no keeper any more; or another -errno. ctx: entry |
 * helper */
long inj_fetch_memory(uint64_t address) must_check;

#endif
