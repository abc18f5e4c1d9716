/*
 * What is put in front of a container's program: the words that start it under k23, and the mounts that these need.
 */
#ifndef OCI_FRONT_H
#define OCI_FRONT_H

#include <json-c/json.h>
#include <stdbool.h>

#include "oci/settings.h"

struct front {
	struct json_object *words;  /* from k23 to "--" */
	struct json_object *mounts; /* as in an OCI configuration */
	unsigned own_hooks; /* how many of these are hooks of the administrator's */
};

/* From the annotations of a container, with k23 at `place` in it. False if they say that k23 is to leave it alone; dies
 * if they ask for what cannot be. */
bool front_make(struct front *front, const struct settings *settings, struct json_object *annotations,
		const char *place);

#endif
