/*
 * The results of calls that wait for descriptors: how many, which, and how much time was left.
 */
#include <poll.h>

#include "cli/value/make.h"

/* NULL: the call does not say. */
static struct json_object *left_of(struct printer *to, const struct type *type, uint64_t address)
{
	if (!address || !type || !to->followed || !is_readable(to, address, type->size))
		return NULL;
	return value_at(to, type, address, type->size);
}

/* The descriptors that have something, each with what it has. */
static struct json_object *polled_of(struct printer *to, const struct type *type)
{
	uint64_t address = to->call->entry->args[0], count = to->call->entry->args[1];
	size_t limit = to->verbose ? (size_t)count : to->options->string;
	struct json_object *array = json_object_new_array();
	struct pollfd polled;

	for (uint64_t i = 0; i < count; i++, address += sizeof(polled)) {
		if (!memory_read(to->call, to->phase, address, &polled, sizeof(polled)))
			break;
		if (!polled.revents)
			continue;
		if (json_object_array_length(array) == limit)
			return value_array_of(array, true);
		json_object_array_add(array, value_struct(to, type, (struct place){ 0, address }));
	}
	return array;
}

struct json_object *value_poll_result(struct printer *to, const struct type *type, struct place place)
{
	struct json_object *value = json_object_new_int64((int64_t)place.value);

	return to->followed ? value_and(value, "ready", polled_of(to, type->of)) : value;
}

struct json_object *value_ppoll_result(struct printer *to, const struct type *type, struct place place)
{
	struct json_object *left = left_of(to, type_behind(to, 2), to->call->entry->args[2]);
	struct json_object *value = value_poll_result(to, type, place);

	return left ? value_and(value, "left", left) : value;
}

struct json_object *value_select_result(struct printer *to, const struct type *type, struct place place)
{
	static const char *const names[] = { "in", "out", "except" };
	const uint64_t *args = to->call->entry->args;
	struct json_object *value = json_object_new_int64((int64_t)place.value), *left;

	for (unsigned i = 0; i < COUNT(names); i++)
		if (args[i + 1] && (int64_t)place.value > 0)
			value = value_and(value, names[i],
					  value_descriptor_set(to, type, (struct place){ 0, args[i + 1] }));
	left = left_of(to, type->of, args[4]);
	return left ? value_and(value, "left", left) : value;
}

struct json_object *value_recvmmsg_result(struct printer *to, const struct type *type, struct place place)
{
	struct json_object *number = json_object_new_int64((int64_t)place.value);
	struct json_object *left = left_of(to, type->of, to->call->entry->args[4]);

	return left ? value_and(number, "left", left) : number;
}
