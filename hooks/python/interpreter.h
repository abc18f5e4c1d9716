/*
 * The interpreter: it needs no file, and reads nothing of where it runs.
 */
#ifndef PYTHON_INTERPRETER_H
#define PYTHON_INTERPRETER_H

/* Starts it. directory: where a policy's own modules may be. Returns NULL, or what went wrong. */
const char *interpreter_start(const char *directory);

#endif
