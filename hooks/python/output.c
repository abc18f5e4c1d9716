#include "output.h"

#include <Python.h>

#include <k23/hook.h>

/* The line that a thread has begun: threads do not write into each other's lines. */
static __thread struct {
	size_t size;
	char text[1000];
} line;

void output_flush(void)
{
	if (line.size)
		k23_api->print(line.text, line.size);
	line.size = 0;
}

static void add(const char *text, size_t size)
{
	while (size) {
		size_t room = sizeof(line.text) - line.size, part = size < room ? size : room;
		const char *end = memrchr(text, '\n', part);

		if (end)
			part = (size_t)(end + 1 - text);
		memcpy(line.text + line.size, text, part);
		line.size += part;
		text += part;
		size -= part;
		if (end || line.size == sizeof(line.text))
			output_flush();
	}
}

static PyObject *output_write(PyObject *self, PyObject *text)
{
	PyObject *bytes;

	(void)self;
	if (!PyUnicode_Check(text)) {
		PyErr_SetString(PyExc_TypeError, "write() takes a str");
		return NULL;
	}
	bytes = PyUnicode_EncodeFSDefault(text);
	if (!bytes)
		return NULL;
	add(PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));
	Py_DECREF(bytes);
	return PyLong_FromSsize_t(PyUnicode_GET_LENGTH(text));
}

static PyObject *output_flush_method(PyObject *self, PyObject *none)
{
	(void)self, (void)none;
	output_flush();
	Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
	{ "write", output_write, METH_O, NULL },
	{ "flush", output_flush_method, METH_NOARGS, NULL },
	{ 0 },
};
static PyTypeObject type = {
	.tp_name = "k23.Output",
	.tp_basicsize = sizeof(PyObject),
	.tp_flags = Py_TPFLAGS_DEFAULT,
	.tp_methods = methods,
};

int output_use(void)
{
	PyObject *output = PyType_Ready(&type) < 0 ? NULL : PyObject_New(PyObject, &type);
	int r = output && PySys_SetObject("stdout", output) == 0 && PySys_SetObject("stderr", output) == 0 ? 0 : -1;

	Py_XDECREF(output);
	return r;
}
