/*
 * Building the bundle (abi/bundle.h) from the runtime and hook files.
 */
#ifndef CLI_BUNDLE_H
#define CLI_BUNDLE_H

#include "cli/cli.h"

struct bundle;
struct module;

/* Dies with a message when a hook cannot be used. */
const struct bundle *bundle_build(const struct launch *launch);

/* Opens a hook's file. Dies with a message when it is not one, or breaks a hook's rules. */
void hook_open(struct module *module, const char *file);

#endif
