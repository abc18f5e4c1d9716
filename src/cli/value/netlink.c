/*
 * Messages of netlink, and attributes in them.
 */
#include "cli/value/make.h"

static struct json_object *value_of_element(struct printer *to, const struct sequence *sequence,
					    const struct element *element)
{
	const struct type *data = default_of(apart_of(sequence->of));

	return element->whole ? value_struct(to, sequence->of, (struct place){ 0, element->address }) :
				data->value(to, data, (struct place){ 0, element->address });
}

struct json_object *value_sequence(struct printer *to, const struct type *type, struct place place)
{
	uint64_t rest = to->rest, message = to->message, list = to->list;
	struct json_object *array;
	struct sequence sequence;
	struct element element;

	if (!sequence_begin(to, type, place, &sequence))
		return value_unknown(place.address);
	array = json_object_new_array();
	while (sequence_next(to, &sequence, &element))
		json_object_array_add(array, value_of_element(to, &sequence, &element));
	to->rest = rest;
	to->message = message;
	to->list = list;
	return value_array_of(array, sequence.at < sequence.size);
}

struct json_object *value_netlink_message(struct printer *to, const struct type *type, struct place place)
{
	const struct type *data = default_of(apart_of(type->of));
	struct type message = { .of = type->of };
	struct printer before = *to;
	struct json_object *value;

	begin_answered(to, place);
	value = before.answered ? data->value(to, data, place) : value_sequence(to, &message, place);
	to->rest = before.rest;
	to->answered = before.answered;
	return value;
}

/* An address of a device, as lines show it. */
struct json_object *value_link_address(struct printer *to, const struct type *type, struct place place)
{
	to->line->size = 0;
	print_link_address(to, type, place);
	return json_object_new_string_len(to->line->data, (int)to->line->size);
}

struct json_object *value_message_error(struct printer *to, const struct type *type, struct place place)
{
	uint64_t rest = to->rest, more, reasons = begin_refused(to, place, &more);
	struct json_object *value = value_struct(to, type->of, place);

	to->rest = more;
	if (more)
		json_object_object_add(value, "attributes",
				       value_sequence(to, type_nlmsgerr_attributes, (struct place){ 0, reasons }));
	to->rest = rest;
	return value;
}

struct json_object *value_indexed(struct printer *to, const struct type *type, struct place place)
{
	unsigned size = type->of->size;
	uint64_t count = count_of(to, type) / size;
	struct json_object *array = json_object_new_array();

	for (uint64_t i = 0; i < count; i++) {
		uint64_t number = read_number(to, place.address + i * size, size, type->unknown != NULL);

		json_object_array_add(array, type->unknown ? json_object_new_int64((int64_t)number) :
							     json_object_new_uint64(number));
	}
	return array;
}

struct json_object *value_inner_constant(struct printer *to, const struct type *type, struct place place)
{
	return type->of->value(to, type->of, place);
}

struct json_object *value_ticks(struct printer *to, const struct type *type, struct place place)
{
	return json_object_new_uint64(read_number(to, place.address, (unsigned)count_of(to, type), false));
}
