/*
 * A set of system calls, as -e names them.
 */
#ifndef CLI_CALL_SET_H
#define CLI_CALL_SET_H

#include <k23/ring.h>

/*
 * Writes the calls that `names` selects into the ring's header: a list of names, of either architecture, with
 * commas; those not named after a leading `!`; all and none. "trace=" before it is taken for strace's sake.
 * Returns NULL, or what is wrong with it, to be freed.
 */
char *call_set_parse(struct k23_ring *ring, const char *names);

#endif
