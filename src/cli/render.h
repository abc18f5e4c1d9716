/*
 * A recorded call as text.
 */
#ifndef CLI_RENDER_H
#define CLI_RENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <k23/ring.h>

/* Bytes of a record after its struct: struct k23_ring_item and data, one after the other. */
struct items {
	const unsigned char *data;
	size_t size;
};

/* How a call ended. */
enum outcome {
	OUTCOME_RESULT,  /* with a result */
	OUTCOME_NONE,    /* not at all: it does not return, or its thread was killed */
	OUTCOME_UNKNOWN, /* with a result that could not be recorded */
};

struct call {
	const struct k23_ring_entry *entry;
	struct items in;
	struct items out; /* empty unless there is a result */
	enum outcome outcome;
	int64_t result;
};

/* Text that grows. */
struct line {
	char *data;
	size_t size, room;
};

void line_add(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends "NAME(ARGUMENTS) = RESULT". */
void render_call(struct line *line, const struct call *call);

#endif
