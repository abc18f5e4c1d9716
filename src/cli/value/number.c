/*
 * Numbers, and what they stand for.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "cli/value/make.h"

struct json_object *value_number(const struct type *type, uint64_t number)
{
	return type->is_signed ? json_object_new_int64((int64_t)number) : json_object_new_uint64(number);
}

struct json_object *value_and(struct json_object *number, const char *key, struct json_object *more)
{
	struct json_object *value = number;

	if (!json_object_is_type(number, json_type_object)) {
		value = json_object_new_object();
		json_object_object_add(value, "value", number);
	}
	json_object_object_add(value, key, more);
	return value;
}

struct json_object *value_named(struct json_object *number, const char *name)
{
	return name ? value_and(number, "name", json_object_new_string(name)) : number;
}

struct json_object *value_hex(uint64_t number)
{
	char text[2 + 16 + 1];

	snprintf(text, sizeof(text), "0x%llx", (unsigned long long)number);
	return json_object_new_string(text);
}

struct json_object *value_unknown(uint64_t address)
{
	struct json_object *value = json_object_new_object();

	json_object_object_add(value, "address", value_hex(address));
	return value;
}

struct json_object *value_nothing(struct printer *to, const struct type *type, struct place place)
{
	(void)to;
	(void)type;
	(void)place;
	return NULL;
}

struct json_object *value_signed(struct printer *to, const struct type *type, struct place place)
{
	(void)to;
	(void)type;
	return json_object_new_int64((int64_t)place.value);
}

struct json_object *value_unsigned(struct printer *to, const struct type *type, struct place place)
{
	(void)to;
	(void)type;
	return json_object_new_uint64(place.value);
}

struct json_object *value_address(struct printer *to, const struct type *type, struct place place)
{
	(void)to;
	(void)type;
	return place.value ? value_unknown(place.value) : NULL;
}

/* A user or group: -1 stands for none. */
struct json_object *value_id(struct printer *to, const struct type *type, struct place place)
{
	(void)to;
	(void)type;
	return json_object_new_int64((uint32_t)place.value == UINT32_MAX ? -1 : (int64_t)(uint32_t)place.value);
}

/* Any other number: as lines show it, too, if that is not the number. */
struct json_object *value_text(struct printer *to, const struct type *type, struct place place)
{
	struct json_object *number = value_number(type, place.value), *text;

	to->line->size = 0;
	line_text(to->line, "");
	type->print(to, type, place);
	if (strcmp(to->line->data, json_object_get_string(number)) == 0)
		return number;
	text = json_object_new_string_len(to->line->data, (int)to->line->size);
	return value_and(number, "text", text);
}

struct json_object *value_handler(struct printer *to, const struct type *type, struct place place)
{
	return place.value < 2 ? value_named(json_object_new_int64((int64_t)place.value),
					     place.value ? "SIG_IGN" : "SIG_DFL") :
				 value_address(to, type, place);
}

struct json_object *value_enumerator(struct printer *to, const struct type *type, struct place place)
{
	(void)to;
	return value_named(value_number(type, place.value), constant_name(type, place.value));
}

/* Adds the names of flags. Returns the bits that have none. */
static uint64_t add_names(struct printer *to, const struct type *type, uint64_t value, struct json_object *names);

/* Adds what bits are that together are a number. Returns those that have no name where they are flags, too. */
static uint64_t add_part(struct printer *to, const struct type *part, uint64_t bits, struct json_object *names)
{
	const char *name = part->form == FORM_CONSTANTS ? constant_name(part, bits) : NULL;

	if (name) {
		json_object_array_add(names, json_object_new_string(name));
	} else if (part_is_nameless(part, bits)) {
		return bits;
	} else if (bits && part->print == print_flags) {
		return add_names(to, part, bits, names);
	} else if (bits) {
		to->line->size = 0;
		part->print(to, part, (struct place){ bits, 0 });
		json_object_array_add(names, json_object_new_string(to->line->data));
	}
	return 0;
}

