/*
 * Taking cells out of the ring: the reader's side of k23/ring.h.
 */
#ifndef CLI_RING_READER_H
#define CLI_RING_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <k23/ring.h>

/* What is done with cells. */
struct ring_consumer {
	void (*cell)(void *context, const struct k23_ring_cell *cell);
	/* A thread was killed while it wrote a cell. */
	void (*lost)(void *context, uint32_t tid);
	void *context;
};

struct ring_reader {
	struct k23_ring *ring;
	struct ring_consumer consumer;
	uint32_t mask, shift;
	uint64_t tail;
	uint64_t stuck_since; /* nanoseconds: when the cell at tail was first found claimed; 0: it was not */
	uint64_t checked;     /* nanoseconds: when the writers of passed cells were last looked for */
	uint64_t *passed;     /* positions of cells that were passed and are not settled */
	size_t passed_count, passed_room;
};

/* Starts reading a ring of `cells`, a power of two, and notes their number in *ring, whose other fields the caller
 * sets. */
void ring_reader_init(struct ring_reader *reader, struct k23_ring *ring, uint32_t cells,
		      struct ring_consumer consumer);

/* The size in bytes of a ring with this number of cells. */
size_t ring_size(uint32_t cells);

/* Consumes the cells that are ready. True: the next thing to do is to wait for writers. False: call it again soon. */
bool ring_reader_drain(struct ring_reader *reader);

/* Consumes the remaining cells, when there is no writer any more. */
void ring_reader_finish(struct ring_reader *reader);

/* Whether a thread that a record names may still live. */
bool ring_writer_lives(const struct k23_ring *ring, uint32_t tid);

#endif
