#include "cli/vectors.h"

#include "abi/bundle.h"
#include "cli/cli.h"

#define HAS_XSAVE (1u << 27) /* leaf 1, ecx; the kernel uses it */
#define HAS_XSAVEC (1u << 1) /* leaf 13, part 1, eax */
#define HAS_XGETBV_IN_USE (1u << 2)
#define HAS_AVX512BW (1u << 30) /* leaf 7, ebx */

#define X87 1u /* in what XGETBV says */
#define LEGACY_AND_HEADER 576u /* what XRSTOR always reads */

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

/* Whether XGETBV says which state is in use, and the x87's is no more when it is made as it was initially. */
static bool tells_what_is_in_use(void)
{
	static const uint8_t initial[LEGACY_AND_HEADER] __attribute__((aligned(64)));
	uint32_t answer[4], in_use;

	ask_processor(13, 1, answer);
	if (!(answer[0] & HAS_XGETBV_IN_USE))
		return false;
	__asm__ volatile("fninit\n\t"
			 "xrstor64 %[initial]\n\t"
			 "mov $1, %%ecx\n\t"
			 "xgetbv"
			 : "=&a"(in_use), "=&d"(answer[0]) : [initial] "m"(initial), "0"(X87), "1"(0) : "ecx");
	return !(in_use & X87);
}

uint32_t vectors_flags(void)
{
	uint32_t state[4], features[4];

	ask_processor(13, 1, state);
	ask_processor(7, 0, features);
	return (state[0] & HAS_XSAVEC ? BUNDLE_XSAVEC : 0u) | (tells_what_is_in_use() ? BUNDLE_XGETBV_IN_USE : 0u) |
	       (features[1] & HAS_AVX512BW ? BUNDLE_AVX512BW : 0u);
}
