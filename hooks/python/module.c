#include "module.h"

#include <k23/place.h>

#include "output.h"
#include "thread.h"

static struct k23_options options;
static PyObject *asked; /* keys of options, in order; the values are None */
static PyObject *error, *unwind, *refused; /* exceptions */

/* By number, of calls that have a name. */
static PyObject *names[K23_NUMBERS];
static uint8_t kinds[K23_NUMBERS][6]; /* enum k23_kind */

struct call {
	PyObject_HEAD
	struct k23_call *call; /* NULL: it is over */
	long result;           /* of what was forwarded last */
	bool forwarded;
	bool ends; /* it has to be forwarded when the function has ended */
};

struct arguments {
	PyObject_HEAD
	struct call *call;
};

static struct k23_call *call_of(PyObject *self)
{
	struct k23_call *call = ((struct call *)self)->call;

	if (!call)
		PyErr_SetString(PyExc_ValueError, "the call is over");
	return call;
}

static PyObject *raise_error(long r)
{
	errno = (int)-r;
	return PyErr_SetFromErrno(error);
}

bool module_register(PyObject *value, unsigned long *number)
{
	int overflow;

	*number = (unsigned long)PyLong_AsLongAndOverflow(value, &overflow);
	if (overflow > 0)
		*number = PyLong_AsUnsignedLong(value);
	else if (overflow < 0)
		PyErr_SetString(PyExc_OverflowError, "the int is less than -2**63");
	return !PyErr_Occurred();
}

/* For "O&". */
static int convert_register(PyObject *value, void *number)
{
	return module_register(value, number);
}

/* Where the program goes on elsewhere, or not at all. */
static bool never_returns(const struct k23_call *call)
{
	enum { I386_EXIT = 1, I386_SIGRETURN = 119, I386_RT_SIGRETURN = 173, I386_EXIT_GROUP = 252 };

	if (call->arch == K23_ARCH_I386)
		return call->nr == I386_EXIT || call->nr == I386_EXIT_GROUP || call->nr == I386_SIGRETURN ||
		       call->nr == I386_RT_SIGRETURN;
	return call->nr == SYS_exit || call->nr == SYS_exit_group || call->nr == SYS_rt_sigreturn;
}

/* No function of Python's is on the stack when the program goes on elsewhere. */
static PyObject *call_forward(PyObject *self, PyObject *none)
{
	struct k23_call *call = call_of(self);
	struct call *object = (struct call *)self;

	(void)none;
	if (!call)
		return NULL;
	object->ends = never_returns(call);
	if (!object->ends && !(object->forwarded && object->result == -K23_ERESTART)) {
		thread_leave_to_forward();
		object->result = k23_forward(call);
		thread_enter_from_forward();
		object->forwarded = true;
	}
	if (!object->ends && object->result != -K23_ERESTART)
		return PyLong_FromLong(object->result);
	PyErr_SetNone(unwind);
	return NULL;
}

static PyObject *call_nr(PyObject *self, void *closure)
{
	const struct k23_call *call = call_of(self);

	(void)closure;
	return call ? PyLong_FromLong(call->nr) : NULL;
}

static int call_set_nr(PyObject *self, PyObject *value, void *closure)
{
	struct k23_call *call = call_of(self);
	long nr = call && value ? PyLong_AsLong(value) : -1;

	(void)closure;
	if (!call || PyErr_Occurred())
		return -1;
	if (!value) {
		PyErr_SetString(PyExc_TypeError, "a call has a number");
		return -1;
	}
	call->nr = nr;
	return 0;
}

static PyObject *call_name(PyObject *self, void *closure)
{
	const struct k23_call *call = call_of(self);
	const struct k23_syscall_info *info;

	(void)closure;
	if (!call)
		return NULL;
	if (call->arch == K23_ARCH_X86_64 && (unsigned long)call->nr < K23_NUMBERS)
		return Py_NewRef(names[call->nr] ? names[call->nr] : Py_None);
	info = k23_describe(call);
	return info ? PyUnicode_FromString(info->name) : Py_NewRef(Py_None);
}

static PyObject *call_ip(PyObject *self, void *closure)
{
	const struct k23_call *call = call_of(self);

	(void)closure;
	return call ? PyLong_FromUnsignedLong(call->ip) : NULL;
}

static PyObject *call_sp(PyObject *self, void *closure)
{
	const struct k23_call *call = call_of(self);

	(void)closure;
	return call ? PyLong_FromUnsignedLong(call->sp) : NULL;
}

static PyObject *call_i386(PyObject *self, void *closure)
{
	const struct k23_call *call = call_of(self);

	(void)closure;
	return call ? PyBool_FromLong(call->arch == K23_ARCH_I386) : NULL;
}

static PyTypeObject arguments_type;