static uint64_t add_names(struct printer *to, const struct type *type, uint64_t value, struct json_object *names)
{
	const struct constant *constants = type->members;
	uint64_t rest = value;

	for (unsigned i = 0; i < type->member_count; i++) {
		const struct constant *constant = &constants[i];
		uint64_t nameless = 0;

		if (constant->part)
			nameless = add_part(to, constant->part, rest & constant->value, names);
		else if (constant->value ? (rest & constant->value) == constant->value : !value)
			json_object_array_add(names, json_object_new_string(constant->name));
		else
			continue;
		rest = (rest & ~constant->value) | nameless;
	}
	return rest;
}

struct json_object *value_flags(struct printer *to, const struct type *type, struct place place)
{
	struct json_object *names = json_object_new_array(), *value;
	uint64_t rest = add_names(to, type, place.value, names);

	value = value_and(json_object_new_uint64(place.value), "flags", names);
	return rest ? value_and(value, "unknown", json_object_new_uint64(rest)) : value;
}

/* A result, or a number that is shown as such, and what it means. */
struct json_object *value_meaning(struct printer *to, const struct type *type, struct place place)
{
	return type->of->value(to, type->of, place);
}

/* A number with its name, or, without one, as lines have it. */
static struct json_object *value_of_name(struct printer *to, const struct type *type, const struct type *names,
					 struct place place)
{
	const char *name = constant_name(names, place.value);

	return name ? value_named(value_number(type, place.value), name) : value_text(to, type, place);
}

struct json_object *value_annotated(struct printer *to, const struct type *type, struct place place)
{
	return value_of_name(to, type, type->of, place);
}

struct json_object *value_ioctl_request(struct printer *to, const struct type *type, struct place place)
{
	const struct field *names = type->of->members;

	return value_of_name(to, type, names[0].type, place);
}

struct json_object *value_key(struct printer *to, const struct type *type, struct place place)
{
	(void)to;
	return value_named(json_object_new_int64((int)place.value), constant_name(type->of, (uint32_t)place.value));
}

/* --- descriptors */

struct json_object *value_descriptor(struct printer *to, const struct type *type, struct place place)
{
	struct json_object *number = json_object_new_int64((int32_t)place.value);
	struct k23_ring_descriptor details;
	struct piece file;
	size_t deleted;

	if (!descriptor_file(to, (int32_t)place.value, &file))
		return number;
	deleted = memory_deleted(&file);
	number = value_and(number, "path", value_bytes(file.data, file.size - deleted, false));
	if (deleted)
		return value_and(number, "deleted", json_object_new_boolean(true));
	if (!descriptor_details(to, (int32_t)place.value, &details))
		return number;
	to->line->size = 0;
	print_descriptor(to, type, place);
	return value_and(number, "text", json_object_new_string_len(to->line->data, (int)to->line->size));
}

struct json_object *value_directory(struct printer *to, const struct type *type, struct place place)
{
	struct json_object *value = value_descriptor(to, type, place);

	return value_named(value, (int32_t)place.value == AT_FDCWD ? "AT_FDCWD" : NULL);
}

/* --- signals and processes */

static struct json_object *name_of_signal(int sig)
{
	struct line name = { 0 };
	struct json_object *value;

	render_signal(&name, sig);
	value = json_object_new_string(name.data);
	free(name.data);
	return value;
}

struct json_object *value_of_signal(int sig)
{
	return value_and(json_object_new_int(sig), "name", name_of_signal(sig));
}

struct json_object *value_signal(struct printer *to, const struct type *type, struct place place)
{
	(void)to;
	(void)type;
	return (int)place.value ? value_of_signal((int)place.value) : json_object_new_int(0);
}

struct json_object *value_wait_code(struct printer *to, const struct type *type, struct place place)
{
	int code = (int)read_number(to, to->base + offsetof(siginfo_t, si_code), sizeof(int), true);

	return code == CLD_EXITED ? json_object_new_int((int)place.value) : value_signal(to, type, place);
}

static struct json_object *value_of_stop(struct json_object *number, const struct type *events, unsigned status)
{
	bool call = WSTOPSIG(status) == (SIGTRAP | 0x80);
	const char *event = constant_name(events, status >> 16);

	number = value_and(number, "stopped", name_of_signal(call ? SIGTRAP : WSTOPSIG(status)));
	if (call)
		number = value_and(number, "call", json_object_new_boolean(true));
	return event ? value_and(number, "event", json_object_new_string(event)) : number;
}

