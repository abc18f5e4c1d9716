#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/trace/perfetto_annotation.h"

#define obstack_chunk_alloc malloc
#define obstack_chunk_free free

static char *join(struct obstack *memory, const char *first, const char *second, const char *third)
{
	obstack_grow(memory, first, strlen(first));
	obstack_grow(memory, second, strlen(second));
	obstack_grow0(memory, third, strlen(third));
	return obstack_finish(memory);
}

static const char *member_text(struct json_object *value, const char *name)
{
	struct json_object *member;

	return json_object_object_get_ex(value, name, &member) ? json_object_get_string(member) : NULL;
}

/* A string, which ends at NUL for Perfetto: one that has a NUL is shown with the escapes of JSON. */
static char *text_of(struct obstack *memory, struct json_object *string)
{
	const char *text = json_object_get_string(string);
	size_t size;

	if (strlen(text) == (size_t)json_object_get_string_len(string))
		return obstack_copy0(memory, text, strlen(text));
	text = json_object_to_json_string_length(string, JSON_C_TO_STRING_NOSLASHESCAPE, &size);
	return obstack_copy0(memory, text + 1, size - 2);
}

static char *flags_text(struct obstack *memory, struct json_object *value, struct json_object *names)
{
	struct json_object *unknown;

	if (json_object_object_get_ex(value, "unknown", &unknown)) {
		unsigned long long rest = json_object_get_uint64(unknown);

		for (size_t i = 0; i < json_object_array_length(names); i++)
			obstack_printf(memory, "%s|", json_object_get_string(json_object_array_get_idx(names, i)));
		obstack_printf(memory, "%#llx", rest);
	} else if (!json_object_array_length(names)) {
		obstack_grow(memory, "0", 1);
	} else {
		for (size_t i = 0; i < json_object_array_length(names); i++)
			obstack_printf(memory, "%s%s", i ? "|" : "",
				       json_object_get_string(json_object_array_get_idx(names, i)));
	}
	obstack_1grow(memory, '\0');
	return obstack_finish(memory);
}

/* What a number stands for; NULL: more than one text can say. */
static char *meaning_of(struct obstack *memory, struct json_object *value)
{
	const char *number = member_text(value, "value"), *path = member_text(value, "path");
	const char *name = member_text(value, "name"), *text = member_text(value, "text");
	struct json_object *flags;

	if (!number)
		return NULL;
	if (path)
		return join(memory, name ? name : number, "<", join(memory, path, ">", ""));
	if (name || text)
		return join(memory, name ? name : text, "", "");
	return json_object_object_get_ex(value, "flags", &flags) ? flags_text(memory, value, flags) : NULL;
}

/* The text of an object that is a string; NULL: it is none. */
static char *string_of(struct obstack *memory, struct json_object *value)
{
	struct json_object *string, *bytes, *truncated;
	const char *more = json_object_object_get_ex(value, "truncated", &truncated) ? "..." : "";

	if (json_object_object_get_ex(value, "string", &string))
		return join(memory, text_of(memory, string), more, "");
	if (json_object_object_get_ex(value, "bytes", &bytes))
		return join(memory, "hex:", json_object_get_string(bytes), more);
	return NULL;
}

static void add_elements(struct obstack *memory, Perfetto__DebugAnnotation *annotation, struct json_object *array,
			 bool cut)
{
	size_t count = json_object_array_length(array);

	annotation->array_values = obstack_alloc(memory, (count + 1) * sizeof(*annotation->array_values));
	annotation->n_array_values = count + cut;
	for (size_t i = 0; i < count; i++)
		annotation->array_values[i] =
			perfetto_annotation(memory, NULL, json_object_array_get_idx(array, i));
	if (!cut)
		return;
	annotation->array_values[count] = obstack_alloc(memory, sizeof(*annotation));
	perfetto__debug_annotation__init(annotation->array_values[count]);
	annotation->array_values[count]->string_value = (char *)"...";
}

static void add_members(struct obstack *memory, Perfetto__DebugAnnotation *annotation, struct json_object *value)
{
	size_t count = (size_t)json_object_object_length(value);

	annotation->dict_entries = obstack_alloc(memory, (count + 1) * sizeof(*annotation->dict_entries));
	json_object_object_foreach(value, name, member)
		annotation->dict_entries[annotation->n_dict_entries++] = perfetto_annotation(memory, name, member);
}

static void set_object(struct obstack *memory, Perfetto__DebugAnnotation *annotation, struct json_object *value)
{
	const char *address = member_text(value, "address");
	struct json_object *elements;

	annotation->string_value = meaning_of(memory, value);
	if (!annotation->string_value)
		annotation->string_value = string_of(memory, value);
	if (annotation->string_value)
		return;
	if (address) {
		annotation->has_pointer_value = true;
		annotation->pointer_value = strtoull(address, NULL, 16);
	} else if (json_object_object_get_ex(value, "elements", &elements)) {
		add_elements(memory, annotation, elements, true);
	} else {
		add_members(memory, annotation, value);
	}
}

/* A number is unsigned only if it would not fit otherwise. */
static void set_number(Perfetto__DebugAnnotation *annotation, struct json_object *value)
{
	uint64_t number = json_object_get_uint64(value);

	annotation->has_uint_value = number > INT64_MAX;
	annotation->has_int_value = !annotation->has_uint_value;
	annotation->uint_value = number;
	annotation->int_value = json_object_get_int64(value);
}

Perfetto__DebugAnnotation *perfetto_annotation(struct obstack *memory, const char *name, struct json_object *value)
{
	Perfetto__DebugAnnotation *annotation = obstack_alloc(memory, sizeof(*annotation));

	perfetto__debug_annotation__init(annotation);
	annotation->name = (char *)name;
	switch (json_object_get_type(value)) {
	case json_type_object:
		set_object(memory, annotation, value);
		break;
	case json_type_array:
		add_elements(memory, annotation, value, false);
		break;
	case json_type_string:
		annotation->string_value = text_of(memory, value);
		break;
	case json_type_boolean:
		annotation->has_bool_value = true;
		annotation->bool_value = json_object_get_boolean(value);
		break;
	case json_type_int:
		set_number(annotation, value);
		break;
	default:
		annotation->has_pointer_value = true; /* NULL */
	}
	return annotation;
}
