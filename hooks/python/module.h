/*
 * The module k23 of policies: what <k23/hook.h> offers.
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

#endif