struct json_object *value_wait_status(struct printer *to, const struct type *type, struct place place)
{
	int status = (int)place.value;
	struct json_object *number = json_object_new_int(status);

	(void)to;
	if (WIFEXITED(status))
		return value_and(number, "exited", json_object_new_int(WEXITSTATUS(status)));
	if (WIFCONTINUED(status))
		return value_and(number, "continued", json_object_new_boolean(true));
	if (WIFSTOPPED(status))
		return value_of_stop(number, type->of, (unsigned)status);
	number = value_and(number, "killed", name_of_signal(WTERMSIG(status)));
	return value_and(number, "core", json_object_new_boolean(WCOREDUMP(status)));
}

static struct json_object *with_outside(const struct printer *to, int pid, struct json_object *number)
{
	uint32_t outside = to->options->namespaces && to->call->namespace ? pid_outside(to, pid) : 0;

	return outside ? value_and(number, "outside", json_object_new_int64(outside)) : number;
}

struct json_object *value_pid(struct printer *to, const struct type *type, struct place place)
{
	int pid = (int)place.value;
	const char *comm = pid_comm(to, pid);
	struct json_object *number = json_object_new_int(pid);

	(void)type;
	if (comm)
		number = value_and(number, "comm", value_bytes((const unsigned char *)comm, strlen(comm), false));
	return with_outside(to, pid, number);
}

struct json_object *value_group(struct printer *to, const struct type *type, struct place place)
{
	(void)type;
	return with_outside(to, (int)place.value, json_object_new_int((int)place.value));
}

struct json_object *value_errno(struct printer *to, const struct type *type, struct place place)
{
	(void)to;
	(void)type;
	return value_named(json_object_new_int((int)place.value),
			   place.value ? strerrorname_np((int)place.value) : NULL);
}

/* --- addresses */

struct json_object *value_port(struct printer *to, const struct type *type, struct place place)
{
	(void)to;
	(void)type;
	return json_object_new_int(ntohs((uint16_t)place.value));
}

struct json_object *value_htonl(struct printer *to, const struct type *type, struct place place)
{
	(void)to;
	(void)type;
	return json_object_new_int64(ntohl((uint32_t)place.value));
}

struct json_object *value_in_addr(struct printer *to, const struct type *type, struct place place)
{
	struct in_addr address = { (uint32_t)place.value };
	char text[INET_ADDRSTRLEN];

	(void)to;
	(void)type;
	return json_object_new_string(inet_ntop(AF_INET, &address, text, sizeof(text)));
}

static struct json_object *changed(int before, int after)
{
	struct json_object *value;

	if (before == after)
		return json_object_new_int(before);
	value = json_object_new_object();
	json_object_object_add(value, "before", json_object_new_int(before));
	json_object_object_add(value, "after", json_object_new_int(after));
	return value;
}

/* The room for an address, and the length that it has. */
struct json_object *value_socket_length(struct printer *to, const struct type *type, struct place place)
{
	int after = (int)place.value;

	(void)type;
	if (call_succeeded(to->call))
		memory_read_part(to->call, PHASE_EXIT, place.address, &after, sizeof(after));
	return changed((int)place.value, after);
}

struct json_object *value_name_length(struct printer *to, const struct type *type, struct place place)
{
	int before = (int)place.value;

	(void)type;
	if (to->phase == PHASE_EXIT)
		memory_read_part(to->call, PHASE_ENTRY, place.address, &before, sizeof(before));
	return changed(before, (int)place.value);
}

/* --- numbers that may also be something else */

static struct json_object *two_of(const char *first, struct json_object *one, const char *second,
				  struct json_object *other)
{
	struct json_object *value = json_object_new_object();

	json_object_object_add(value, first, one);
	json_object_object_add(value, second, other);
	return value;
}

struct json_object *value_epoll_data(struct printer *to, const struct type *type, struct place place)
{
	(void)to;
	(void)type;
	return two_of("u32", json_object_new_int64((uint32_t)place.value), "u64",
		      json_object_new_uint64(place.value));
}

struct json_object *value_sigval(struct printer *to, const struct type *type, struct place place)
{
	return two_of("sival_int", json_object_new_int((int)place.value), "sival_ptr",
		      value_address(to, type, place));
}
