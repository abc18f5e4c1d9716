#include "cli/report.h"

#include <json-c/json.h>
#include <string.h>
#include <sys/wait.h>

enum report_format report_format(const char *command, const char *name)
{
	if (strcmp(name, "text") != 0 && strcmp(name, "json") != 0)
		die_usage(command, "--format takes text or json, not %s", name);
	return strcmp(name, "json") == 0 ? REPORT_JSON : REPORT_TEXT;
}

static struct json_object *json_program(char **argv)
{
	struct json_object *array = json_object_new_array();

	for (; *argv; argv++)
		json_object_array_add(array, json_object_new_string(*argv));
	return array;
}

struct json_object *report_json(char **argv, const struct collection *collection, double elapsed)
{
	struct json_object *object = json_object_new_object();
	const struct segment *segment = collection->segment;
	int status = collection->status;

	json_object_object_add(object, "version", json_object_new_int(1));
	json_object_object_add(object, "program", json_program(argv));
	json_object_object_add(object, "exit_status",
			       WIFEXITED(status) ? json_object_new_int(WEXITSTATUS(status)) : NULL);
	json_object_object_add(object, "signal",
			       WIFSIGNALED(status) ? json_object_new_int(WTERMSIG(status)) : NULL);
	json_object_object_add(object, "elapsed", json_object_new_double(elapsed));
	json_object_object_add(object, "programs", json_object_new_uint64(segment->channel->started));
	json_object_object_add(object, "missed", json_object_new_uint64(segment_missed(segment) +
									 segment_let_through(segment)));
	return object;
}

void report_write_json(FILE *output, struct json_object *object)
{
	fprintf(output, "%s\n",
		json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
							       JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
}
