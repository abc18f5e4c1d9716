/*
 * How values of calls are shown: the tables that tables/gen_types.py makes of tables/types.def.
 */
#ifndef CLI_RENDER_TYPE_H
#define CLI_RENDER_TYPE_H

#include <stdbool.h>
#include <stdint.h>

struct json_object;
struct printer;
struct type;

/* A value: of an argument, a result or a field. If it is in the program's memory, `address` is where. */
struct place {
	uint64_t value;
	uint64_t address;
};

typedef void print_fn(struct printer *to, const struct type *type, struct place place);
typedef struct json_object *value_fn(struct printer *to, const struct type *type, struct place place);

enum form {
	FORM_SCALAR,	/* a number */
	FORM_CONSTANTS, /* a number that has names */
	FORM_MEMORY,	/* bytes */
	FORM_STRING,	/* a string, or an array of them */
	FORM_STRUCT,
	FORM_SELECT,	/* one of several types */
	FORM_POINTER,
	FORM_ARRAY,
	FORM_RESULT,	/* a number, and what it means */
};

/* When the memory behind a pointer is shown as it was. */
enum direction {
	SAME,	     /* as the structure that has the pointer */
	IN,	     /* before the call */
	OUT,	     /* after the call, if that has succeeded */
	BOTH,	     /* before the call; the result says what became of it */
	CHANGE,	     /* both, one after the other */
	REPLACED,    /* likewise, if what was there before is not 0; otherwise as OUT */
	INTERRUPTED, /* after the call, if a signal has interrupted it */
};

/* A number that others depend on. */
enum term_source {
	TERM_NUMBER,
	TERM_ARGUMENT,
	TERM_AT_ARGUMENT, /* where an argument points to, after the call */
	TERM_BEFORE,	  /* the same, before the call */
	TERM_RESULT,
	TERM_FIELD, /* of the structure that is being shown */
	TERM_FIELD_BEFORE, /* the same, before the call */
	TERM_LEFT,  /* bytes of the result that are not shown yet */
	TERM_FAILED,  /* 1 if the call has failed */
	TERM_VERBOSE, /* 1 if all of structures and arrays is shown */
	TERM_NETLINK, /* the protocol of the netlink socket that the first argument is; -1: it is none */
	TERM_REST,    /* bytes of what is being shown, in a message */
	TERM_FAMILY,  /* what the message begins with that is being shown */
	TERM_TOLD,    /* a number for the string in an attribute before the one that is being shown */
};

struct term {
	uint8_t source, size, is_signed;
	int16_t before, add; /* to what is divided, and then */
	uint16_t value;
	int32_t divide; /* negative: what is multiplied by */
};

struct constant {
	uint64_t value;		 /* or a mask, if there is a part */
	const char *name;
	const struct type *part; /* of the bits under the mask; or NULL */
};

struct condition {
	struct term term;
	uint64_t mask, value;
	bool equal;
	bool more; /* another one comes, which is enough, too */
};

struct field {
	const char *name;
	const struct type *type;
	const struct condition *condition; /* or NULL */
	uint16_t offset, size;
	bool verbose, bare, same, apart, given, part, nonzero; /* as in types.def */
	const struct term *left;  /* how many bytes of the result the field is about; or NULL */
};

struct choice {
	uint64_t value;
	const struct type *type;
};

struct type {
	print_fn *print;
	value_fn *value; /* the same, for programs */
	uint16_t size;
	uint8_t form, direction, term_count;
	bool is_signed;
	const char *unknown;	 /* for what no constant is known; of a result, the word before; of memory, one */
	const struct type *of;	 /* of a pointer, an array, a result; a select's default */
	const struct type *after; /* of a pointer: what is there after the call, if that is another type; or NULL */
	const void *members;	 /* constants, fields or choices */
	uint16_t member_count;
	const struct term *terms; /* how many elements: the least of these; or what chooses */
	uint64_t mask;		  /* of what chooses */
};

/* What the kernel notes as the result of a call that a signal interrupts. */
enum restart {
	RESTART_SYS = 512,
	RESTART_NOINTR,
	RESTART_NOHAND,
	RESTART_BLOCK = 516,
};

struct restarts {
	uint16_t plain, special; /* enum restart; 0: EINTR */
	uint8_t argument;	 /* if this argument is not 0, `special` is noted, if there is one */
};

struct call_types {
	const struct type *arguments[6];
	const struct type *result;
	const struct type *whole; /* the arguments, if they are shown in another order than they have; or NULL */
	struct restarts restarts;
};

/* The types of a call; NULL if there is no such call. */
const struct call_types *type_of_call(uint32_t arch, uint64_t nr);

extern const struct type *const type_siginfo, *const type_netlink_protocol,
	*const type_nlmsgerr_attributes;
extern const struct type *const type_io_uring_sqe, *const type_io_uring_cqe;

#endif
