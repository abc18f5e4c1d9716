/*
 * The flags that rt_sigreturn takes from where it is called, and not from the signal frame: NT and ID. Whoever calls it
 * loads those that the program is to have.
 */
#ifndef RT_KEPT_FLAGS_H
#define RT_KEPT_FLAGS_H

#define EFLAGS_INITIAL 0x202	/* interrupts on, and the bit that is always set */
#define EFLAGS_NT 0x4000
#define EFLAGS_ID 0x200000

/* in: the flags that the program is to have, in a register that is named twice: as one of 32 bits, and of 64.
 * clobbers: that register, the flags. */
.macro load_kept_flags flags, wide
	and	$(EFLAGS_NT | EFLAGS_ID), \flags
	jz	.Lkept\@		/* by popfq the program would be lost to a debugger that steps here */
	or	$EFLAGS_INITIAL, \flags
	push	\wide
	.cfi_adjust_cfa_offset 8
	popfq
	.cfi_adjust_cfa_offset -8
.Lkept\@:
.endm

#endif
