/*
 * A line for a recorded call.
 */
#ifndef CLI_RENDER_H
#define CLI_RENDER_H

#include <signal.h>
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
	uint32_t tampered; /* by hooks: enum k23_tampering */
	uint64_t namespace; /* of process ids: 0 is this process's, else the number that render_outside takes */
};

/* Which bytes of strings are shown as numbers. */
enum render_hex {
	HEX_NEVER,   /* none: those that cannot be printed are in octal */
	HEX_ESCAPES, /* those that cannot be printed */
	HEX_TEXT,    /* -x: those of each string that has one that cannot be printed */
	HEX_ALL,     /* -xx: all */
};

/* How constants are shown. */
enum render_constants {
	CONSTANTS_ABBREV,  /* by name */
	CONSTANTS_RAW,     /* as a number */
	CONSTANTS_VERBOSE, /* as a number, with the name as a comment */
};

/* What is shown of a descriptor. */
enum render_fds {
	FDS_PATHS = 1,	 /* -y */
	FDS_DEVICES = 2, /* and the numbers of devices */
	FDS_PIDFDS = 4,
	FDS_SOCKETS = 8, /* what they are connected to */
	FDS_ALL = 15,	 /* -yy */
};

/* What the user may choose of how calls are shown. All zero but `string` is strace's default. */
struct render_options {
	size_t string; /* how many bytes of a string, and elements of an array, are shown */
	bool verbose;  /* structures and arrays are shown whole, of the calls of `whole` */
	const struct k23_ring_calls *whole;    /* NULL: of all */
	const struct k23_ring_calls *followed; /* calls of which more is shown than addresses and strings; NULL: all */
	enum render_hex hex;
	enum render_constants constants;
	unsigned fds; /* of enum render_fds */
	bool comms; /* -Y: the names of processes and threads behind their ids */
	bool namespaces; /* and what ids of other PID namespaces are in this one */
	const struct k23_ring_calls *raw; /* calls of which all is shown as numbers; NULL: none */
};

/* Who knows the name of a thread, by its id; NULL: nobody does. To be set where options want names. */
extern const char *(*render_comm)(uint32_t tid);

/* Who knows what the id of another namespace is in this one; 0: it is not known. To be set likewise. */
extern uint32_t (*render_outside)(uint64_t namespace, uint32_t id);

/* Tells the hook what to record for these options. */
void render_request(const struct render_options *options, struct k23_ring_request *request);

/* A line that grows. */
struct line {
	char *data;
	size_t size, room;
};

void line_add(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends a signal's name: "SIGCHLD", "SIGRT_1"; or its number if it has none. */
void render_signal(struct line *line, int sig);

/* Appends what comes with a signal: "{si_signo=SIGCHLD, ...}". namespace: as in struct call. */
void render_siginfo(struct line *line, const siginfo_t *info, uint64_t namespace,
		    const struct render_options *options);

/* Appends the name of a thread in angle brackets. */
void render_name_of_thread(struct line *line, const char *comm);

/* Appends the call's name. */
void render_name(struct line *line, const struct k23_ring_entry *entry);

/* Appends "NAME(ARGUMENTS", with what the kernel has filled. */
void render_arguments(struct line *line, const struct call *call, const struct render_options *options);

/* Appends the begin of what render_arguments() appends: what is known before the call returns. Returns whether that is
 * all. */
bool render_begin(struct line *line, const struct call *call, const struct render_options *options);

/* Appends the result. */
void render_result(struct line *line, const struct call *call, const struct render_options *options);

/* Appends the operations of an io_uring that the call has submitted, or may have, if its end is not known, and what has
 * come of operations until it returned; as lines that each begin with the end of the one before. */
void render_operations(struct line *line, const struct call *call, const struct render_options *options);

/* Appends the data that the call has read or written, as lines that each begin with the end of the one before, if the
 * call's descriptor is among those whose data is dumped. */
void render_dump(struct line *line, const struct call *call, const struct k23_ring_request *request);

#endif
