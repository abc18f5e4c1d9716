/*
 * Recording where calls are made: the registers and a copy of the stack, which the reader unwinds by what the program's
 * files say of their frames; and, whenever that has changed, where these files are.
 */
#ifndef HOOKS_STACK_H
#define HOOKS_STACK_H

#include <k23/hook.h>
#include <k23/ring.h>

#include "record.h"

#define STACK_CHUNK 2048u
#define STACK_RED_ZONE 128u /* below the stack pointer, where functions that call no others keep things, too */

static void stack_put_item(struct record *record, unsigned long address, unsigned flags, const void *data, size_t size)
{
	struct k23_ring_item item = { address, (uint16_t)size, (uint8_t)flags, 0 };

	record_put(record, &item, sizeof(item));
	record_put(record, data, size);
}

/* Records a call's registers and stack, behind what else is recorded of the call. */
static void stack_put(struct record *record, uint32_t limit)
{
	struct k23_registers registers;
	char bytes[STACK_CHUNK];
	unsigned long at, end;

	k23_registers(&registers);
	if (!registers.rsp) /* the first call, which k23 makes itself */
		return;
	stack_put_item(record, registers.rip, K23_RING_REGISTERS, &registers, sizeof(registers));
	end = registers.rsp + limit;
	for (at = registers.rsp - STACK_RED_ZONE; at < end && !record->dropped;) {
		unsigned long size = STACK_CHUNK - at % STACK_CHUNK; /* so that no chunk crosses the stack's end */

		if (k23_copy_from(bytes, at, size) < 0)
			return;
		stack_put_item(record, at, K23_RING_STACK, bytes, size);
		at += size;
	}
}

/* Records where the code of files is. */
static void stack_put_texts(struct record *record)
{
	struct k23_ring_texts texts = { K23_RING_TEXTS, 0, k23_cycles() };
	struct {
		struct k23_text text;
		char path[K23_PATH_MAX];
	} found;
	unsigned long address = 0;
	long size;

	record_put(record, &texts, sizeof(texts));
	for (;;) {
		size = k23_text(address, &found.text, found.path, sizeof(found.path));
		if (size == -ENOENT)
			return;
		if (size > 0)
			stack_put_item(record, found.text.start, 0, &found,
				       sizeof(found.text) + (size_t)size);
		address = found.text.end;
	}
}

#endif
