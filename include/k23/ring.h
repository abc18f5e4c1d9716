/*
 * k23/ring.h - a ring of records in the memory of k23/channel.h: the threads of a program write them, by the hook of
 * `k23 trace`, and the collector reads them.
 *
 * A record is a sequence of bytes in one or more cells, which need not be neighbours: each cell says which writer
 * (thread) it is from. A writer finishes a cell before it takes the next one, so it never holds more than one cell
 * that others would have to wait for. The reader puts the records of each writer together.
 *
 * A cell's stamp is lap | thread id | state. Position p of the endless sequence is cell p % cells in lap
 * p / cells. The writers' side, at position head:
 *
 *	FREE of this lap          CAS to CLAIMED: the cell is this writer's; then it moves head on
 *	anything of this lap      another was faster: help it move head on, look again
 *	PASSED, LATE, VOID, older no place in this lap: move head on
 *	else, older               the ring is full: wait, or drop
 *
 * A claim names its writer in the same instant, so it is always known which thread has taken a cell. A writer that is
 * killed, or stopped, between CLAIMED and READY holds up nobody: after a moment the reader goes past the cell (PASSED)
 * and keeps it in mind. A writer that goes on after all makes the cell LATE, and the reader takes the cell before any
 * later one of this writer. If the writer is dead, the reader says that a record is lost (VOID).
 *
 *	writer                          reader, at position tail < head
 *	FREE -> CLAIMED                 READY -> FREE of the next lap, after reading
 *	CLAIMED -> READY                CLAIMED -> PASSED, when nothing came of it for a while
 *	PASSED -> LATE                  LATE -> VOID, after reading;  PASSED -> VOID, its writer being dead
 *	                                VOID, LATE of an older lap -> FREE of the next lap
 *
 * Only the reader makes a cell FREE, and only at the reader's own position, so head is past the cell in this lap. Head
 * may also be about to go past the cell in the next lap, because a writer saw the cell before it was free: then the
 * reader comes to a cell that is FREE in the reader's lap. It moves that cell to the next lap, unless a late writer
 * claims the cell first. No stamp ever comes again, so a writer that looked at an old one cannot mistake the lap.
 */
#ifndef K23_RING_H
#define K23_RING_H

#include <k23/channel.h>
#include <k23/types.h>

#define K23_RING_MAGIC 0x676e69723332336bul /* "k323ring" */

enum k23_ring_state {
	K23_RING_FREE,
	K23_RING_CLAIMED,
	K23_RING_READY,
	K23_RING_PASSED,
	K23_RING_LATE,
	K23_RING_VOID,
};

#define K23_RING_STATE_BITS 3
#define K23_RING_TID_BITS 22 /* the kernel's PID_MAX_LIMIT */

static inline uint64_t k23_ring_stamp(uint64_t lap, uint32_t tid, enum k23_ring_state state)
{
	return lap << (K23_RING_STATE_BITS + K23_RING_TID_BITS) |
	       (uint64_t)(tid & ((1u << K23_RING_TID_BITS) - 1)) << K23_RING_STATE_BITS | state;
}

static inline uint64_t k23_ring_stamp_lap(uint64_t stamp)
{
	return stamp >> (K23_RING_STATE_BITS + K23_RING_TID_BITS);
}

static inline uint32_t k23_ring_stamp_tid(uint64_t stamp)
{
	return (uint32_t)(stamp >> K23_RING_STATE_BITS) & ((1u << K23_RING_TID_BITS) - 1);
}

static inline enum k23_ring_state k23_ring_stamp_state(uint64_t stamp)
{
	return (enum k23_ring_state)(stamp & ((1u << K23_RING_STATE_BITS) - 1));
}

#define K23_RING_CELL_DATA 104

struct k23_ring_cell {
	uint64_t stamp;
	uint32_t writer; /* a number that each writing thread has for its own: process and thread ids may repeat */
	uint32_t pid;    /* this id and the next as the program sees them */
	uint32_t tid;
	uint16_t size; /* of data */
	uint8_t first; /* a record begins with this cell */
	uint8_t last;  /* a record is complete with this cell */
	unsigned char data[K23_RING_CELL_DATA];
};

/* What a writer does when the ring is full. */
enum k23_ring_full { K23_RING_BLOCK, K23_RING_DROP };

struct k23_ring {
	struct k23_channel channel;
	uint32_t cells; /* a power of two */
	uint32_t full;  /* enum k23_ring_full */
	uint32_t string_size; /* how much of strings and buffers is recorded; paths are recorded whole */
	uint32_t others[K23_CHANNEL_ARCHES]; /* whether numbers from K23_NUMBERS on are recorded */
	uint32_t reserved[3];
	uint64_t wanted[K23_CHANNEL_ARCHES][K23_NUMBERS / 64]; /* a bit per number */

	/* head, dropped, tail and cells are each in cache lines of their own. */
	uint64_t head __attribute__((aligned(64)));    /* the next position to be written, about */
	uint64_t dropped __attribute__((aligned(64))); /* calls of which something could not be recorded */
	uint32_t writers;
	uint64_t tail __attribute__((aligned(64))); /* the next position to be read, about */
	uint32_t space; /* a futex: the reader changes it when it has freed cells and a writer is waiting */
	uint32_t waiting;
	struct k23_ring_cell cell[] __attribute__((aligned(128)));
};

/* The types of records. Behind a record's struct come items. */
enum k23_ring_type {
	K23_RING_IMAGE = 1, /* a program starts: struct k23_ring_image */
	K23_RING_ENTRY,     /* a call is about to be made */
	K23_RING_EXIT,      /* the writer's last call returned */
};

struct k23_ring_image {
	uint32_t type;
	uint32_t reserved;
	uint64_t time; /* of the time stamp counter */
};

struct k23_ring_entry {
	uint32_t type;
	uint32_t arch; /* K23_ARCH_* */
	uint64_t time;
	int64_t nr;
	uint64_t args[6];
};

struct k23_ring_exit {
	uint32_t type;
	uint32_t reserved;
	uint64_t start; /* when the call was made, and when it returned: the time to record it is not in between */
	uint64_t end;
	int64_t result;
};

/* What an item has: bytes that an argument points to. Items of the same argument follow one another. */
enum k23_ring_item_flags {
	K23_RING_MORE = 1,  /* the next item goes on with this one */
	K23_RING_CUT = 2,   /* there was more in the program's memory */
	K23_RING_FAULT = 4, /* the rest could not be read */
	K23_RING_ETC = 8,   /* stands for further strings of an array */
};

struct k23_ring_item {
	uint8_t arg;
	uint8_t flags;
	uint16_t size;
};

_Static_assert(sizeof(struct k23_ring_cell) == 128, "the ring is shared by separate builds");
_Static_assert(sizeof(struct k23_ring_entry) == 72 && sizeof(struct k23_ring_exit) == 32, "likewise");
_Static_assert(offsetof(struct k23_ring, cell) % 128 == 0, "cells share no cache line");

#endif
