/*
 * A set of system calls, as -e of `k23 trace` names it.
 */
#ifndef CLI_CALL_SET_H
#define CLI_CALL_SET_H

#include <k23/ring.h>

/*
 * Writes the calls that `text` selects into the set. `text` is a list, separated by commas, of names of calls, of sets
 * of them (%file, in tables/call_sets.tsv), of regular expressions between a slash and the end, and of "all"; or
 * "none". After a leading `!` all other calls are selected. A name after `?` need not exist; @64 or @32 behind one
 * stands for the calls of one architecture. Dies if a word stands for nothing.
 */
void call_set_parse(struct k23_ring_calls *set, const char *text);

/* The same, but returns the first word that stands for nothing, which the caller frees, or NULL if there is none. */
char *call_set_read(struct k23_ring_calls *set, const char *text);

#endif
