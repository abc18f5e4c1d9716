/*
 * The program can write anything into the ring, which is its memory, too. So whatever the ring holds, each function
 * here ends, and touches nothing outside of the ring.
 */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/ring_reader.h"

#define PASS_AFTER 2000000ull    /* ns. A writer that runs needs a hundred or so */
#define CHECK_EVERY 100000000ull /* ns */
#define BATCH 256		 /* cells after which the writers are told */

static uint64_t nanoseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

size_t ring_size(uint32_t cells)
{
	return sizeof(struct k23_ring) + cells * sizeof(struct k23_ring_cell);
}

void ring_reader_init(struct ring_reader *reader, struct k23_ring *ring, uint32_t cells,
		      struct ring_consumer consumer)
{
	memset(reader, 0, sizeof(*reader));
	reader->ring = ring;
	reader->consumer = consumer;
	reader->mask = cells - 1;
	reader->shift = (uint32_t)__builtin_ctz(cells);
	ring->cells = cells;
}

bool ring_writer_lives(const struct k23_ring *ring, uint32_t tid)
{
	if (__atomic_load_n(&ring->channel.foreign_pids, __ATOMIC_SEQ_CST))
		return true;
	return kill((pid_t)tid, 0) == 0 || errno != ESRCH;
}

static struct k23_ring_cell *cell_at(const struct ring_reader *reader, uint64_t position)
{
	return &reader->ring->cell[position & reader->mask];
}

