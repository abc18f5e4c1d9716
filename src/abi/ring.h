/*
 * The ring between the hook of `k23 trace` (many writers) and the collector (one reader), in the shared memory of
 * abi/channel.h.
 *
 * A record is a sequence of bytes in one or more cells, which need not be neighbours: each cell says which writer
 * (thread) it is from, and a writer finishes one before it takes the next, so the reader puts records together
 * writer by writer. Thus a writer never holds more than one cell that others would have to wait for.
 *
 * A cell's stamp is lap | thread id | state. Position p of the endless sequence is cell p % cells in lap
 * p / cells. The writers' side, at position head:
 *
 *	FREE of this lap          CAS to CLAIMED: the cell is this writer's; then it moves head on
 *	anything of this lap      another was faster: help it move head on, look again
 *	PASSED, LATE, VOID, older no place in this lap: move head on
 *	else, older               the ring is full: wait, or drop
 *
 * As the claim names the claimant in the same instant, there is no moment at which a cell is taken and nobody knows
 * by whom. A writer that is killed, or stopped, between CLAIMED and READY holds up nobody: after a moment the
 * reader goes past its cell (PASSED) and keeps it in mind. When the writer goes on after all, it makes it LATE, and
 * the reader still takes it before any later one of that writer; when it is dead the reader says that a record
 * is lost (VOID).
 *
 *	writer                          reader, at position tail < head
 *	FREE -> CLAIMED                 READY -> FREE of the next lap, after reading
 *	CLAIMED -> READY                CLAIMED -> PASSED, when nothing came of it for a while
 *	PASSED -> LATE                  LATE -> VOID, after reading;  PASSED -> VOID, its writer being dead
 *	                                VOID, LATE of an older lap -> FREE of the next lap
 *
 * Only the reader makes a cell FREE, and only at its own position, so head is past that of this lap; it may even
 * be just going past that of the next lap, because a writer saw the cell before. When the reader finds such a cell,
 * FREE in its own lap, it moves it to the next, unless a writer that was late claims it first. As a stamp never comes
 * again, no writer that looked at an older one can mistake one lap for another.
 */
#ifndef ABI_RING_H
#define ABI_RING_H

#include "channel.h"

#define RING_MAGIC 0x676e69723332336bul /* "k323ring" */
#define RING_NUMBERS 512u /* numbers from here on are wanted or not together */

enum ring_state { RING_FREE, RING_CLAIMED, RING_READY, RING_PASSED, RING_LATE, RING_VOID };

#define RING_STATE_BITS 3
#define RING_TID_BITS 22 /* the kernel's PID_MAX_LIMIT */

static inline uint64_t ring_stamp(uint64_t lap, uint32_t tid, enum ring_state state)
{
	return lap << (RING_STATE_BITS + RING_TID_BITS) |
	       (uint64_t)(tid & ((1u << RING_TID_BITS) - 1)) << RING_STATE_BITS | state;
}

static inline uint64_t ring_stamp_lap(uint64_t stamp)
{
	return stamp >> (RING_STATE_BITS + RING_TID_BITS);
}

static inline uint32_t ring_stamp_tid(uint64_t stamp)
{
	return (uint32_t)(stamp >> RING_STATE_BITS) & ((1u << RING_TID_BITS) - 1);
}

static inline enum ring_state ring_stamp_state(uint64_t stamp)
{
	return (enum ring_state)(stamp & ((1u << RING_STATE_BITS) - 1));
}

#define RING_CELL_DATA 104

struct ring_cell {
	uint64_t stamp;
	uint32_t writer; /* one per thread that ever wrote: process and thread ids may repeat */
	uint32_t pid;    /* as the program sees them */
	uint32_t tid;
	uint16_t size; /* of data */
	uint8_t first; /* a record begins here */
	uint8_t last;  /* and is complete with this */
	unsigned char data[RING_CELL_DATA];
};

/* What a writer does when the ring is full. */
enum ring_full { RING_BLOCK, RING_DROP };

enum ring_arch { RING_X86_64, RING_I386, RING_ARCHES };

struct ring {
	struct channel channel;
	uint32_t cells; /* a power of two */
	uint32_t full;  /* enum ring_full */
	uint32_t string_size; /* how much of strings and buffers is recorded; paths whole */
	uint32_t others[RING_ARCHES]; /* whether numbers from RING_NUMBERS on are recorded */
	uint32_t reserved[3];
	uint64_t wanted[RING_ARCHES][RING_NUMBERS / 64]; /* a bit per number */

	/* Each in its own cache line. */
	uint64_t head __attribute__((aligned(64)));    /* the next position to be written, about */
	uint64_t dropped __attribute__((aligned(64))); /* calls of which something could not be recorded */
	uint32_t writers;
	uint64_t tail __attribute__((aligned(64))); /* the next position to be read, about */
	uint32_t space; /* a futex: the reader changes it when it has freed cells and somebody is waiting */
	uint32_t waiting;
	struct ring_cell cell[] __attribute__((aligned(128)));
};

/* Records. What follows the struct are items. */
enum ring_type {
	RING_IMAGE = 1, /* a program starts: struct ring_image */
	RING_ENTRY,     /* a call is about to be made */
	RING_EXIT,      /* the writer's last call returned */
};

struct ring_image {
	uint32_t type;
	uint32_t reserved;
	uint64_t time; /* of the time stamp counter */
};

struct ring_entry {
	uint32_t type;
	uint32_t arch; /* K23_ARCH_* */
	uint64_t time;
	int64_t nr;
	uint64_t args[6];
};

struct ring_exit {
	uint32_t type;
	uint32_t reserved;
	uint64_t start; /* when the call was made, and when it returned: without the time to record it */
	uint64_t end;
	int64_t result;
};

/* Bytes that an argument points to. Several of the same argument follow one another. */
enum ring_item_flags {
	RING_MORE = 1,  /* the next item goes on with this one */
	RING_CUT = 2,   /* there was more in the program's memory */
	RING_FAULT = 4, /* the rest could not be read */
	RING_ETC = 8,   /* stands for further strings of an array */
};

struct ring_item {
	uint8_t arg;
	uint8_t flags;
	uint16_t size;
};

_Static_assert(sizeof(struct ring_cell) == 128, "the ring is shared by separate builds");
_Static_assert(sizeof(struct ring_entry) == 72 && sizeof(struct ring_exit) == 32, "likewise");
_Static_assert(offsetof(struct ring, cell) % 128 == 0, "cells share no cache line");

#endif
