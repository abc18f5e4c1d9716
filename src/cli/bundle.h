/*
 * Building the bundle (abi/bundle.h) from the runtime, which the tool carries, and hook files.
 */
#ifndef CLI_BUNDLE_H
#define CLI_BUNDLE_H

#include "cli/cli.h"

struct bundle;
struct hook_file;

/* Builds it, in memory that the helper hands on. Dies with a message when a hook cannot be used. */
const struct bundle *bundle_build(const struct launch *launch);

/* Opens a hook's file. Dies with a message when the file is no hook, or breaks a hook's rules. */
void bundle_open_hook(struct hook_file *hook, const char *path);

#endif
