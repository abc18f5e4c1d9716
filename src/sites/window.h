/*
 * Whether instructions may be moved to a stub, where a signal may interrupt them and send the thread back to their
 * begin.
 */
#ifndef SITES_WINDOW_H
#define SITES_WINDOW_H

#include <Zydis/Zydis.h>

#include "abi/store.h"

/* bytes: `size` bytes of whole instructions right before a `syscall`. Fills in window, relative, relative_end and nr,
 * and returns STORE_PLANNED or why not. */
enum store_reason window_plan(const ZydisDecoder *decoder, const uint8_t *bytes, unsigned size, struct store_site *site);

#endif
