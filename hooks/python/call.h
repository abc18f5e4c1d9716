/*
 * Calls, as the functions of a policy see them.
 */
#ifndef PYTHON_CALL_H
#define PYTHON_CALL_H

#include <Python.h>

#include <k23/hook.h>

#include <stdbool.h>

extern PyTypeObject call_type; /* k23.Call */

/* Adds the numbers of calls to the module, and makes the types ready. False: with an exception. */
bool call_add(PyObject *module);

/* The call of an object; NULL: with an exception, as it is over. */
struct k23_call *call_of_object(PyObject *self);

/* An int as a register has it: signed, or unsigned. False: with an exception. */
bool call_register(PyObject *value, unsigned long *number);

/* Lets a function of the policy treat a call. Returns whether it has an answer; otherwise the call is to be forwarded,
 * from outside of Python. */
bool call_answer(PyObject *function, struct k23_call *call, long *answer);

#endif
