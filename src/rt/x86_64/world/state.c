/*
 * ctx: boot | entry, for all here.
 */
#include <asm/prctl.h>

#include "abi/syscall.h"
#include "core/string.h"
#include "rt/world/switch.h"

/* The rights of protection keys are no state of C code's: pkey_alloc may change them in a call that a hook forwards. */
#define KEEP_PKRU (~0x200u)

#define HEADER 512u /* in a state */
#define HEADER_SIZE 64u

#define MXCSR_DEFAULT 0x1f80u

void rt_state_save(void *state)
{
	/* The processor leaves what is reserved there as it is, and wants it to be 0. */
	memset((char *)state + HEADER, 0, HEADER_SIZE);
	if (rt.bundle->flags & BUNDLE_XSAVEC)
		__asm__ volatile("xsavec64 (%0)" : : "r"(state), "a"(KEEP_PKRU), "d"(~0u) : "memory");
	else
		__asm__ volatile("xsave64 (%0)" : : "r"(state), "a"(KEEP_PKRU), "d"(~0u) : "memory");
}

void rt_state_load(const void *state)
{
	__asm__ volatile("xrstor64 (%0)" : : "r"(state), "a"(KEEP_PKRU), "d"(~0u) : "memory");
}

void rt_state_clean(void)
{
	static const uint32_t mxcsr = MXCSR_DEFAULT;

	__asm__ volatile("fninit\n\tldmxcsr %0" : : "m"(mxcsr));
}

uint64_t rt_fs_read(void)
{
	uint64_t base = 0;

	if (rt.fsgsbase)
		__asm__ volatile("rdfsbase %0" : "=r"(base));
	else
		sys(arch_prctl, ARCH_GET_FS, &base);
	return base;
}

void rt_fs_write(uint64_t base)
{
	if (rt.fsgsbase)
		__asm__ volatile("wrfsbase %0" : : "r"(base) : "memory");
	else
		sys(arch_prctl, ARCH_SET_FS, base);
}
