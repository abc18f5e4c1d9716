/*
 * The interpreter: it needs no file, and reads nothing of where it runs.
 */
#ifndef PYTHON_INTERPRETER_H
#define PYTHON_INTERPRETER_H

/* Starts it. Returns NULL, or what went wrong. */
const char *interpreter_start(void);

#endif