static PyObject *call_args(PyObject *self, void *closure)
{
	struct arguments *arguments = PyObject_New(struct arguments, &arguments_type);

	(void)closure;
	if (arguments)
		arguments->call = (struct call *)Py_NewRef(self);
	return (PyObject *)arguments;
}

static void arguments_free(PyObject *self)
{
	Py_DECREF(((struct arguments *)self)->call);
	PyObject_Free(self);
}

static Py_ssize_t arguments_length(PyObject *self)
{
	(void)self;
	return 6;
}

static enum k23_kind kind_of(const struct k23_call *call, Py_ssize_t i)
{
	const struct k23_syscall_info *info;

	if (call->arch == K23_ARCH_X86_64)
		return (unsigned long)call->nr < K23_NUMBERS ? kinds[call->nr][i] : K23_NONE;
	info = k23_describe(call);
	return info ? info->kind[i] : K23_NONE;
}

/* As the kernel takes it: of an int it does not see the upper half, which may be anything. */
static PyObject *argument(const struct k23_call *call, Py_ssize_t i)
{
	switch (kind_of(call, i)) {
	case K23_INT:
	case K23_FD:
	case K23_DIRFD:
	case K23_SIGNAL:
		return PyLong_FromLong((int)call->args[i]);
	case K23_UINT:
		return PyLong_FromUnsignedLong((unsigned)call->args[i]);
	case K23_LONG:
		return PyLong_FromLong(call->arch == K23_ARCH_I386 ? (int)call->args[i] : (long)call->args[i]);
	default:
		return PyLong_FromUnsignedLong(call->args[i]);
	}
}

static struct k23_call *argument_at(PyObject *self, Py_ssize_t i)
{
	struct k23_call *call = call_of((PyObject *)((struct arguments *)self)->call);

	if (!call || (i >= 0 && i < 6))
		return call;
	PyErr_SetString(PyExc_IndexError, "a call has six arguments");
	return NULL;
}

static PyObject *arguments_item(PyObject *self, Py_ssize_t i)
{
	const struct k23_call *call = argument_at(self, i);

	return call ? argument(call, i) : NULL;
}

static int arguments_set(PyObject *self, Py_ssize_t i, PyObject *value)
{
	struct k23_call *call = argument_at(self, i);
	unsigned long number;

	if (!call)
		return -1;
	if (!value) {
		PyErr_SetString(PyExc_TypeError, "a call has six arguments");
		return -1;
	}
	if (!module_register(value, &number))
		return -1;
	call->args[i] = number;
	return 0;
}

static PyMethodDef call_methods[] = {
	{ "forward", call_forward, METH_NOARGS,
	  "Makes the call as it now is. Returns its result, or -errno." },
	{ 0 },
};
static PyGetSetDef call_members[] = {
	{ "nr", call_nr, call_set_nr, "the number", NULL },
	{ "name", call_name, NULL, "the name, or None", NULL },
	{ "args", call_args, NULL, "six arguments", NULL },
	{ "ip", call_ip, NULL, "the address after the system call instruction", NULL },
	{ "sp", call_sp, NULL, "the program's stack pointer", NULL },
	{ "i386", call_i386, NULL, "whether number and arguments are those of i386", NULL },
	{ 0 },
};
static PyTypeObject call_type = {
	.tp_name = "k23.Call",
	.tp_basicsize = sizeof(struct call),
	.tp_flags = Py_TPFLAGS_DEFAULT,
	.tp_methods = call_methods,
	.tp_getset = call_members,
};
static PySequenceMethods arguments_methods = {
	.sq_length = arguments_length,
	.sq_item = arguments_item,
	.sq_ass_item = arguments_set,
};
static PyTypeObject arguments_type = {
	.tp_name = "k23.Arguments",
	.tp_basicsize = sizeof(struct arguments),
	.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_SEQUENCE,
	.tp_dealloc = arguments_free,
	.tp_as_sequence = &arguments_methods,
};

/* An exception: a call that has not been made fails, but for those without which the program cannot go on. */
static bool answer_exception(struct call *object, long *answer)
{
	bool forwarded = object->forwarded;

	*answer = forwarded ? object->result : -EIO;
	if (PyErr_ExceptionMatches(error) && !forwarded) {
		PyObject *type, *value, *traceback, *number;
		unsigned long errno_given;

		PyErr_Fetch(&type, &value, &traceback);
		PyErr_NormalizeException(&type, &value, &traceback);
		number = PyObject_GetAttrString(value, "errno");
		*answer = -EIO;
		if (number && PyLong_Check(number) && module_register(number, &errno_given))
			*answer = -(long)errno_given;
		PyErr_Clear();
		Py_XDECREF(number);
		PyErr_Restore(type, value, traceback);
		PyErr_Clear();
		return true;
	}
	module_print_exception();
	return forwarded || !never_returns(object->call);
}

