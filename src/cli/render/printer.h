/*
 * What the printers of values share. A printer is a print_fn, named in tables/types.def. Those who make something else
 * of the same types share it, too (value/).
 */
#ifndef CLI_RENDER_PRINTER_H
#define CLI_RENDER_PRINTER_H

#include <signal.h>
#include <sys/socket.h>

#include "cli/render.h"
#include "cli/render/line.h"
#include "cli/render/memory.h"
#include "cli/render/type.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

struct printer {
	struct line *line;
	const struct call *call;
	const struct render_options *options;
	bool verbose;	  /* all of structures and arrays is shown */
	bool followed;	  /* pointers to other than strings are followed */
	enum phase phase; /* which memory is shown */
	uint64_t base;	  /* of the structure that is being shown */
	uint64_t left;	  /* how many of the bytes that the call has written are not shown yet */
	uint64_t rest;	  /* how many bytes of a message there are of what is being shown */
	uint64_t message; /* where the message is that is being shown, behind its header */
	uint64_t list;	  /* where those begin, one behind the other, of which one is being shown */
	bool answered;	  /* that is a message which another one answers */
	const struct type *extended; /* a structure of which the program says how much there is, or NULL; */
	uint64_t end;		     /* where that ends: what is behind it counts as 0 */
	bool tailed;		     /* what is there behind its fields is shown */
};

/* Begins to show a call, or its memory, in a line. */
struct printer printer_of(struct line *line, const struct call *call, const struct render_options *options);

/* The types of a call, and what else is known of it; NULL: nothing is. */
const struct call_types *types_of(const struct k23_ring_entry *entry, struct k23_syscall_info *info);

/* The type of what an argument of the call leads to; NULL: that is not known. */
const struct type *type_behind(const struct printer *to, unsigned argument);

/* Whether the user wants the call's arguments as numbers alone. */
bool is_raw(const struct call *call, const struct render_options *options);

/* Whether the call takes no arguments, and its result is in the memory that it restores. */
bool is_sigreturn(const struct call_types *types);

/* What the kernel had noted as the result of an interrupted call, before it decided whether to make it again; and what
 * that means, which begins with its name: NULL if it is another result. */
int64_t noted_result(const struct call *call, const struct call_types *types);
const char *restart_text(int64_t result);

/* A value of a type that is no select: an argument, which is 64 bits wide, or what is at an address. */
struct place argument_place(const struct printer *to, const struct type *type, uint64_t value);
struct place memory_place(const struct printer *to, const struct type *type, uint64_t address, unsigned size);

/* Shows a value of a type: an argument, which is 64 bits wide, or what is at an address. */
void print_argument(struct printer *to, const struct type *type, uint64_t value);
void print_at(struct printer *to, const struct type *type, uint64_t address, unsigned size);

/* Whether the call has succeeded, and whether a signal has interrupted it. */
bool call_succeeded(const struct call *call);
bool call_interrupted(const struct call *call);

/* Whether a result is an error, and how that is shown. */
bool is_error(int64_t result);
void print_error(struct printer *to, int64_t result);

/* The type that a select comes to; another type is that type itself. */
const struct type *choose_type(const struct printer *to, const struct type *type);

/* How many elements an array or a memory has. */
uint64_t count_of(const struct printer *to, const struct type *type);

/* A number in the memory that is shown; 0 if it is not known. */
uint64_t read_number(const struct printer *to, uint64_t address, unsigned size, bool is_signed);

/* Whether there is more of an extended structure than its fields that is not 0. */
bool has_more(const struct printer *to, const struct type *type, uint64_t address);

/* Begins an extended structure at an address. False: the memory is not known. */
bool begin_extended(struct printer *to, const struct type *type, uint64_t address);

/* Whether a field is shown, by all that types.def says of it. */
bool is_shown(const struct printer *to, const struct field *field);

/* How many bytes there are of a field that is shown as such if there is only its begin; 0: it is shown as it is. */
size_t begin_given(const struct printer *to, const struct field *field);

/* Whether a condition is true; and how many bytes of the result a field is about, if it says so. */
bool condition_holds(const struct printer *to, const struct condition *condition);
void count_left(struct printer *to, const struct field *field);

/* The field that is shown behind a structure; NULL: there is none. And its type: by the rest, or what is bytes, which
 * is that of a field if nothing chooses another one. */
const struct field *apart_of(const struct type *type);
const struct type *choose_apart(const struct printer *to, const struct field *apart);
const struct type *default_of(const struct field *field);

/* How much of a structure there must be: all, or what is before the first field that need not be there. */
uint64_t needed_of(const struct type *type);

/* How many bytes of a value there are, by the rest, and whether they were recorded. */
unsigned part_of(const struct printer *to, const struct type *type);
bool is_there(const struct printer *to, const struct type *type, uint64_t address);

/* Whether the structure ends within its first fields, by the rest. Only the first one is shown of such a one. */
bool is_cut_off(const struct printer *to, const struct field *apart);

