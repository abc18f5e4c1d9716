/*
 * The configuration of a container as the OCI runtime reads it: config.json in the bundle.
 */
#ifndef OCI_BUNDLE_H
#define OCI_BUNDLE_H

#include <json-c/json.h>

#include "oci/settings.h"

/* Makes the container's program start under k23, as the annotations say. `config` names the file if that is not
 * config.json. Doing it again does it anew. Dies where it cannot be done. */
void bundle_prepare(const char *folder, const char *config, const struct settings *settings);

/* The words that start the first process of a container under k23. NULL: there are none. */
struct json_object *bundle_words(const char *folder);

/* Puts the words in front of an array of words. */
void words_put_in_front(struct json_object *args, struct json_object *words);

#endif
