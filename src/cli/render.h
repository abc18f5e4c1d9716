/*
 * A line for a recorded call.
 */
#ifndef CLI_RENDER_H
#define CLI_RENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <k23/ring.h>

/* What follows a record's struct: items, each a struct k23_ring_item with its data behind it. */
struct items {
	const unsigned char *data;
	size_t size;
};

/* How a call ended. */
enum outcome {
	OUTCOME_RESULT,  /* with a result */
	OUTCOME_NONE,    /* without one: the call does not return, or its thread was killed */
	OUTCOME_UNKNOWN, /* with a result that could not be recorded */
};

struct call {
	const struct k23_ring_entry *entry;
	struct items in;
	struct items out; /* empty unless there is a result */
	enum outcome outcome;
	int64_t result;
};

/* A line that grows. */
struct line {
	char *data;
	size_t size, room;
};

void line_add(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends "NAME(ARGUMENTS) = RESULT". */
void render_call(struct line *line, const struct call *call);

#endif