/* Takes from the rest what is before the field, and returns how much that was before. False: there is nothing left. */
bool begin_apart(struct printer *to, const struct field *apart, uint64_t *rest);

/* Whether what a pointer points to is shown both as it was before the call, which is the phase then, and as it is after
 * it. */
bool pointer_changes(const struct type *type, enum phase phase);

/* Whether what a pointer points to is shown, and as it was when. */
bool pointer_shows(const struct printer *to, const struct type *type, uint64_t address, enum phase *phase);

/* Whether memory was recorded: so many bytes, or as much as is needed to show a value. */
bool is_readable(const struct printer *to, uint64_t address, uint64_t size);
bool is_known(const struct printer *to, const struct type *type, uint64_t address);

/* Shows the characters of a string, without quotes. */
void print_characters_of(struct printer *to, const unsigned char *data, size_t size);
void print_path_characters(struct printer *to, const unsigned char *data, size_t size); /* within < and > */
bool descriptor_file(const struct printer *to, int fd, struct piece *file);
bool descriptor_details(const struct printer *to, int fd, struct k23_ring_descriptor *details);

/* Shows bytes as a string in quotes; more: whether there are more than are shown. */
void print_text(struct printer *to, const unsigned char *data, size_t size, bool more);

/* Shows bytes in hexadecimal, as many as of any string. */
void print_hex_text(struct printer *to, const unsigned char *data, size_t size);

/* Begins to say what bytes are that a network has: as these, as what they mean, or both, as the user has chosen. False:
 * what they mean is not to be said. */
bool begin_coded(struct printer *to, const void *data, size_t size);
void end_coded(struct printer *to);

/* Shows a number, or its name, or both, as the user has chosen. */
void print_named(struct printer *to, const char *number, const char *name);

/* Shows a value with constants by name, whatever the user has chosen. */
void print_by_name(struct printer *to, const struct type *type, struct place place);

/* The name of a constant; NULL if it has none. */
const char *constant_name(const struct type *type, uint64_t value);

/* Whether bits of flags that together are a number of a type count as flags without a name. */
bool part_is_nameless(const struct type *part, uint64_t bits);

void print_hexadecimal(struct printer *to, uint64_t value);

/* A siginfo_t as if it were memory that was recorded with a call. */
struct recorded_siginfo {
	struct k23_ring_entry entry;
	struct call call;
	unsigned char memory[sizeof(struct k23_ring_item) + sizeof(siginfo_t)];
};

/* What a process id of the call is in this process's namespace; of a negative one, which stands for a group, that
 * of the group. 0: that is not known. */
uint32_t pid_outside(const struct printer *to, int pid);

/* The name that is to be shown behind an id; NULL: none. */
const char *pid_comm(const struct printer *to, int pid);

/* Fills in *recorded, and returns where the siginfo_t is in that memory. namespace: as in struct call. */
struct place siginfo_place(struct recorded_siginfo *recorded, const siginfo_t *info, uint64_t namespace);

/* The control messages of a socket's message, the last of which may say that it is longer than they all are. */
struct control_messages {
	const struct type *of;
	uint64_t address; /* of the next one */
	uint64_t left;	  /* how many bytes there are from there on */
};

/* Begins an address: its fields, which are those of sa_other if there is not enough of it. NULL: it is not known. */
const struct type *begin_address(struct printer *to, const struct type *type, struct place place);

/* False: the memory is not known. */
bool control_messages_begin(struct printer *to, const struct type *type, struct place place,
			    struct control_messages *messages);
/* Goes on to the next one, to which to->rest is then set: the size of its data. False: there is none. */
bool control_messages_next(struct printer *to, struct control_messages *messages, uint64_t *address);

/* Messages of netlink, or their attributes: each begins with its length, and the next one at a multiple of 4. */
struct sequence {
	const struct type *of;
	uint64_t address, size, at;
	uint64_t more; /* how many are shown, at most */
};

struct element {
	uint64_t address, size;
	bool whole; /* there is what each one begins with */
};

/* False: the memory is not known. */
bool sequence_begin(struct printer *to, const struct type *type, struct place place, struct sequence *sequence);
/* Goes on to the next one, to which to->rest, to->message and to->list are then set. False: there is none, or it is
 * not known, or not shown. */
bool sequence_next(struct printer *to, struct sequence *sequence, struct element *element);

/* A number for the string in the last attribute of a type before the one that is being shown; as of an empty one: there
 * is none. */
uint32_t told_string(const struct printer *to, unsigned attribute);

/* Begins the message in a structure that it answers, up to the end of that. There is no third one in each other: how
 * many there are would be up to the program. */
void begin_answered(struct printer *to, struct place place);

/* Begins a message that was refused, with its error. Returns where that ends, behind which are so many bytes more. */
uint64_t begin_refused(struct printer *to, struct place place, uint64_t *more);

/* All printers, and all functions that make a typed value; generated. */
#include "printers.inc"

#endif
