#include "cli/verdict.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/colour.h"

static const struct {
	const char *name, *text;
} kinds[GAPS] = {
#define GAP(name, key, text) [GAP_##name] = { key, text },
#include "gaps.def"
#undef GAP
};

void verdict_read(struct verdict *verdict, struct collection *collection)
{
	const struct segment *segment = collection->segment;

	verdict->gaps = *segment->gaps;
	verdict_add(verdict, GAP_MISSED, segment_missed(segment));
	verdict_add(verdict, GAP_LEFT, collect_leaves(collection));
}

void verdict_add(struct verdict *verdict, enum gap gap, uint64_t count)
{
	verdict->gaps.counts[gap] += count;
}

void verdict_replace(struct verdict *verdict, enum gap gap, uint64_t count)
{
	verdict->gaps.counts[gap] = count;
	for (uint32_t i = 0; i < GAP_PLACES; i++)
		if (verdict->gaps.places[i].gap == gap + 1)
			verdict->gaps.places[i].complete = 0;
}

bool verdict_is_complete(const struct verdict *verdict)
{
	for (int i = 0; i < GAPS; i++)
		if (verdict->gaps.counts[i])
			return false;
	return true;
}

/* The next program with a gap, from place *at on, or NULL. text: room for its path, as the program may have written
 * anything there. */
static const char *next_path(const struct verdict *verdict, enum gap gap, uint32_t *at, char text[GAP_PLACE_SIZE])
{
	for (; *at < GAP_PLACES; ++*at) {
		const struct gap_place *place = &verdict->gaps.places[*at];

		if (place->gap != gap + 1 || !place->complete)
			continue;
		++*at;
		memcpy(text, place->path, GAP_PLACE_SIZE);
		text[GAP_PLACE_SIZE - 1] = '\0';
		for (char *c = text; *c; c++)
			*c = (unsigned char)*c < ' ' || *c == 0x7f ? '?' : *c;
		return text;
	}
	return NULL;
}

static void print_gap(const struct verdict *verdict, enum gap gap, FILE *output, const char *prefix)
{
	char text[GAP_PLACE_SIZE];
	const char *before = " (", *path;
	uint32_t at = 0;

	fprintf(output, "%s  %-16s %8llu  %s", prefix, kinds[gap].name,
		(unsigned long long)verdict->gaps.counts[gap], kinds[gap].text);
	for (; (path = next_path(verdict, gap, &at, text)); before = ", ")
		fprintf(output, "%s%s", before, path);
	fputs(*before == ',' ? ")\n" : "\n", output);
}

void verdict_print(const struct verdict *verdict, FILE *output, const char *prefix)
{
	if (verdict_is_complete(verdict)) {
		fprintf(output, "%s%scomplete%s: every system call was seen\n", prefix, colour(output, COLOUR_GOOD),
			colour(output, COLOUR_NONE));
		return;
	}
	fprintf(output, "%s%sincomplete%s: system calls may have gone unseen\n", prefix, colour(output, COLOUR_BAD),
		colour(output, COLOUR_NONE));
	for (enum gap gap = 0; gap < GAPS; gap++)
		if (verdict->gaps.counts[gap])
			print_gap(verdict, gap, output, prefix);
}

static struct json_object *json_gap(const struct verdict *verdict, enum gap gap)
{
	struct json_object *object = json_object_new_object(), *programs = json_object_new_array();
	char text[GAP_PLACE_SIZE];
	const char *path;
	uint32_t at = 0;

	json_object_object_add(object, "gap", json_object_new_string(kinds[gap].name));
	json_object_object_add(object, "count", json_object_new_uint64(verdict->gaps.counts[gap]));
	json_object_object_add(object, "what", json_object_new_string(kinds[gap].text));
	while ((path = next_path(verdict, gap, &at, text)))
		json_object_array_add(programs, json_object_new_string(path));
	json_object_object_add(object, "programs", programs);
	return object;
}

void verdict_json(const struct verdict *verdict, struct json_object *object)
{
	struct json_object *gaps = json_object_new_array();

	json_object_object_add(object, "complete", json_object_new_boolean(verdict_is_complete(verdict)));
	for (enum gap gap = 0; gap < GAPS; gap++)
		if (verdict->gaps.counts[gap])
			json_object_array_add(gaps, json_gap(verdict, gap));
	json_object_object_add(object, "gaps", gaps);
}

enum { FAIL_ON_GAP = 0x2000 };

const struct option_row verdict_options[] = {
	{ NULL, 0, NULL, "The verdict", 0, NULL },
	{ "fail-on-gap", 0, "[STATUS]",
	  "end with STATUS (125) if a system call may have gone\nunseen", FAIL_ON_GAP, NULL },
	{ 0 },
};

int verdict_option(const char *command, int option, const char *argument)
{
	unsigned long status = EXIT_K23;
	char *end = "";

	if (option != FAIL_ON_GAP)
		return 0;
	errno = 0;
	if (argument)
		status = strtoul(argument, &end, 10);
	if (errno || *end || (argument && (*argument < '0' || *argument > '9')) || status < 1 || status > 255)
		die_usage(command, "--fail-on-gap takes an exit status from 1 to 255, not %s", argument);
	return (int)status;
}

void verdict_exit(const struct verdict *verdict, int status, const struct collection *collection)
{
	if (status && !verdict_is_complete(verdict))
		exit(status);
	collect_exit(collection);
}
