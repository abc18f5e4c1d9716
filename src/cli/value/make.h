/*
 * What the functions share that make values of types. Such a function is a value_fn, named in tables/type_model.py.
 *
 * An object with a member `value` is a number of which more is known; one with `address` is memory that is not shown,
 * one with `string` or `bytes` a string, one with `elements` an array of which there is more, and one with `before` is
 * memory that the call has changed. Any other object is a structure, whose members are never named like these: they
 * get an underscore.
 */
#ifndef CLI_VALUE_MAKE_H
#define CLI_VALUE_MAKE_H

#include "cli/render/printer.h"
#include "cli/value.h"

/* The value of what an argument is, or of what is at an address. */
struct json_object *value_at(struct printer *to, const struct type *type, uint64_t address, unsigned size);

/* A number as it is, of its type's sign. */
struct json_object *value_number(const struct type *type, uint64_t number);

/* A number, of which something more is known, too: { "value": NUMBER, ..., KEY: MORE }. */
struct json_object *value_and(struct json_object *number, const char *key, struct json_object *more);

/* A number with its name, if it has one. */
struct json_object *value_named(struct json_object *number, const char *name);

/* A string of any bytes. cut: there are more than these. */
struct json_object *value_bytes(const unsigned char *data, size_t size, bool cut);

/* An array, of which there may be more. */
struct json_object *value_array_of(struct json_object *array, bool cut);

/* Memory that is not shown: only its address is known. */
struct json_object *value_unknown(uint64_t address);

/* What there is to say of a number of entries that are not shown. */
struct json_object *value_count(struct printer *to, uint64_t address);

#endif
