/*
 * The chain of hooks as data: which hooks want which call.
 */
#ifndef RT_BASE_CHAIN_H
#define RT_BASE_CHAIN_H

#include "rt/base/image.h"

/* What deals with the calls of one number before the kernel does. */
#define RT_CHAIN_SPECIAL (1u << 31)
struct rt_chain {
	uint32_t who;  /* a bit for each hook that wants these calls; RT_CHAIN_SPECIAL, if they are a special call's */
	int32_t first; /* the function of the first such hook: its distance from rt_chains */
};

/* An entry for each number. Not filled in if there are no hooks. */
extern struct rt_chain rt_chains[K23_NUMBERS];
/* A bit for each number that the fast path must not make without the dispatcher. */
extern uint64_t rt_chain_indirect[K23_NUMBERS / 64];

/* Once per image, before the program runs. special: a bit for each number that is a special call's. ctx: boot */
void rt_chain_build(const uint64_t special[K23_NUMBERS / 64]);

/* From now on no call goes to the kernel without the dispatcher's C code. ctx: entry */
void rt_chain_claim(void);

/* ctx: any, for all of these */
struct k23_descriptor *rt_chain_hook(uint32_t index);
/* The hooks that want the calls with a number: a bit for each. */
uint32_t rt_chain_hooks(uint32_t arch, unsigned long nr);
/* The function of a hook for the calls with a number, if the hook wants them. */
k23_call_fn *rt_chain_function(uint32_t index, uint32_t arch, unsigned long nr);
/* Whether the calls with a number are a special call's. */
bool rt_chain_special(unsigned long nr);
/* Whether any hook wants the calls with a number; whether any hook wants all calls. */
bool rt_chain_wants(long nr);
bool rt_chain_wants_all(void);
/* Whether calls with a number may go straight to the kernel: no hook wants them, and they are no special call. */
bool rt_chain_direct(long nr);

#endif
