/*
 * Taking cells out of the ring of k23/ring.h.
 */
#ifndef CLI_RING_READER_H
#define CLI_RING_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <k23/ring.h>

/* What is done with them. */
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
	uint64_t checked;     /* when writers of passed cells were last looked for */
	uint64_t *passed;     /* positions */
	size_t passed_count, passed_room;
};

/* Sets up the ring's own fields: cells is a power of two; the rest of *ring is the caller's. */
void ring_reader_init(struct ring_reader *reader, struct k23_ring *ring, uint32_t cells,
		      struct ring_consumer consumer);

/* The size of a ring with that many cells. */
size_t ring_size(uint32_t cells);

/* Consumes what there is. Returns whether there is nothing left to do but wait for writers: false when it should be
 * called again soon. */
bool ring_reader_drain(struct ring_reader *reader);

/* Consumes the rest, when there is no writer any more. */
void ring_reader_finish(struct ring_reader *reader);

/* Whether a thread that a record names may still live. */
bool ring_writer_lives(const struct k23_ring *ring, uint32_t tid);

#endif
