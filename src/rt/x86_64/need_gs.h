/*
 * The test whether %gs leads to the thread (base/gs.h), for the entries of the fast path.
 */
#ifndef RT_X86_64_NEED_GS_H
#define RT_X86_64_NEED_GS_H

#include "offsets.h"

/* Goes to the guard unless the base of %gs is the runtime's. Keeps the flags. clobbers: %rcx */
.macro need_gs
	rdgsbase %rcx
	movzwl	%cx, %ecx
	lea	-GS_TAG(%rcx), %ecx
	jrcxz	1f
	jmp	rt_fast_to_guard
1:
.endm

#endif
