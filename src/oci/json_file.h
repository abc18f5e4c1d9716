/*
 * Files of JSON. Each function dies with a message that names the file.
 */
#ifndef OCI_JSON_FILE_H
#define OCI_JSON_FILE_H

#include <json-c/json.h>

/* The object that a file is. NULL if there is no such file. */
struct json_object *json_file_read(const char *path);
/* Replaces the file by another with the same mode, in one step. */
void json_file_replace(const char *path, struct json_object *object);
/* The path of a file in memory, which is there until this process and what it executes close it. */
char *json_file_in_memory(struct json_object *object);

/* A member of an object, or NULL: also if the object is NULL, or the member of another type. */
struct json_object *json_member(struct json_object *object, const char *name, enum json_type type);
/* The same of a string. */
const char *json_text(struct json_object *object, const char *name);

#endif
