#include "module.h"

#include <k23/place.h>

#include "call.h"
#include "exceptions.h"
#include "output.h"

static struct k23_options options;
static PyObject *asked; /* keys of options, in order; the values are None */

/* For "O&". */
static int convert_register(PyObject *value, void *number)
{
	return call_register(value, number);
}

static PyObject *string(PyObject *self, PyObject *arguments)
{
	Py_ssize_t size = K23_PATH_MAX;
	PyObject *text = NULL;
	unsigned long address;
	char *buffer;
	long r;

	(void)self;
	if (!PyArg_ParseTuple(arguments, "O&|n:string", convert_register, &address, &size))
		return NULL;
	buffer = PyMem_Malloc(size > 0 ? (size_t)size : 1);
	if (!buffer)
		return PyErr_NoMemory();
	r = size > 0 ? k23_copy_string(buffer, (size_t)size, address) : -ENAMETOOLONG;
	text = r < 0 ? exceptions_raise(r) : PyUnicode_DecodeFSDefaultAndSize(buffer, r);
	PyMem_Free(buffer);
	return text;
}

static PyObject *read_memory(PyObject *self, PyObject *arguments)
{
	unsigned long address;
	PyObject *bytes;
	Py_ssize_t size;
	long r;

	(void)self;
	if (!PyArg_ParseTuple(arguments, "O&n:read", convert_register, &address, &size))
		return NULL;
	if (size < 0) {
		PyErr_SetString(PyExc_ValueError, "a size is not negative");
		return NULL;
	}
	bytes = PyBytes_FromStringAndSize(NULL, size);
	r = bytes ? k23_copy_from(PyBytes_AS_STRING(bytes), address, (size_t)size) : 0;
	if (r >= 0)
		return bytes;
	Py_DECREF(bytes);
	return exceptions_raise(r);
}

static PyObject *write_memory(PyObject *self, PyObject *arguments)
{
	unsigned long address;
	Py_buffer bytes;
	long r;

	(void)self;
	if (!PyArg_ParseTuple(arguments, "O&y*:write", convert_register, &address, &bytes))
		return NULL;
	r = k23_copy_to(address, bytes.buf, (size_t)bytes.len);
	PyBuffer_Release(&bytes);
	return r < 0 ? exceptions_raise(r) : Py_NewRef(Py_None);
}

static PyObject *path(PyObject *self, PyObject *arguments)
{
	char given[K23_PATH_MAX], absolute[K23_PATH_MAX];
	const struct k23_call *call;
	PyObject *object;
	int from = 0, at, dirfd = AT_FDCWD;
	long r;

	(void)self;
	if (!PyArg_ParseTuple(arguments, "O!|i:path", &call_type, &object, &from))
		return NULL;
	call = call_of_object(object);
	if (!call)
		return NULL;
	at = k23_path_argument(call, from < 0 ? 0 : from, &dirfd);
	if (at < 0)
		return Py_NewRef(Py_None);
	r = k23_copy_string(given, sizeof(given), call->args[at]);
	if (r >= 0)
		r = k23_path_absolute(absolute, sizeof(absolute), dirfd, given);
	return r < 0 ? exceptions_raise(r) : PyUnicode_DecodeFSDefaultAndSize(absolute, r);
}

static PyObject *under(PyObject *self, PyObject *arguments)
{
	PyObject *name = NULL, *root = NULL, *result = NULL;

	(void)self;
	if (PyArg_ParseTuple(arguments, "O&O&:under", PyUnicode_FSConverter, &name, PyUnicode_FSConverter, &root))
		result = PyBool_FromLong(k23_path_under(PyBytes_AS_STRING(name), PyBytes_AS_STRING(root)));
	Py_XDECREF(name);
	Py_XDECREF(root);
	return result;
}

static PyObject *option(PyObject *self, PyObject *arguments)
{
	PyObject *otherwise = Py_None;
	const char *key, *value;

	(void)self;
	if (!PyArg_ParseTuple(arguments, "s|O:option", &key, &otherwise))
		return NULL;
	if (PyDict_SetItemString(asked, key, Py_None) < 0)
		return NULL;
	value = k23_option(&options, key);
	return value ? PyUnicode_DecodeFSDefault(value) : Py_NewRef(otherwise);
}

static PyObject *refuse(PyObject *self, PyObject *why)
{
	(void)self;
	PyErr_SetObject(exceptions_refused, why);
	return NULL;
}

static PyObject *pid(PyObject *self, PyObject *none)
{
	(void)self, (void)none;
	return PyLong_FromLong(k23_pid());
}

static PyObject *tid(PyObject *self, PyObject *none)
{
	(void)self, (void)none;
	return PyLong_FromLong(k23_tid());
}

static PyObject *exec_value(PyObject *self, PyObject *none)
{
	(void)self, (void)none;
	return PyLong_FromUnsignedLongLong(k23_exec_value());
}

static PyMethodDef functions[] = {
	{ "string", string, METH_VARARGS, "string(address, size=4096): a string of the program's." },
	{ "read", read_memory, METH_VARARGS, "read(address, size): bytes of the program's memory." },
	{ "write", write_memory, METH_VARARGS, "write(address, bytes): changes the program's memory." },
	{ "path", path, METH_VARARGS, "path(call, first=0): its first path from that argument on, absolute; or None." },
	{ "under", under, METH_VARARGS, "under(path, root): whether a path is root or below it, by name." },
	{ "option", option, METH_VARARGS, "option(key, otherwise=None): the value of --hook FILE:KEY=VALUE." },
	{ "refuse", refuse, METH_O, "refuse(why): the program does not start." },
	{ "pid", pid, METH_NOARGS, "The process's id." },
	{ "tid", tid, METH_NOARGS, "The thread's id." },
	{ "exec_value", exec_value, METH_NOARGS, "What exec_begin() returned in the image before." },
	{ 0 },
};
static struct PyModuleDef module = {
	PyModuleDef_HEAD_INIT, .m_name = "k23", .m_doc = "A program's system calls.", .m_size = -1,
	.m_methods = functions,
};

PyObject *module_init(void)
{
	PyObject *self = PyModule_Create(&module);

	asked = PyDict_New();
	if (!self || !asked || !exceptions_add(self) || !call_add(self) || output_use() < 0)
		Py_CLEAR(self);
	return self;
}

void module_use_options(const struct k23_options *given)
{
	options = *given;
}

PyObject *module_unknown_option(void)
{
	for (const char *at = options.text; *at; at += strlen(at) + 1) {
		PyObject *key = PyUnicode_DecodeFSDefaultAndSize(at, (Py_ssize_t)strcspn(at, "="));
		PyObject *comma = PyUnicode_FromString(", "), *keys = NULL, *text = NULL;

		if (key && comma && strncmp(at, "file=", 5) != 0 && strncmp(at, "text=", 5) != 0 &&
		    !PyDict_Contains(asked, key)) {
			keys = PyUnicode_Join(comma, asked);
			text = keys ? PyUnicode_FromFormat("%U%s%U", key, PyDict_Size(asked) ? "; it has " : "", keys)
				    : NULL;
		}
		Py_XDECREF(key);
		Py_XDECREF(comma);
		Py_XDECREF(keys);
		if (text)
			return text;
		PyErr_Clear();
	}
	return NULL;
}
