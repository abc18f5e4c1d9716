/*
 * Sets of things that have names or numbers, as the qualifiers of `k23 trace -e` name them: "a,b", "!a", "all", "none".
 */
#ifndef CLI_NAME_SET_H
#define CLI_NAME_SET_H

#include <stdint.h>

#include <k23/ring.h>

/* A bit for each name, the first one's being the lowest; names ends with NULL. Dies if a word is none of them. what:
 * what they are, in a few words. */
uint64_t name_set_parse(const char *what, const char *text, const char *const *names);

/* Signals, by name, with or without SIG, or by number: bit N - 1 for signal N. */
uint64_t name_set_parse_signals(const char *text);

/* The number of a signal that is named in the same way; 0: there is none. */
int name_set_signal(const char *word);

/* Descriptors, by number. */
void name_set_parse_descriptors(struct k23_ring_descriptors *set, const char *text);

#endif
