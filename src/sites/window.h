/*
 * Whether the instructions of a window may be moved to a stub. A signal may interrupt them there, and send the thread
 * back to the window's begin.
 *
 * And whether the jump that is written is stable. The kernel puts a probe (uprobe) into the text of a running process
 * by writing a trap over the first byte of an instruction of the file. At the trap it executes the file's instruction
 * elsewhere, and goes on behind it. It takes the probe off by writing the file's byte. So a jump is stable that is
 * written over one instruction only, if
 *	- it leaves the instruction's first byte as it is, or
 *	- the instruction is `mov $number, %reg`, which with the file's first byte loads the displacement instead.
 *	  The guard recognises that (rt/text/mend.h), if nothing has used the register before the `syscall`.
 */
#ifndef SITES_WINDOW_H
#define SITES_WINDOW_H

#include <Zydis/Zydis.h>

#include "abi/store.h"

/* Plans a window: `size` bytes of whole instructions right before a `syscall`. Fills in what struct store_site has of
 * it, and returns STORE_PLANNED, or the reason why the window cannot be moved. Where only a short jump would be
 * stable, `kept` is not 0, and STORE_STABLE is not set. */
enum store_reason window_plan(const ZydisDecoder *decoder, const uint8_t *bytes, unsigned size,
			      struct store_site *site);

#endif
