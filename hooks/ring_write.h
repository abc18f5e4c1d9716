/*
 * Writing records to the ring of `k23 trace`: the writers' side of k23/ring.h.
 */
#ifndef HOOKS_RING_WRITE_H
#define HOOKS_RING_WRITE_H

#include <linux/futex.h>
#include <time.h>

#include <k23/hook.h>
#include <k23/ring.h>

#include "record.h"

struct ring_record {
	struct record record;
	struct k23_ring *ring;
	struct k23_ring_cell *cell, *last; /* that is being written, and the last one that was */
	uint64_t claim; /* the stamp with which the cell was claimed */
	uint32_t writer;
	uint32_t mask, shift; /* make a position's cell, and its lap */
	int waits; /* is not to be dropped, whatever the user has asked for */
};

static void ring_wake_reader(struct k23_ring *ring)
{
	__atomic_add_fetch(&ring->channel.doorbell, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&ring->channel.sleeping, __ATOMIC_SEQ_CST))
		k23_syscall(SYS_futex, (unsigned long)&ring->channel.doorbell, FUTEX_WAKE, 1, 0, 0, 0);
}

/* Waits until the reader has freed the cell, which had this stamp. False: there is no reader any more. */
static int ring_wait(struct k23_ring *ring, const struct k23_ring_cell *cell, uint64_t stamp)
{
	/* After this time, at the latest, a writer notices that the reader has died. */
	static const struct timespec patience = { 0, 100000000 };

	for (;;) {
		uint32_t space = __atomic_load_n(&ring->space, __ATOMIC_SEQ_CST);

		__atomic_store_n(&ring->waiting, 1, __ATOMIC_SEQ_CST);
		if (__atomic_load_n(&cell->stamp, __ATOMIC_SEQ_CST) != stamp)
			return 1;
		if (!(__atomic_load_n(&ring->channel.reader, __ATOMIC_RELAXED) & K23_CHANNEL_READER_MASK))
			return 0;
		ring_wake_reader(ring);
		k23_syscall(SYS_futex, (unsigned long)&ring->space, FUTEX_WAIT, space, (unsigned long)&patience, 0,
			    0);
	}
}

/* Claims a cell, which becomes record->cell. False when the ring is full and stays full. */
static int ring_claim(struct ring_record *record)
{
	struct k23_ring *ring = record->ring;
	uint64_t position = __atomic_load_n(&ring->head, __ATOMIC_RELAXED);
	uint32_t skipped = 0;

	for (;;) {
		struct k23_ring_cell *cell = &ring->cell[position & record->mask];
		uint64_t lap = position >> record->shift;
		uint64_t stamp = __atomic_load_n(&cell->stamp, __ATOMIC_ACQUIRE);
		int older = k23_ring_stamp_lap(stamp) < lap;

		if (k23_ring_stamp_lap(stamp) == lap && k23_ring_stamp_state(stamp) == K23_RING_FREE) {
			record->claim = k23_ring_stamp(lap, (uint32_t)k23_tid(), K23_RING_CLAIMED);
			if (!__atomic_compare_exchange_n(&cell->stamp, &stamp, record->claim, 0, __ATOMIC_ACQUIRE,
							 __ATOMIC_RELAXED))
				continue;
			record->cell = cell;
			__atomic_compare_exchange_n(&ring->head, &position, position + 1, 0, __ATOMIC_RELEASE,
						    __ATOMIC_RELAXED);
			return 1;
		}
		if (older && (k23_ring_stamp_state(stamp) < K23_RING_PASSED || skipped > record->mask)) {
			if ((ring->full == K23_RING_DROP && !record->waits) || !ring_wait(ring, cell, stamp))
				return 0;
			position = __atomic_load_n(&ring->head, __ATOMIC_RELAXED);
			continue;
		}
		skipped += (uint32_t)older;
		if (__atomic_compare_exchange_n(&ring->head, &position, position + 1, 0, __ATOMIC_RELEASE,
						__ATOMIC_RELAXED))
			position++;
	}
}

static void ring_publish(struct ring_record *record, int last)
{
	uint64_t lap = k23_ring_stamp_lap(record->claim), stamp = record->claim;
	uint32_t tid = k23_ring_stamp_tid(record->claim);

	record->cell->size = (uint16_t)(record->record.at - record->cell->data);
	record->cell->last = (uint8_t)last;
	if (!__atomic_compare_exchange_n(&record->cell->stamp, &stamp, k23_ring_stamp(lap, tid, K23_RING_READY), 0,
					 __ATOMIC_RELEASE, __ATOMIC_ACQUIRE)) {
		/* This thread was stopped for so long that the reader has passed the cell. */
		stamp = k23_ring_stamp(lap, tid, K23_RING_PASSED);
		__atomic_compare_exchange_n(&record->cell->stamp, &stamp, k23_ring_stamp(lap, tid, K23_RING_LATE), 0,
					    __ATOMIC_RELEASE, __ATOMIC_RELAXED);
	}
	record->last = record->cell;
	record->cell = NULL;
}

static void ring_next_cell(struct ring_record *record, int first)
{
	if (!ring_claim(record)) {
		record->record.dropped = 1; /* what was full before stays full */
		return;
	}
	record->cell->writer = record->writer;
	record->cell->pid = (uint32_t)k23_pid();
	record->cell->tid = (uint32_t)k23_tid();
	record->cell->first = (uint8_t)first;
	record->record.at = record->cell->data;
	record->record.end = record->cell->data + K23_RING_CELL_DATA;
}

static void ring_more(struct record *begun)
{
	struct ring_record *record = (struct ring_record *)begun;

	ring_publish(record, 0);
	ring_next_cell(record, 0);
}

static void ring_record_begin(struct ring_record *record, struct k23_ring *ring, uint32_t writer, int waits)
{
	*record = (struct ring_record){
		.record.more = ring_more,
		.ring = ring,
		.writer = writer,
		.waits = waits,
		.mask = ring->cells - 1,
		.shift = (uint32_t)__builtin_ctz(ring->cells),
	};
	ring_next_cell(record, 1);
}

/* Whether the whole record is in the ring. If any part of it is missing, the call counts as lost. */
static int ring_record_end(struct ring_record *record)
{
	struct k23_ring *ring = record->ring;
	uint64_t head = __atomic_load_n(&ring->head, __ATOMIC_RELAXED);

	if (record->record.dropped) {
		__atomic_add_fetch(&ring->dropped, 1, __ATOMIC_RELAXED);
		return 0;
	}
	ring_publish(record, 1);
	/* A sleeping reader looks at the ring now and then. It is woken only when much has come meanwhile. */
	if (__atomic_load_n(&ring->channel.sleeping, __ATOMIC_RELAXED) &&
	    head - __atomic_load_n(&ring->tail, __ATOMIC_RELAXED) > ring->cells / 4)
		ring_wake_reader(ring);
	return 1;
}

/* Waits until the record, which has ended, is read. */
__attribute__((unused)) static void ring_record_wait(const struct ring_record *record)
{
	uint64_t lap = k23_ring_stamp_lap(record->claim);
	uint32_t tid = k23_ring_stamp_tid(record->claim);

	if (record->last)
		ring_wait(record->ring, record->last, k23_ring_stamp(lap, tid, K23_RING_READY));
}

#endif
