/*
 * k23/explore.h - the places in a program that make system calls, as the hook of `k23 inject --explore` notes them in
 * the memory of k23/channel.h.
 *
 * A place is a call's number, the instruction that makes it, the return addresses that are near on the stack, and the
 * process, with the program that it is. The thread that takes an entry fills in the rest, and sets `known` when that is
 * complete.
 */
#ifndef K23_EXPLORE_H
#define K23_EXPLORE_H

#include <k23/channel.h>
#include <k23/descent.h>
#include <k23/ring.h>
#include <k23/types.h>

#define K23_EXPLORE_MAGIC 0x656c70786533326bul /* "k23exple" */

#define K23_EXPLORE_PLACES 16384u
#define K23_EXPLORE_OCCURRENCES 8u
#define K23_EXPLORE_TEXT 1024u

struct k23_explore_place {
	uint64_t key; /* a hash; 0: free */
	struct k23_descent process;
	uint32_t known;
	uint32_t nr;
	uint32_t loader; /* the dynamic linker makes the call */
	uint32_t lock;	 /* of what follows */
	uint32_t count;	 /* how many of the occurrences are known */
	uint32_t reserved;
	/* Calls that were made here: those of the threads that come first in the process, and of a thread its first. So
	 * it does not matter which thread was there first. */
	struct k23_explore_occurrence {
		struct k23_descent thread; /* who made it */
		uint64_t of_run; /* which one of the run's calls with this number it was, from 1 */
		uint32_t of_thread; /* which one of the thread's */
		uint32_t mmaps, brks; /* how many of these the thread had made, with this one */
		uint32_t reserved;
	} occurrences[K23_EXPLORE_OCCURRENCES];
	char text[K23_EXPLORE_TEXT]; /* some of the addresses, as PATH+0xOFFSET, with a newline between two */
};

struct k23_exploration {
	struct k23_channel channel;
	struct k23_ring_calls wanted;
	uint64_t counts[K23_NUMBERS];
	uint64_t missed; /* calls for whose places there was no room */
	uint64_t births; /* threads and processes that were made */
	struct k23_descent_carried carried[K23_DESCENT_CARRIED];
	struct k23_explore_place places[K23_EXPLORE_PLACES];
};

#endif