/* What a function of the policy returned. */
static bool answer_value(PyObject *function, struct call *object, PyObject *value, long *answer)
{
	PyObject *name = ((PyFunctionObject *)function)->func_qualname;
	unsigned long number;

	*answer = object->result;
	if (value == Py_None)
		return object->forwarded;
	if (!PyLong_CheckExact(value)) {
		PyErr_Format(PyExc_TypeError, "%S() returns an int, or None for what the call itself gives, not %R",
			     name, value);
	} else if (module_register(value, &number)) {
		*answer = (long)number;
		return true;
	} else {
		PyErr_Format(PyExc_OverflowError, "%S() returns an int that is no number of 64 bits", name);
	}
	return answer_exception(object, answer);
}

bool module_answer(PyObject *function, struct k23_call *call, long *answer)
{
	struct call *object = PyObject_New(struct call, &call_type);
	PyObject *value;
	bool answered;

	if (!object) {
		PyErr_Clear();
		*answer = -ENOMEM;
		return !never_returns(call);
	}
	object->call = call;
	object->forwarded = object->ends = false;
	value = PyObject_CallOneArg(function, (PyObject *)object);
	if (object->ends) {
		PyErr_Clear();
		answered = false;
	} else if (object->forwarded && object->result == -K23_ERESTART) {
		PyErr_Clear();
		*answer = object->result;
		answered = true;
	} else {
		answered = value ? answer_value(function, object, value, answer) : answer_exception(object, answer);
	}
	Py_XDECREF(value);
	object->call = NULL;
	Py_DECREF(object);
	return answered;
}

/* Not by PyErr_Print(), which ends the process for SystemExit. */
void module_print_exception(void)
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

PyObject *module_refusal(void)
{
	PyObject *type, *value, *traceback, *why;

	if (!PyErr_ExceptionMatches(refused))
		return NULL;
	PyErr_Fetch(&type, &value, &traceback);
	why = PyObject_Str(value);
	Py_XDECREF(type);
	Py_XDECREF(value);
	Py_XDECREF(traceback);
	return why;
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
	text = r < 0 ? raise_error(r) : PyUnicode_DecodeFSDefaultAndSize(buffer, r);
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
	return raise_error(r);
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
	return r < 0 ? raise_error(r) : Py_NewRef(Py_None);
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
	call = call_of(object);
	if (!call)
		return NULL;
	at = k23_path_argument(call, from < 0 ? 0 : from, &dirfd);
	if (at < 0)
		return Py_NewRef(Py_None);
	r = k23_copy_string(given, sizeof(given), call->args[at]);
	if (r >= 0)
		r = k23_path_absolute(absolute, sizeof(absolute), dirfd, given);
	return r < 0 ? raise_error(r) : PyUnicode_DecodeFSDefaultAndSize(absolute, r);
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
	PyErr_SetObject(refused, why);
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

/* name -> number */
static PyObject *describe_calls(void)
{
	PyObject *numbers = PyDict_New();

	for (long nr = 0; numbers && nr < (long)K23_NUMBERS; nr++) {
		const struct k23_call call = { .nr = nr, .arch = K23_ARCH_X86_64 };
		const struct k23_syscall_info *info = k23_describe(&call);
		PyObject *number = info ? PyLong_FromLong(nr) : NULL;

		if (!info)
			continue;
		names[nr] = PyUnicode_InternFromString(info->name);
		memcpy(kinds[nr], info->kind, sizeof(kinds[nr]));
		if (!number || !names[nr] || PyDict_SetItem(numbers, names[nr], number) < 0)
			Py_CLEAR(numbers);
		Py_XDECREF(number);
	}
	return numbers;
}

static int add_exception(PyObject *self, const char *name, PyObject *base, PyObject **exception)
{
	char full[32];

	snprintf(full, sizeof(full), "k23.%s", name);
	*exception = PyErr_NewException(full, base, NULL);
	return PyModule_AddObjectRef(self, name, *exception);
}

PyObject *module_init(void)
{
	PyObject *self = PyModule_Create(&module), *numbers = describe_calls();

	asked = PyDict_New();
	if (!self || !asked || PyModule_AddObjectRef(self, "numbers", numbers) < 0 || PyType_Ready(&call_type) < 0 ||
	    PyType_Ready(&arguments_type) < 0 || add_exception(self, "Error", PyExc_OSError, &error) < 0 ||
	    add_exception(self, "Unwind", PyExc_BaseException, &unwind) < 0 ||
	    add_exception(self, "Refused", PyExc_BaseException, &refused) < 0 || output_use() < 0)
		Py_CLEAR(self);
	Py_XDECREF(numbers);
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
