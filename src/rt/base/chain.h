/*
 * The chain of hooks as data: who wants which call.
 */
#ifndef RT_BASE_CHAIN_H
#define RT_BASE_CHAIN_H

#include "rt/base/image.h"

/* Who has to do with calls of a number besides the kernel. */
#define RT_CHAIN_SPECIAL (1u << 31)
struct rt_chain {
	uint32_t who;  /* a bit for each hook that wants them, and RT_CHAIN_SPECIAL */
	int32_t first; /* the first such hook's function, from rt_chains on */
};

/* For each number. Not filled in if there are no hooks. */
extern struct rt_chain rt_chains[K23_NUMBERS];
/* A bit for each number that the fast path must not make without the dispatcher. */
extern uint64_t rt_chain_indirect[K23_NUMBERS / 64];

/* Once per image, before the program runs. special: a bit for each number that is a special call's. ctx: boot */
void rt_chain_build(const uint64_t special[K23_NUMBERS / 64]);

/* ctx: any, for all of these */
struct k23_descriptor *rt_chain_hook(uint32_t index);
/* The hooks that want calls with this number: a bit for each. */
uint32_t rt_chain_hooks(uint32_t arch, unsigned long nr);
/* The function of a hook that wants such a call. */
k23_call_fn *rt_chain_function(uint32_t index, uint32_t arch, unsigned long nr);
/* Whether a hook sees calls with this number; of any number. */
bool rt_chain_wants(long nr);
bool rt_chain_wants_all(void);
/* Whether nobody but the kernel has to do with calls of this number. */
bool rt_chain_direct(long nr);

#endif
