#include "oci/report.h"

#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct oci_log oci_log;

static void write_log(const char *message)
{
	FILE *log = oci_log.path ? fopen(oci_log.path, "ae") : NULL;
	struct json_object *line;
	time_t now = time(NULL);
	char when[32];

	if (!log)
		return;
	if (!oci_log.json) {
		fprintf(log, "%s\n", message);
	} else {
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
		line = json_object_new_object();
		json_object_object_add(line, "msg", json_object_new_string(message));
		json_object_object_add(line, "level", json_object_new_string("error"));
		json_object_object_add(line, "time", json_object_new_string(when));
		fprintf(log, "%s\n", json_object_to_json_string_ext(line, JSON_C_TO_STRING_PLAIN));
		json_object_put(line);
	}
	fclose(log);
}

void die(const char *format, ...)
{
	char message[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	fprintf(stderr, "k23-oci: %s\n", message);
	write_log(message);
	exit(OCI_FAILED);
}

char *text(const char *format, ...)
{
	va_list args;
	char *made;
	int length;

	va_start(args, format);
	length = vasprintf(&made, format, args);
	va_end(args);
	if (length < 0)
		die("out of memory");
	return made;
}
