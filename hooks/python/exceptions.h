/*
 * The exceptions of the module k23.
 */
#ifndef PYTHON_EXCEPTIONS_H
#define PYTHON_EXCEPTIONS_H

#include <Python.h>

#include <stdbool.h>

/* k23.Error, of calls that fail; k23.Unwind, where a function cannot go on; k23.Refused, of k23.refuse(). */
extern PyObject *exceptions_error, *exceptions_unwind, *exceptions_refused;

/* Adds them to the module. False: with an exception. */
bool exceptions_add(PyObject *module);

/* Raises k23.Error of -errno. Returns NULL. */
PyObject *exceptions_raise(long r);

/* Prints the exception, with its traceback, on standard error. It is gone then. */
void exceptions_print(void);

/* If the exception is one of k23.refuse(): why. It is gone then. Otherwise NULL. */
PyObject *exceptions_refusal(void);

#endif
