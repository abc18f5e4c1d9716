/*
 * Whether the instructions of a window may be moved to a stub. A signal may interrupt them there, and send the thread
 * back to the window's begin.
 */
#ifndef SITES_WINDOW_H
#define SITES_WINDOW_H

#include <Zydis/Zydis.h>

#include "abi/store.h"

/* Plans a window: `size` bytes of whole instructions right before a `syscall`. Fills in what struct store_site has of
 * it, and returns STORE_PLANNED, or the reason why the window cannot be moved. */
enum store_reason window_plan(const ZydisDecoder *decoder, const uint8_t *bytes, unsigned size,
			      struct store_site *site);

#endif
