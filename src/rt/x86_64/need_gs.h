/*
 * %gs leads the fast path to the thread: see base/gs.h.
 */
#ifndef RT_X86_64_NEED_GS_H
#define RT_X86_64_NEED_GS_H

#include "offsets.h"

/* Goes to the guard unless %gs is ours, without use of the flags. clobbers: %rcx */
.macro need_gs
	rdgsbase %rcx
	movzwl	%cx, %ecx
	lea	-GS_TAG(%rcx), %ecx
	jrcxz	1f
	jmp	rt_fast_to_guard
1:
.endm

#endif
