#include "exceptions.h"

#include <errno.h>

PyObject *exceptions_error, *exceptions_unwind, *exceptions_refused;

static int add(PyObject *self, const char *name, PyObject *base, PyObject **exception)
{
	char full[32];

	snprintf(full, sizeof(full), "k23.%s", name);
	*exception = PyErr_NewException(full, base, NULL);
	return PyModule_AddObjectRef(self, name, *exception);
}

bool exceptions_add(PyObject *module)
{
	return add(module, "Error", PyExc_OSError, &exceptions_error) == 0 &&
	       add(module, "Unwind", PyExc_BaseException, &exceptions_unwind) == 0 &&
	       add(module, "Refused", PyExc_BaseException, &exceptions_refused) == 0;
}

PyObject *exceptions_raise(long r)
{
	errno = (int)-r;
	return PyErr_SetFromErrno(exceptions_error);
}

/* Not by PyErr_Print(), which ends the process for SystemExit. */
void exceptions_print(void)
{
	PyObject *type, *value, *traceback;

	PyErr_Fetch(&type, &value, &traceback);
	PyErr_NormalizeException(&type, &value, &traceback);
	if (traceback)
		PyException_SetTraceback(value, traceback);
	PyErr_Display(type, value, traceback);
	PyErr_Clear();
	Py_XDECREF(type);
	Py_XDECREF(value);
	Py_XDECREF(traceback);
}

PyObject *exceptions_refusal(void)
{
	PyObject *type, *value, *traceback, *why;

	if (!PyErr_ExceptionMatches(exceptions_refused))
		return NULL;
	PyErr_Fetch(&type, &value, &traceback);
	why = PyObject_Str(value);
	Py_XDECREF(type);
	Py_XDECREF(value);
	Py_XDECREF(traceback);
	return why;
}
