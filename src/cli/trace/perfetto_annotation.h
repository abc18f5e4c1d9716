/*
 * Typed values as what Perfetto shows beside an event.
 */
#ifndef CLI_TRACE_PERFETTO_ANNOTATION_H
#define CLI_TRACE_PERFETTO_ANNOTATION_H

#include <json-c/json.h>
#include <obstack.h>

#include "perfetto.pb-c.h" /* generated */

/* Makes an annotation, in memory of the obstack. A number that has a name, a text or a path is that, flags are their
 * names with | between, and strings and arrays that are cut end with "...". The value has to stay until it is used. */
Perfetto__DebugAnnotation *perfetto_annotation(struct obstack *memory, const char *name, struct json_object *value);

#endif
