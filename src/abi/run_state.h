/*
 * Run state: what the hooks of a run keep for all of its processes, in a run memory (run_memory.h) of their own, whose
 * keeper is a process that ends with the run. In front of the hooks' parts lie the owners of their locks.
 *
 * An *owner* stands for a thread that holds locks, or waits for one. Nothing that a process knows of another tells
 * surely whether that one is dead: ids are those of a PID namespace, and are used again. But the kernel, as it ends a
 * thread, marks the words that the thread's list of robust futexes leads to, whatever has ended it. So a thread puts
 * its owner's word into that list for as long as it holds locks; what a lock says is which owner it has, and which turn
 * of that owner.
 */
#ifndef ABI_RUN_STATE_H
#define ABI_RUN_STATE_H

#include <stdint.h>

#define RUN_STATE_OWNERS 512u /* a power of two */

/* In `tid`: the thread's id; without it, the owner is free. The other bits are the kernel's. */
#define RUN_STATE_TID 0x3fffffffu

struct run_state_owner {
	/* All of a node of a list, at the distance from the word that the program's C library has chosen for its own.
	 * Where the word is in the middle, any distance will do. */
	uint8_t before[128];
	union {
		struct {
			uint32_t tid;  /* a robust futex */
			uint32_t turn; /* counts who has taken this owner */
		};
		uint64_t taken; /* both */
	};
	uint8_t behind[120];
};

struct run_state {
	struct run_state_owner owners[RUN_STATE_OWNERS];
};

/* Where the parts of the hooks begin: at a page. */
#define RUN_STATE_PARTS sizeof(struct run_state)

_Static_assert(sizeof(struct run_state_owner) == 256, "the owners are shared by separate builds");
_Static_assert(RUN_STATE_PARTS % 4096 == 0, "the parts of hooks begin at pages");

#endif
