/*
 * The operations of an io_uring, as they were recorded with a call of io_uring_enter: those that the call has
 * submitted, and, at its return, what has come of operations. Lines and values are made of them.
 */
#ifndef CLI_RENDER_URING_H
#define CLI_RENDER_URING_H

#include "cli/render/printer.h"

struct operations {
	uint64_t known;	    /* how many of those that were recorded were submitted; all, if it is not known */
	uint64_t unseen;    /* how many more were, or were to be */
	const char *reason; /* why these are not known */
	bool shared; /* another thread submitted at the same time: which of them has submitted which is not known */
};

/* False: the call has nothing to do with such operations. */
bool operations_read(const struct call *call, struct operations *operations);

/* An operation, or what has come of one. */
struct operation {
	struct call call; /* the call as if this were all that was recorded with it */
	enum phase phase;
	const struct type *type;
	uint64_t address; /* where it was in the program's memory */
};

/* The next operation, of PHASE_ENTRY, or completion, from *at on, which is 0 at first. False: there are no more. */
bool operations_next(const struct call *call, enum phase phase, size_t *at, struct operation *operation);

#endif
