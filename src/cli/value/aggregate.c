/*
 * Values that consist of others: pointers, structures, arrays, and those whose type depends on something.
 */
#include <stdio.h>
#include <string.h>

#include "cli/value/make.h"

struct json_object *value_at(struct printer *to, const struct type *type, uint64_t address, unsigned size)
{
	type = choose_type(to, type);
	return type->value(to, type, memory_place(to, type, address, size));
}

struct json_object *value_select(struct printer *to, const struct type *type, struct place place)
{
	type = choose_type(to, type);
	return type->value(to, type, place);
}

/* What lines show in a way of its own is a structure. */
struct json_object *value_inner(struct printer *to, const struct type *type, struct place place)
{
	return value_at(to, type->of, place.address, type->of->size);
}

static void add_fields(struct printer *to, const struct type *type, struct json_object *value);

/* Adds a member, whose name must not say that this is no structure (make.h). */
static void add_member(struct json_object *structure, const char *name, struct json_object *member)
{
	static const char *const taken[] = { "value", "address", "string", "bytes", "elements", "before" };
	char other[16];

	for (size_t i = 0; i < COUNT(taken); i++)
		if (strcmp(name, taken[i]) == 0) {
			snprintf(other, sizeof(other), "%s_", name);
			name = other;
			break;
		}
	json_object_object_add(structure, name, member);
}

static struct json_object *value_begin(struct printer *to, uint64_t address, size_t size)
{
	unsigned char bytes[64];

	size = size < sizeof(bytes) ? size : sizeof(bytes);
	return memory_read(to->call, to->phase, address, bytes, size) ? value_bytes(bytes, size, false) :
									value_unknown(address);
}

static void add_field(struct printer *to, const struct field *field, struct json_object *value)
{
	uint64_t address = to->base + field->offset;
	size_t begin = begin_given(to, field);
	const struct type *of = choose_type(to, field->type);

	if (!is_shown(to, field) || of->print == print_nothing)
		return;
	if (field->same) {
		add_fields(to, of, value);
		return;
	}
	count_left(to, field);
	add_member(value, field->name,
		   begin ? value_begin(to, address, begin) : value_at(to, of, address, field->size));
}

static void add_fields(struct printer *to, const struct type *type, struct json_object *value)
{
	const struct field *fields = type->members;

	for (unsigned i = 0; i < type->member_count; i++)
		add_field(to, &fields[i], value);
}

static void add_apart(struct printer *to, const struct field *apart, struct json_object *value)
{
	const struct type *type;
	uint64_t rest;

	if (begin_apart(to, apart, &rest)) {
		type = choose_apart(to, apart);
		if (type->print != print_nothing)
			add_member(value, apart->name,
				   is_there(to, type, to->base + apart->offset) ?
					   value_at(to, type, to->base + apart->offset, part_of(to, type)) :
					   value_unknown(to->base + apart->offset));
	}
	to->rest = rest;
}

/* All fields: those, too, that lines have only with -v. */
struct json_object *value_struct(struct printer *to, const struct type *type, struct place place)
{
	struct json_object *value = json_object_new_object();
	const struct field *apart = apart_of(type);
	uint64_t base = to->base;

	to->base = place.address;
	if (is_cut_off(to, apart))
		add_field(to, type->members, value);
	else
		add_fields(to, type, value);
	add_apart(to, apart, value);
	to->base = base;
	return value;
}

/* Of which there may be less than its fields. */
struct json_object *value_extended(struct printer *to, const struct type *type, struct place place)
{
	struct printer before = *to;
	struct json_object *value = begin_extended(to, type, place.address) ? value_struct(to, type->of, place) :
									       value_unknown(place.address);

	to->extended = before.extended;
	to->end = before.end;
	return value;
}

struct json_object *value_array_of(struct json_object *array, bool cut)
{
	struct json_object *value;

	if (!cut)
		return array;
	value = json_object_new_object();
	json_object_object_add(value, "elements", array);
	json_object_object_add(value, "truncated", json_object_new_boolean(true));
	return value;
}

struct json_object *value_array(struct printer *to, const struct type *type, struct place place)
{
	uint64_t count = count_of(to, type), limit = to->verbose ? count : to->options->string, i;
	struct json_object *array = json_object_new_array();
	const struct type *of = type->of;

	for (i = 0; i < count && i < limit; i++) {
		uint64_t address = place.address + i * of->size;

		if (!is_readable(to, address, of->size))
			break;
		json_object_array_add(array, value_at(to, of, address, of->size));
	}
	return value_array_of(array, i < count);
}

static struct json_object *value_pointed(struct printer *to, const struct type *type, uint64_t address,
					 enum phase phase)
{
	enum phase before = to->phase;
	struct json_object *value;

	to->phase = phase;
	value = is_known(to, type, address) ? value_at(to, type, address, type->size) : value_unknown(address);
	to->phase = before;
	return value;
}

struct json_object *value_pointer(struct printer *to, const struct type *type, struct place place)
{
	struct json_object *value, *before;
	enum phase phase;

	if (!pointer_shows(to, type, place.value, &phase))
		return value_address(to, type, place);
	value = value_pointed(to, type->of, place.value, phase);
	if (!pointer_changes(type, phase) || !call_succeeded(to->call))
		return value;
	before = value;
	value = json_object_new_object();
	json_object_object_add(value, "before", before);
	json_object_object_add(value, "after",
			       value_pointed(to, type->after ? type->after : type->of, place.value, PHASE_EXIT));
	return value;
}
