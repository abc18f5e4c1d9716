/*
 * How the runtime sets the base of %gs (rt/x86_64/base/gs.h): by an instruction where there is FSGSBASE.
 */
#ifndef CLI_GS_H
#define CLI_GS_H

#include <stdbool.h>

struct bundle;

/* What `--gs` says. */
enum gs { GS_OF_MACHINE, GS_FSGSBASE, GS_ARCH_PRCTL };

/* Whether the kernel lets programs use FSGSBASE. */
bool gs_has_fsgsbase(void);

/* Whether the bundle's runtime is to use arch_prctl. outer: the bundle that this process runs under, or NULL. */
bool gs_by_call(enum gs gs, const struct bundle *outer);

/* Sets *gs by its name. False: there is no such name. */
bool gs_named(const char *name, enum gs *gs);

#endif
