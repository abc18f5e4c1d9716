/*
 * Code that `k23 run` replaces on some machines, in all images of the run, so that none has to ask which machine it is.
 */
#ifndef RT_X86_64_ALTERNATIVE_H
#define RT_X86_64_ALTERNATIVE_H

#include "abi/alternative.h"

/* Between `alternative` and `instead_of` stands code that takes the place of what follows, and is no longer than that.
 * It must be right wherever a signal finds it, by what rollback.c and the call frame information say of the code that
 * it replaces. name: of the array in rt.lds. */
.macro alternative name
	.pushsection .rodata.alternative.\name, "a", @progbits
772:	.long	775f - .
	.byte	774f - 773f
773:
.endm

.macro instead_of
774:	.if	. - 772b > ALTERNATIVE_SIZE
	.error	"the code is too long"
	.endif
	.balign	ALTERNATIVE_SIZE
	.popsection
775:
.endm

#endif
