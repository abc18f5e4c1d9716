/*
 * Which flags of the processor survive a stay in the kernel.
 */
#ifndef CLI_FLAGS_H
#define CLI_FLAGS_H

#include <stdbool.h>

struct bundle;

/* Whether a program may lose flags that it does not see: there are hypervisors under which NT never outlasts a stay in
 * the kernel, and RF not always. Measured by NT. outer: the bundle that this process runs under, or NULL. */
bool flags_are_lost(const struct bundle *outer);

#endif
