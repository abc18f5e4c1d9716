/*
 * A record that is being written, wherever to: ring_write.h and recording_write.h have the places.
 */
#ifndef HOOKS_RECORD_H
#define HOOKS_RECORD_H

#include <k23/hook.h>
#include <k23/ring.h>

struct record {
	unsigned char *at, *end; /* where the next byte goes, and where the room for it ends */
	void (*more)(struct record *record); /* makes room, or makes the record one that is dropped */
	uint64_t spent; /* bytes that were put into it, and what else has a price: who writes it may have a limit */
	int dropped;
};

/* Room for as many bytes, which then belong to the record; NULL: there is none in one piece. What is said to the
 * contrary before the next call may be taken back: record->at. */
static inline unsigned char *record_room(struct record *record, size_t size)
{
	unsigned char *room = record->at;

	if (size > (size_t)(record->end - room))
		return NULL;
	record->at += size;
	record->spent += size;
	return room;
}

static void record_put(struct record *record, const void *data, size_t size)
{
	unsigned char *whole = record_room(record, size);
	const char *bytes = data;

	if (whole) {
		memcpy(whole, bytes, size);
		return;
	}
	record->spent += size;
	while (size && !record->dropped) {
		size_t room = (size_t)(record->end - record->at), part = size < room ? size : room;

		memcpy(record->at, bytes, part);
		record->at += part;
		bytes += part;
		size -= part;
		if (size)
			record->more(record);
	}
}

#endif