static bool change_stamp(struct k23_ring_cell *cell, uint64_t from, uint64_t to)
{
	return __atomic_compare_exchange_n(&cell->stamp, &from, to, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

static void consume_cell(const struct ring_reader *reader, const struct k23_ring_cell *cell)
{
	const size_t stamp = sizeof(cell->stamp);
	struct k23_ring_cell copy = { 0 };

	/* What is checked must not change any more, so it is a copy; the stamp, at which writers still look, is left
	 * out. */
	memcpy((char *)&copy + stamp, (const char *)cell + stamp, sizeof(copy) - stamp);
	if (copy.size > K23_RING_CELL_DATA)
		copy.size = K23_RING_CELL_DATA;
	reader->consumer.cell(reader->consumer.context, &copy);
}

static void tell_writers(const struct ring_reader *reader)
{
	struct k23_ring *ring = reader->ring;

	__atomic_store_n(&ring->tail, reader->tail, __ATOMIC_SEQ_CST);
	if (!__atomic_exchange_n(&ring->waiting, 0, __ATOMIC_SEQ_CST))
		return;
	__atomic_add_fetch(&ring->space, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &ring->space, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* Settles a passed cell if that can be done: reads it, or gives it up. check: whether its writer lives is asked,
 * too. */
static bool settle_cell(const struct ring_reader *reader, uint64_t position, bool check)
{
	struct k23_ring_cell *cell = cell_at(reader, position);
	uint64_t stamp = __atomic_load_n(&cell->stamp, __ATOMIC_ACQUIRE);
	uint64_t lap = position >> reader->shift;
	uint32_t tid = k23_ring_stamp_tid(stamp);

	if (k23_ring_stamp_lap(stamp) != lap)
		return true; /* the ring is damaged */
	if (k23_ring_stamp_state(stamp) == K23_RING_PASSED) {
		if (!check || ring_writer_lives(reader->ring, tid) ||
		    !change_stamp(cell, stamp, k23_ring_stamp(lap, tid, K23_RING_VOID)))
			return false;
		reader->consumer.lost(reader->consumer.context, tid);
		return true;
	}
	if (k23_ring_stamp_state(stamp) == K23_RING_LATE)
		consume_cell(reader, cell);
	change_stamp(cell, stamp, k23_ring_stamp(lap, tid, K23_RING_VOID));
	return true;
}

static void settle_passed(struct ring_reader *reader, bool check)
{
	size_t kept = 0;

	for (size_t i = 0; i < reader->passed_count; i++)
		if (!settle_cell(reader, reader->passed[i], check))
			reader->passed[kept++] = reader->passed[i];
	reader->passed_count = kept;
}

static void remember_passed(struct ring_reader *reader)
{
	if (reader->passed_count == reader->passed_room) {
		reader->passed_room = reader->passed_room ? 2 * reader->passed_room : 16;
		reader->passed = reallocarray(reader->passed, reader->passed_room, sizeof(*reader->passed));
		if (!reader->passed)
			die(EXIT_K23, "out of memory");
	}
	reader->passed[reader->passed_count++] = reader->tail;
}

/* Passes the cell at tail, which is being written. False: it is to be waited for. */
static bool pass_cell(struct ring_reader *reader, struct k23_ring_cell *cell, uint64_t stamp)
{
	uint64_t now = nanoseconds();

	if (!reader->stuck_since)
		reader->stuck_since = now;
	if (now - reader->stuck_since < PASS_AFTER ||
	    !change_stamp(cell, stamp,
			  k23_ring_stamp(k23_ring_stamp_lap(stamp), k23_ring_stamp_tid(stamp), K23_RING_PASSED)))
		return false;
	remember_passed(reader);
	return true;
}

/* Takes the cell at tail. False: it is to be waited for. */
static bool take_cell(struct ring_reader *reader)
{
	struct k23_ring_cell *cell = cell_at(reader, reader->tail);
	uint64_t stamp = __atomic_load_n(&cell->stamp, __ATOMIC_ACQUIRE);
	uint64_t lap = reader->tail >> reader->shift;
	uint64_t next = k23_ring_stamp(lap + 1, 0, K23_RING_FREE);

	if (k23_ring_stamp_lap(stamp) == lap && k23_ring_stamp_state(stamp) == K23_RING_CLAIMED)
		return pass_cell(reader, cell, stamp);
	/* The cell's writer may have been late with an earlier cell, which comes first. */
	if (reader->passed_count)
		settle_passed(reader, false);
	if (k23_ring_stamp_lap(stamp) == lap && k23_ring_stamp_state(stamp) == K23_RING_READY) {
		consume_cell(reader, cell);
		__atomic_store_n(&cell->stamp, next, __ATOMIC_RELEASE);
		return true;
	}
	/* A cell that was passed in an earlier lap is left out in this one. It is used again when it is settled. */
	stamp = __atomic_load_n(&cell->stamp, __ATOMIC_ACQUIRE);
	if (k23_ring_stamp_lap(stamp) < lap && k23_ring_stamp_state(stamp) == K23_RING_VOID)
		__atomic_store_n(&cell->stamp, next, __ATOMIC_RELEASE);
	/* A cell was freed while a writer moved head on because it had seen the cell taken. Another writer, which
	 * looked earlier, may still claim the cell. */
	else if (k23_ring_stamp_lap(stamp) <= lap && k23_ring_stamp_state(stamp) == K23_RING_FREE)
		return change_stamp(cell, stamp, next);
	return true;
}

bool ring_reader_drain(struct ring_reader *reader)
{
	uint64_t head = __atomic_load_n(&reader->ring->head, __ATOMIC_ACQUIRE), now;
	uint32_t done = 0;

	for (; reader->tail != head && done <= reader->mask; done++) {
		if (!take_cell(reader))
			break;
		reader->stuck_since = 0;
		reader->tail++;
		if (done % BATCH == BATCH - 1)
			tell_writers(reader);
	}
	tell_writers(reader);
	now = reader->passed_count ? nanoseconds() : 0;
	if (reader->passed_count) {
		settle_passed(reader, now - reader->checked > CHECK_EVERY);
		if (now - reader->checked > CHECK_EVERY)
			reader->checked = now;
	}
	return reader->tail == head;
}

void ring_reader_finish(struct ring_reader *reader)
{
	uint64_t head = __atomic_load_n(&reader->ring->head, __ATOMIC_ACQUIRE);

	/* A killed writer may have claimed a cell and not have moved head on. */
	for (uint64_t end = head + reader->mask + 1; head != end; head++) {
		uint64_t stamp = __atomic_load_n(&cell_at(reader, head)->stamp, __ATOMIC_ACQUIRE);

		if (k23_ring_stamp_lap(stamp) != head >> reader->shift || k23_ring_stamp_state(stamp) == K23_RING_FREE)
			break;
	}
	for (uint32_t done = 0; reader->tail != head && done <= 2 * reader->mask; done++) {
		reader->stuck_since = 1;
		if (take_cell(reader))
			reader->tail++;
	}
	settle_passed(reader, false);
	for (size_t i = 0; i < reader->passed_count; i++)
		reader->consumer.lost(reader->consumer.context,
				      k23_ring_stamp_tid(cell_at(reader, reader->passed[i])->stamp));
	free(reader->passed);
	reader->passed = NULL;
	reader->passed_count = 0;
}
