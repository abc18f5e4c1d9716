#include "cli/vectors.h"

#include "abi/bundle.h"
#include "cli/cli.h"

#define HAS_XSAVE (1u << 27) /* leaf 1, ecx; the kernel uses it */
#define HAS_XSAVEC (1u << 1) /* leaf 13, part 1, eax */

/* What the processor says of itself. Without <cpuid.h>: the front has no headers of the compiler's. */
static void ask_processor(uint32_t leaf, uint32_t part, uint32_t answer[4])
{
	__asm__("cpuid" : "=a"(answer[0]), "=b"(answer[1]), "=c"(answer[2]), "=d"(answer[3]) : "a"(leaf), "c"(part));
}

uint32_t vectors_size(void)
{
	uint32_t answer[4];

	ask_processor(1, 0, answer);
	if (!(answer[2] & HAS_XSAVE))
		die(EXIT_K23, "hosted hooks need a processor that has XSAVE");
	ask_processor(13, 0, answer);
	if (answer[1] > BUNDLE_STATE_MAX)
		die(EXIT_K23, "this processor has more vector state than k23 knows: %u bytes", answer[1]);
	return (answer[1] + 63) & ~63u;
}

bool vectors_have_xsavec(void)
{
	uint32_t answer[4];

	ask_processor(13, 1, answer);
	return answer[0] & HAS_XSAVEC;
}
