/*
 * The arguments and the result of a call.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/value/make.h"
#include "core/error_name.h"

static struct json_object *numbers_of(const struct k23_ring_entry *entry, unsigned count)
{
	struct json_object *array = json_object_new_array();

	for (unsigned i = 0; i < count; i++)
		json_object_array_add(array, json_object_new_uint64(entry->args[i]));
	return array;
}

/* How many arguments there are: without those at the end that are not used with these. */
static unsigned used_arguments(const struct printer *to, const struct call_types *types, unsigned count)
{
	while (count && (!types->arguments[count - 1] ||
			 choose_type(to, types->arguments[count - 1])->print == print_nothing))
		count--;
	return count;
}

struct json_object *value_arguments(const struct call *call, const struct render_options *options)
{
	struct k23_syscall_info info = { 0 };
	const struct call_types *types = types_of(call->entry, &info);
	struct line line = { 0 };
	struct printer to = printer_of(&line, call, options);
	struct json_object *array;

	if (!types)
		return numbers_of(call->entry, COUNT(call->entry->args));
	if (is_raw(call, options))
		return numbers_of(call->entry, is_sigreturn(types) ? 0 : info.args);
	array = json_object_new_array();
	for (unsigned i = 0, count = used_arguments(&to, types, info.args); i < count; i++) {
		const struct type *type = choose_type(&to, types->arguments[i]);

		to.phase = PHASE_ENTRY;
		json_object_array_add(array, type->value(&to, type, argument_place(&to, type, call->entry->args[i])));
	}
	free(line.data);
	return array;
}

struct json_object *value_result(const struct call *call, const struct render_options *options)
{
	struct k23_syscall_info info = { 0 };
	const struct call_types *types = types_of(call->entry, &info);
	struct line line = { 0 };
	struct printer to = printer_of(&line, call, options);
	const struct type *type = types ? choose_type(&to, types->result) : NULL;
	struct json_object *value;

	if (!type || is_raw(call, options))
		return json_object_new_int64(call->result);
	to.phase = PHASE_EXIT;
	value = type->value(&to, type, (struct place){ (uint64_t)call->result, 0 });
	free(line.data);
	return value;
}

static struct json_object *error_of(int64_t result)
{
	const char *restart = restart_text(result), *name = core_error_name((long)result);
	struct json_object *error;

	if (!is_error(result))
		return NULL;
	error = json_object_new_object();
	if (restart)
		json_object_object_add(error, "name", json_object_new_string_len(restart, (int)strcspn(restart, " ")));
	else if (name)
		json_object_object_add(error, "name", json_object_new_string(name));
	json_object_object_add(error, "number", json_object_new_int64(-result));
	return error;
}

struct json_object *value_error(const struct call *call)
{
	struct k23_syscall_info info = { 0 };
	const struct call_types *types = types_of(call->entry, &info);

	if (call->outcome != OUTCOME_RESULT)
		return NULL;
	return error_of(types ? noted_result(call, types) : call->result);
}

struct json_object *value_tampering(const struct call *call)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} what[] = { { K23_TAMPERED_RESULT, "result" }, { K23_TAMPERED_ARGS, "args" }, { K23_TAMPERED_TIME, "time" } };
	struct json_object *names;

	if (!call->tampered)
		return NULL;
	names = json_object_new_array();
	for (size_t i = 0; i < COUNT(what); i++)
		if (call->tampered & what[i].bit)
			json_object_array_add(names, json_object_new_string(what[i].name));
	return names;
}

struct json_object *value_siginfo(const siginfo_t *info, uint64_t namespace,
				  const struct render_options *options)
{
	struct recorded_siginfo recorded;
	struct place place = siginfo_place(&recorded, info, namespace);
	struct line line = { 0 };
	struct printer to = printer_of(&line, &recorded.call, options);
	struct json_object *value = type_siginfo->value(&to, type_siginfo, place);

	free(line.data);
	return value;
}
