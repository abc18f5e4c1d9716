/*
 * Blocking signals while the runtime works.
 */
#ifndef RT_BASE_MASK_H
#define RT_BASE_MASK_H

#include <stdint.h>

struct rt_thread;

/* Blocks all that may be blocked while the runtime works; returns the mask there was. What the program itself has
 * blocked stays so. ctx: entry | sigsys */
uint64_t rt_mask_block(void);
/* Even those that a fault raises and SIGSYS. ctx: entry */
uint64_t rt_mask_block_all(void);
/* ctx: boot | entry */
void rt_mask_restore(uint64_t mask);
/* The end of what rt_mask_block, which returned `mask`, began. A signal that cannot be blocked may have come after
 * that, and have found the runtime's mask instead of the program's. ctx: entry */
void rt_mask_unblock(struct rt_thread *thread, uint64_t mask);

#endif
