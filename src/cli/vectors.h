/*
 * The vector state of the processor, which the runtime saves around hosted hooks (rt/x86_64/world/state.c).
 */
#ifndef CLI_VECTORS_H
#define CLI_VECTORS_H

#include <stdint.h>

/* The bytes that XSAVE writes, rounded up for its alignment. Dies with a message where there can be no hosted hooks. */
uint32_t vectors_size(void);

/* What else the runtime is to know of the processor: enum bundle_flags. */
uint32_t vectors_flags(void);

#endif
