/*
 * The test whether %gs leads to the thread (base/gs.h), for the entries of the fast path.
 */
#ifndef RT_X86_64_NEED_GS_H
#define RT_X86_64_NEED_GS_H

#include "offsets.h"
#include "rt/x86_64/alternative.h"

/* Goes to the guard unless the base of %gs is the runtime's. Keeps the flags. Without FSGSBASE it is the runtime's
 * unless a selector was loaded; what is read may then not be there: see rt_gs_faulted. clobbers: %rcx */
.macro need_gs
	alternative gs_by_call
	mov	%gs:GS_MARK, %ecx
	instead_of
	rdgsbase %rcx
	movzwl	%cx, %ecx
	alternative gs_by_call
	lea	-GS_MARKED(%rcx), %ecx
	instead_of
	{disp32} lea -GS_TAG(%rcx), %ecx
	jrcxz	1f
	jmp	rt_fast_to_guard
1:
.endm

#endif
