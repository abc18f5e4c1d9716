/*
 * The signal masks of a stopped tracee.
 */
#ifndef RT_TRACER_MASKS_H
#define RT_TRACER_MASKS_H

#include "rt/tracer/tracee.h"

/* Its runtime may have put the mask of the program away while it blocks signals. Of SIGSYS in it the kernel knows
 * nothing. */
struct tracee_masks {
	uint64_t real, program;
	uint64_t thread; /* the address in the tracee of its thread block; 0: not known, and `program` is `real` */
	size_t kept;	 /* where in there the program's is; 0: it is the real one */
};

/* 0 or -errno. ctx: entry */
long tracee_masks(const struct tracee *tracee, struct tracee_masks *masks) must_check;
/* The program's mask behind a call: of the two that set one, what they are about to set. mask: the one before it. ctx:
 * entry */
uint64_t tracee_mask_behind(const struct tracee *tracee, uint64_t nr, const struct core_user_regs *regs, uint64_t mask);
/* Sets the program's, where the thread block is known. 0 or -errno. ctx: entry */
long tracee_set_mask(const struct tracee *tracee, const struct tracee_masks *masks, uint64_t mask) must_check;

#endif
