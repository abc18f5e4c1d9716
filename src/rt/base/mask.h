/*
 * Blocking signals while the runtime works.
 */
#ifndef RT_BASE_MASK_H
#define RT_BASE_MASK_H

#include <stdint.h>

struct rt_thread;

/* Blocks RT_ALL_BLOCKED, in addition to what the program blocks, and returns the mask before that.
 * ctx: entry | sigsys */
uint64_t rt_mask_block(void);
/* Blocks every signal, those of faults and SIGSYS among them, and returns the mask before that. Does nothing in strict
 * seccomp, which would kill the thread. ctx: entry | sigsys */
uint64_t rt_mask_block_all(void);
/* Notes the program's mask while signals are blocked, for a tracer, which may change it there. ctx: boot | entry */
void rt_mask_keep(struct rt_thread *thread, uint64_t mask);
/* Blocks signals, and notes the mask before. ctx: entry */
void rt_mask_block_kept(struct rt_thread *thread, uint64_t blocked);
/* The mask that was noted, and is not any more. ctx: entry */
uint64_t rt_mask_kept(struct rt_thread *thread);
/* Sets the mask, but never blocks SIGSYS. ctx: boot | entry */
void rt_mask_restore(uint64_t mask);
/* Goes back to `mask`, which rt_mask_block returned. If a signal was deferred meanwhile, all stays blocked until it is
 * delivered. The mask is then at most `mask`, as the signal was deferred with the runtime's mask, not the program's.
 * ctx: entry */
void rt_mask_unblock(struct rt_thread *thread, uint64_t mask);
/* The same before a call of the program is made, for which SIGSYS may be blocked (signal/sigsys.h): it stays so.
 * ctx: entry */
void rt_mask_unblock_in_call(struct rt_thread *thread, uint64_t mask);

#endif
