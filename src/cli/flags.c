#include "cli/flags.h"

#include <stdint.h>
#include <sys/syscall.h>

#include "abi/bundle.h"

#define NT 0x4000ul

bool flags_are_lost(const struct bundle *outer)
{
	uint64_t after;
	long result;

	if (outer)
		return outer->flags & BUNDLE_FLAGS_LOST;
	__asm__ volatile("sub $128, %%rsp\n\t" /* the red zone */
			 "pushfq\n\t"
			 "orq %[nt], (%%rsp)\n\t"
			 "popfq\n\t"
			 "syscall\n\t"
			 "pushfq\n\t"
			 "mov (%%rsp), %[after]\n\t"
			 "andq %[not_nt], (%%rsp)\n\t"
			 "popfq\n\t"
			 "add $128, %%rsp"
			 : "=a"(result), [after] "=&r"(after)
			 : "a"(SYS_getpid), [nt] "i"(NT), [not_nt] "i"(~NT)
			 : "rcx", "r11", "memory", "cc");
	(void)result;
	return !(after & NT);
}
