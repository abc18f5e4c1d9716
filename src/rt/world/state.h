/*
 * The processor's state that C code may change and that is not the kernel's, around the code of worlds: vector, x87 and
 * other registers (x86_64/world/state.c).
 */
#ifndef RT_WORLD_STATE_H
#define RT_WORLD_STATE_H

#include "rt/base/thread.h"

struct rt_state {
	uint8_t registers[32][64];
	uint64_t masks[8];
	uint64_t in_use; /* components, as XGETBV says */
	uint32_t mxcsr;
	uint8_t xsave[] __attribute__((aligned(64))); /* of the size that the bundle says */
};

#define RT_STATE_MAX (sizeof(struct rt_state) + BUNDLE_STATE_MAX)

/* Bytes that a state takes here. ctx: boot | entry */
static inline uint32_t rt_state_size(void)
{
	return (uint32_t)sizeof(struct rt_state) + rt.bundle->state_size;
}

/* All of it. state: aligned. What is saved is left as a C function wants it. ctx: boot | entry */
void rt_state_save(struct rt_state *state);
void rt_state_load(struct rt_state *state);
/* In the child of a fork: makes it what the kernel gives to the child. */
void rt_state_forked(struct rt_state *state);
/* As a C function wants it. */
void rt_state_clean(void);

/* What of it C functions keep. ctx: boot | entry */
void rt_control_save(struct rt_control *control);
void rt_control_load(const struct rt_control *control);
/* As it is when a program starts. */
void rt_control_clean(void);

/* The base of %fs. ctx: boot | entry */
uint64_t rt_fs_read(void);
void rt_fs_write(uint64_t base);

#endif
