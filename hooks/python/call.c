#include "call.h"

#include "exceptions.h"
#include "thread.h"

/* By number, of calls that have a name. */
static PyObject *names[K23_NUMBERS];
static uint8_t kinds[K23_NUMBERS][6]; /* enum k23_kind */

struct call {
	PyObject_HEAD
	struct k23_call *call; /* NULL: it is over */
	long result;           /* of what was forwarded last */
	bool forwarded;
	bool ends; /* it has to be forwarded when the function has ended */
	bool gives;
	char *given[6];            /* memory that arguments lead to which were set to text or bytes */
	unsigned long replaced[6]; /* what these were before */
};

struct arguments {
	PyObject_HEAD
	struct call *call;
};

struct k23_call *call_of_object(PyObject *self)
{
	struct k23_call *call = ((struct call *)self)->call;

	if (!call)
		PyErr_SetString(PyExc_ValueError, "the call is over");
	return call;
}

bool call_register(PyObject *value, unsigned long *number)
{
	int overflow;

	*number = (unsigned long)PyLong_AsLongAndOverflow(value, &overflow);
	if (overflow > 0)
		*number = PyLong_AsUnsignedLong(value);
	else if (overflow < 0)
		PyErr_SetString(PyExc_OverflowError, "the int is less than -2**63");
	return !PyErr_Occurred();
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

static void forward(struct call *object)
{
	thread_leave_to_forward();
	object->result = k23_forward(object->call);
	thread_enter_from_forward();
	object->forwarded = true;
}

/* No function of Python's is on the stack when the program goes on elsewhere. */
static PyObject *call_forward(PyObject *self, PyObject *none)
{
	struct k23_call *call = call_of_object(self);
	struct call *object = (struct call *)self;

	(void)none;
	if (!call)
		return NULL;
	object->ends = never_returns(call);
	if (!object->ends && !(object->forwarded && object->result == -K23_ERESTART))
		forward(object);
	if (!object->ends && object->result != -K23_ERESTART)
		return PyLong_FromLong(object->result);
	PyErr_SetNone(exceptions_unwind);
	return NULL;
}

static PyObject *call_nr(PyObject *self, void *closure)
{
	const struct k23_call *call = call_of_object(self);

	(void)closure;
	return call ? PyLong_FromLong(call->nr) : NULL;
}

static int call_set_nr(PyObject *self, PyObject *value, void *closure)
{
	struct k23_call *call = call_of_object(self);
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
	const struct k23_call *call = call_of_object(self);
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
	const struct k23_call *call = call_of_object(self);

	(void)closure;
	return call ? PyLong_FromUnsignedLong(call->ip) : NULL;
}

static PyObject *call_sp(PyObject *self, void *closure)
{
	const struct k23_call *call = call_of_object(self);

	(void)closure;
	return call ? PyLong_FromUnsignedLong(call->sp) : NULL;
}

static PyObject *call_i386(PyObject *self, void *closure)
{
	const struct k23_call *call = call_of_object(self);

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
	struct k23_call *call = call_of_object((PyObject *)((struct arguments *)self)->call);

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

/* The address of a copy, with a NUL behind it, which is there until the call is over; 0: with an exception. */
static unsigned long give(struct call *object, Py_ssize_t i, PyObject *value)
{
	PyObject *bytes = PyBytes_Check(value) ? Py_NewRef(value) : NULL;
	char *copy;

	if (object->call->arch == K23_ARCH_I386) {
		PyErr_SetString(PyExc_ValueError, "a call of i386 has an int as its argument");
		Py_XDECREF(bytes);
		return 0;
	}
	if (!bytes && !PyUnicode_FSConverter(value, &bytes))
		return 0;
	copy = PyMem_Malloc((size_t)PyBytes_GET_SIZE(bytes) + 1);
	if (!copy) {
		PyErr_NoMemory();
	} else {
		memcpy(copy, PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes) + 1);
		if (!object->given[i])
			object->replaced[i] = object->call->args[i];
		PyMem_Free(object->given[i]);
		object->given[i] = copy;
		object->gives = true;
	}
	Py_DECREF(bytes);
	return (unsigned long)copy;
}

/* The hooks before this one see the program's arguments again. */
static void take_back(struct call *object)
{
	for (unsigned i = 0; object->gives && i < 6; i++) {
		if (!object->given[i])
			continue;
		object->call->args[i] = object->replaced[i];
		PyMem_Free(object->given[i]);
	}
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
	if (PyUnicode_Check(value) || PyBytes_Check(value)) {
		number = give(((struct arguments *)self)->call, i, value);
		if (!number)
			return -1;
	} else if (!call_register(value, &number)) {
		return -1;
	}
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
PyTypeObject call_type = {
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
	if (PyErr_ExceptionMatches(exceptions_error) && !forwarded) {
		PyObject *type, *value, *traceback, *number;
		unsigned long errno_given;

		PyErr_Fetch(&type, &value, &traceback);
		PyErr_NormalizeException(&type, &value, &traceback);
		number = PyObject_GetAttrString(value, "errno");
		*answer = -EIO;
		if (number && PyLong_Check(number) && call_register(number, &errno_given))
			*answer = -(long)errno_given;
		PyErr_Clear();
		Py_XDECREF(number);
		PyErr_Restore(type, value, traceback);
		PyErr_Clear();
		return true;
	}
	exceptions_print();
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
	} else if (call_register(value, &number)) {
		*answer = (long)number;
		return true;
	} else {
		PyErr_Format(PyExc_OverflowError, "%S() returns an int that is no number of 64 bits", name);
	}
	return answer_exception(object, answer);
}

bool call_answer(PyObject *function, struct k23_call *call, long *answer)
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
	object->forwarded = object->ends = object->gives = false;
	memset(object->given, 0, sizeof(object->given));
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
	if (!answered && object->gives && !never_returns(call)) { /* while the memory is there */
		forward(object);
		*answer = object->result;
		answered = true;
	}
	Py_XDECREF(value);
	take_back(object);
	object->call = NULL;
	Py_DECREF(object);
	return answered;
}

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

bool call_add(PyObject *module)
{
	PyObject *numbers = describe_calls();
	bool added = numbers && PyModule_AddObjectRef(module, "numbers", numbers) == 0 &&
		     PyType_Ready(&call_type) == 0 && PyType_Ready(&arguments_type) == 0;

	Py_XDECREF(numbers);
	return added;
}
