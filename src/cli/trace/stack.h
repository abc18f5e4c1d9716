/*
 * Where a call was made: libdw unwinds the registers and the copy of the stack that the hook has recorded with it, by
 * what the program's files say of their frames. So code without frame pointers is no problem, and the process need not
 * exist any more.
 */
#ifndef CLI_TRACE_STACK_H
#define CLI_TRACE_STACK_H

#include <stddef.h>
#include <stdint.h>

#include "cli/render.h"

/* How much of a stack is recorded. What is further up is not shown. */
#define STACK_SIZE (64u << 10)

struct stack_frame {
	uint64_t address;     /* where the function goes on; in the innermost one behind the call's instruction */
	const char *object;   /* the file with the code; NULL: none is known, and there are no more frames */
	uint64_t offset;      /* of the address in the file */
	const char *symbol;   /* of the function; NULL: there is none */
	size_t symbol_size;   /* without a version behind it */
	uint64_t from_symbol; /* bytes to the address */
};

#define STACK_FRAMES 256

struct stack {
	struct stack_frame frames[STACK_FRAMES]; /* the innermost first */
	size_t count;
};

/* A process's code. */
struct stack_space;

/* Sets where code is, from the items of a struct k23_ring_texts; *space is NULL at first. */
void stack_space_set(struct stack_space **space, const struct items *texts);
void stack_space_free(struct stack_space *space);

/* Fills in the frames of a call that was recorded with its stack; none if `space` is NULL. Their texts stay until the
 * space is set again, or freed. */
void stack_walk(struct stack_space *space, const struct call *call, struct stack *stack);

#endif
