/*
 * What the administrator says in a file: k23-oci(8), FILES.
 */
#ifndef OCI_SETTINGS_H
#define OCI_SETTINGS_H

#include <json-c/json.h>

struct settings {
	const char *runtime; /* the OCI runtime that does the work: a path */
	const char *k23;     /* the k23 for containers: needs no library */
	const char *hooks;   /* the folder of the hooks that come with k23 */
	const char *own_hooks; /* the folder of the administrator's hooks */
	const char *store;   /* a store for all containers; NULL: none */
	struct json_object *always; /* hooks of every container, before those of annotations; NULL: none */
};

/* From the file, or from the default one if it is NULL. Dies if what it says cannot be. */
void settings_read(struct settings *settings, const char *file);

#endif
