/*
 * Templates: a process of the command's own, in which the worlds of a bundle are made ready once for all images of a
 * run (struct bundle_ready).
 */
#ifndef CLI_TEMPLATE_H
#define CLI_TEMPLATE_H

#include "abi/bundle.h"

/* Makes the worlds ready, and writes into the bundle how they are then. If that cannot be, or has to be done in each
 * image, because more was done than to change memory, it leaves the bundle as it is. */
void template_run(struct bundle *bundle);

#endif
