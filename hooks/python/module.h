/*
 * The module k23 of policies: calls, and what <k23/hook.h> offers.
 */
#ifndef PYTHON_MODULE_H
#define PYTHON_MODULE_H

#include <Python.h>

#include <k23/hook.h>

#include <stdbool.h>

/* For PyImport_AppendInittab(). */
PyObject *module_init(void);

/* What k23.option() looks in. */
void module_use_options(const struct k23_options *options);

/* An option that the policy has not asked for, and those that it has, for a message; NULL: there is none. */
PyObject *module_unknown_option(void);

/* An int as a register has it: signed, or unsigned. False: with an exception. */
bool module_register(PyObject *value, unsigned long *number);

/* Lets a function of the policy treat a call. Returns whether it has an answer; otherwise the call is to be forwarded,
 * from outside of Python. */
bool module_answer(PyObject *function, struct k23_call *call, long *answer);

/* Prints the exception, with its traceback, on standard error. It is gone then. */
void module_print_exception(void);

/* If the exception is one of k23.refuse(): why. It is gone then. Otherwise NULL. */
PyObject *module_refusal(void);

#endif
