/*
 * Where calls were made.
 */
#include "cli/trace/stack.h"
#include "cli/value.h"

static struct json_object *frame_of(const struct stack_frame *frame)
{
	struct json_object *value = json_object_new_object();

	json_object_object_add(value, "address", value_hex(frame->address));
	if (!frame->object)
		return value;
	json_object_object_add(value, "object", json_object_new_string(frame->object));
	json_object_object_add(value, "offset", json_object_new_uint64(frame->offset));
	if (!frame->symbol)
		return value;
	json_object_object_add(value, "symbol", json_object_new_string_len(frame->symbol, (int)frame->symbol_size));
	json_object_object_add(value, "from_symbol", json_object_new_uint64(frame->from_symbol));
	return value;
}

struct json_object *value_stack(const struct stack *stack)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < stack->count; i++)
		json_object_array_add(array, frame_of(&stack->frames[i]));
	return array;
}
