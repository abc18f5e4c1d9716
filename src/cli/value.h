/*
 * Recorded calls as typed values, for programs: what k23-trace-json(5) says of arguments and results. They are made by
 * the same tables as lines.
 *
 * Who gets a value owns it (json_object_put). A value of NULL is the value null.
 */
#ifndef CLI_VALUE_H
#define CLI_VALUE_H

#include <json-c/json.h>

#include "cli/render.h"

/* The arguments, in the order of the system call, as an array. */
struct json_object *value_arguments(const struct call *call, const struct render_options *options);

/* The result of a call that has one, and has not failed. */
struct json_object *value_result(const struct call *call, const struct render_options *options);

/* The error of a call that has failed: its name and number; NULL if it has not. */
struct json_object *value_error(const struct call *call);

/* What hooks have done to a call: some of "result", "args" and "time"; NULL if nothing. */
struct json_object *value_tampering(const struct call *call);

/* What a call has submitted to an io_uring, and what has come of such, as an object with the members that the call's
 * event is to have for that: mostly none. */
struct json_object *value_operations(const struct call *call, const struct render_options *options);

/* Where a call was made: its frames, the innermost first. */
struct stack;
struct json_object *value_stack(const struct stack *stack);

/* What comes with a signal. namespace: as in struct call. */
struct json_object *value_siginfo(const siginfo_t *info, uint64_t namespace,
				  const struct render_options *options);

/* A signal: its number and its name. */
struct json_object *value_of_signal(int sig);

/* 0x1f as a string: numbers of this size are not exact everywhere. */
struct json_object *value_hex(uint64_t number);

#endif
