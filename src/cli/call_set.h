/*
 * A set of system calls, as -e of `k23 trace` names it.
 */
#ifndef CLI_CALL_SET_H
#define CLI_CALL_SET_H

#include <k23/ring.h>

/*
 * Writes the calls that `names` selects into the ring's header. `names` is a list of names of calls of either
 * architecture, separated by commas; after a leading `!` all other calls are selected; "all" and "none" are what they
 * say. "trace=" in front is ignored, as strace's users write it. Returns NULL, or an allocated text that says what is
 * wrong.
 */
char *call_set_parse(struct k23_ring *ring, const char *names);

#endif
