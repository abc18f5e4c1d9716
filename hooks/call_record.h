/*
 * The two records of a call, that it is made and that it has returned: as a ring has them, and in less room as a
 * recording has them, in front of what was fetched for the call.
 */
#ifndef HOOKS_CALL_RECORD_H
#define HOOKS_CALL_RECORD_H

#include <k23/recording.h>
#include <k23/ring.h>

#include "fetch.h"
#include "record.h"

/* The first two numbers of a record as one: a checksum that comes soon reads them as one. */
static inline void put_head(void *to, uint32_t type, uint32_t other)
{
	typedef uint64_t __attribute__((may_alias)) word;

	*(word *)to = (uint64_t)other << 32 | type;
}

static void put_entry(struct record *record, const struct k23_call *call, uint64_t time)
{
	struct k23_ring_entry *entry = (struct k23_ring_entry *)record_room(record, sizeof(*entry)), parts;
	struct k23_ring_entry *to = entry ? entry : &parts;

	put_head(to, K23_RING_ENTRY, call->arch);
	to->time = time;
	to->nr = call->nr;
	for (int i = 0; i < 6; i++)
		to->args[i] = call->args[i];
	to->ip = call->ip;
	if (!entry)
		record_put(record, &parts, sizeof(parts));
}

/* The same in less room, for a recording: at most so much. Returns its end. */
#define SHORT_ENTRY_MOST (sizeof(struct k23_recording_entry) + 6 * sizeof(uint64_t))

static inline unsigned char *short_entry(unsigned char *at, const struct k23_call *call, uint64_t time)
{
	struct k23_recording_entry *to = (struct k23_recording_entry *)at;
	unsigned count = argument_count(call);
	uint32_t arch = call->arch == K23_ARCH_I386 ? K23_CHANNEL_I386 : K23_CHANNEL_X86_64;

	put_head(to, K23_RECORDING_ENTRY | count << 8 | arch << 16, (uint32_t)call->nr);
	to->time = time;
	to->ip = call->ip;
	for (int i = 0; i < 6; i++) /* all, as it is known then how many there are */
		to->args[i] = call->args[i];
	return (unsigned char *)&to->args[count];
}

static void put_short_entry(struct record *record, const struct k23_call *call, uint64_t time)
{
	unsigned char *room = call->nr == (int32_t)call->nr ? record_room(record, SHORT_ENTRY_MOST) : NULL;

	if (room)
		record->at = short_entry(room, call, time);
	else
		put_entry(record, call, time);
}

static void put_exit(struct record *record, const struct k23_call *call, uint64_t entered, uint64_t start, uint64_t end,
		     long result)
{
	struct k23_ring_exit *exit = (struct k23_ring_exit *)record_room(record, sizeof(*exit)), parts;
	struct k23_ring_exit *to = exit ? exit : &parts;

	put_head(to, K23_RING_EXIT, (uint32_t)entered);
	to->end = end;
	to->start = start;
	to->result = result;
	to->tampered = call->tampered;
	to->reserved = 0;
	if (!exit)
		record_put(record, &parts, sizeof(parts));
}

static inline unsigned char *short_exit(unsigned char *at, const struct k23_call *call, uint64_t entered, uint64_t end,
					long result)
{
	struct k23_recording_exit *to = (struct k23_recording_exit *)at;

	put_head(to, K23_RECORDING_EXIT | call->tampered << 8, (uint32_t)entered);
	to->end = end;
	to->result = result;
	return (unsigned char *)(to + 1);
}

static void put_short_exit(struct record *record, const struct k23_call *call, uint64_t entered, uint64_t end,
			   long result)
{
	unsigned char *room = record_room(record, sizeof(struct k23_recording_exit));

	if (room)
		short_exit(room, call, entered, end, result);
	else
		put_exit(record, call, entered, 0, end, result);
}

#endif
