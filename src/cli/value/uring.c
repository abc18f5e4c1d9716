/*
 * The operations of an io_uring.
 */
#include "cli/render/uring.h"

#include <stdlib.h>

#include "cli/value/make.h"
#include "core/error_name.h"

static struct json_object *value_of(const struct operation *operation, const struct render_options *options)
{
	struct line line = { 0 };
	struct printer to = printer_of(&line, &operation->call, options);
	struct json_object *value;

	to.phase = operation->phase;
	value = value_at(&to, operation->type, operation->address, operation->type->size);
	free(line.data);
	return value;
}

static void add_operations(struct json_object *members, const struct call *call, const struct operations *operations,
			   const struct render_options *options)
{
	struct json_object *array = json_object_new_array(), *unseen;
	struct operation operation;
	size_t at = 0;

	for (uint64_t i = 0; i < operations->known && operations_next(call, PHASE_ENTRY, &at, &operation); i++)
		json_object_array_add(array, value_of(&operation, options));
	json_object_object_add(members, "operations", array);
	if (operations->shared && operations->known)
		json_object_object_add(members, "operations_shared", json_object_new_boolean(true));
	if (!operations->unseen)
		return;
	unseen = json_object_new_object();
	json_object_object_add(unseen, "count", json_object_new_uint64(operations->unseen));
	json_object_object_add(unseen, "reason", json_object_new_string(operations->reason));
	json_object_object_add(members, "operations_unseen", unseen);
}

struct json_object *value_operations(const struct call *call, const struct render_options *options)
{
	struct json_object *members = json_object_new_object(), *array = json_object_new_array();
	struct operations operations;
	struct operation completion;
	size_t at = 0;

	if (operations_read(call, &operations))
		add_operations(members, call, &operations, options);
	while (operations_next(call, PHASE_EXIT, &at, &completion))
		json_object_array_add(array, value_of(&completion, options));
	if (json_object_array_length(array))
		json_object_object_add(members, "completions", array);
	else
		json_object_put(array);
	return members;
}

struct json_object *value_result_of_operation(struct printer *to, const struct type *type, struct place place)
{
	int64_t result = (int64_t)place.value;

	(void)to;
	(void)type;
	return value_named(json_object_new_int64(result), is_error(result) ? core_error_name((long)result) : NULL);
}
