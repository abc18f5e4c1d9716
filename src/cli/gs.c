#include "cli/gs.h"

#include <string.h>
#include <sys/auxv.h>

#include "abi/bundle.h"
#include "abi/kernel.h"

bool gs_has_fsgsbase(void)
{
	return getauxval(AT_HWCAP2) & KERNEL_HWCAP2_FSGSBASE;
}

bool gs_by_call(enum gs gs, const struct bundle *outer)
{
	if (!gs_has_fsgsbase())
		return true;
	if (gs == GS_OF_MACHINE && outer)
		return outer->flags & BUNDLE_GS_BY_CALL;
	return gs == GS_ARCH_PRCTL;
}

bool gs_named(const char *name, enum gs *gs)
{
	if (strcmp(name, "fsgsbase") == 0)
		*gs = GS_FSGSBASE;
	else if (strcmp(name, "arch_prctl") == 0)
		*gs = GS_ARCH_PRCTL;
	else
		return false;
	return true;
}
