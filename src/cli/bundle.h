/*
 * Building the bundle (abi/bundle.h) from the runtime, which the tool carries, and hook files.
 */
#ifndef CLI_BUNDLE_H
#define CLI_BUNDLE_H

#include "cli/cli.h"

struct bundle;

/* Builds it, in memory that the helper hands on. outer: the bundle of the k23 that this one runs under, or NULL. Dies
 * with a message when a hook cannot be used. */
const struct bundle *bundle_build(const struct launch *launch, const struct bundle *outer);

#endif
