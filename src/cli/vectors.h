/*
 * The vector state of the processor, which the runtime saves around hosted hooks (rt/x86_64/world/state.c).
 */
#ifndef CLI_VECTORS_H
#define CLI_VECTORS_H

#include <stdbool.h>
#include <stdint.h>

/* The bytes that XSAVE writes, rounded up for its alignment. Dies with a message where there can be no hosted hooks. */
uint32_t vectors_size(void);

/* Whether the processor has XSAVEC. */
bool vectors_have_xsavec(void);

#endif
