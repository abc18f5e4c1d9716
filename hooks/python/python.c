/*
 * python: runs a policy, a file in Python with functions that are named after system calls: k23-python(7).
 * k23 run --hook policy.py:key=value -- make   is   k23 run --hook python:file=policy.py,text=...,key=value -- make
 */
#include <Python.h>
#include <signal.h>

#include <k23/hook.h>

#include "call.h"
#include "exceptions.h"
#include "interpreter.h"
#include "module.h"
#include "output.h"
#include "thread.h"

/* What the policy is told (policy_functions.py). */
enum told { INIT, EXEC, EXEC_BEGIN, EXEC_FAILED, FORK_CHILD, THREAD_START, THREAD_EXIT, PROCESS_EXIT, SIGNAL, TOLD };
static const char *const told_names[TOLD] = {
	"init", "exec", "exec_begin", "exec_failed", "fork_child", "thread_start", "thread_exit", "process_exit",
	"signal",
};

/* The policy's functions; NULL: it has none. */
static PyObject *told[TOLD], *by_number[K23_NUMBERS], *any, *i386;

static PyObject *struct_siginfo; /* of the module signal, if the policy has a function for signals */

static PyObject *function_of(const struct k23_call *call)
{
	PyObject *named = NULL;

	if (call->arch == K23_ARCH_I386 && i386)
		return i386;
	if (call->arch == K23_ARCH_X86_64 && (unsigned long)call->nr < K23_NUMBERS)
		named = by_number[call->nr];
	return named ? named : any;
}

/* If the function has no answer, the call is made when Python is left: others may enter it, and nothing of it is on the
 * stack. */
static long on_call(struct k23_call *call)
{
	PyObject *function = function_of(call);
	bool answered = false;
	long answer;

	if (function) {
		thread_enter();
		answered = call_answer(function, call, &answer);
		thread_leave();
	}
	return answered ? answer : k23_forward(call);
}

/* Calls a function with arguments as of Py_BuildValue(). Returns what it does, if that is an int, or else 0. */
static uint64_t tell(enum told what, const char *format, ...)
{
	PyObject *arguments, *result = NULL;
	unsigned long number = 0;
	va_list list;

	if (!told[what])
		return 0;
	va_start(list, format);
	thread_enter();
	arguments = Py_VaBuildValue(format, list);
	if (arguments)
		result = PyObject_CallObject(told[what], arguments);
	if (result && PyLong_Check(result) && !call_register(result, &number))
		number = 0;
	if (PyErr_Occurred())
		exceptions_print();
	Py_XDECREF(arguments);
	Py_XDECREF(result);
	thread_leave();
	va_end(list);
	return number;
}

static void on_exec(void)
{
	tell(EXEC, "()");
}

/* For "O&". */
static PyObject *decode(void *path)
{
	return PyUnicode_DecodeFSDefault(path);
}

static void on_exec_begin(struct k23_exec *exec)
{
	exec->value = tell(EXEC_BEGIN, "(O&)", decode, exec->path);
}

static void on_exec_failed(const struct k23_exec *exec)
{
	tell(EXEC_FAILED, "(O&l)", decode, exec->path, exec->error);
}

static void on_fork_child(void)
{
	tell(FORK_CHILD, "()");
}

static void on_thread_start(void)
{
	tell(THREAD_START, "()");
}

static void on_thread_exit(void)
{
	tell(THREAD_EXIT, "()");
}

static void on_process_exit(int status)
{
	tell(PROCESS_EXIT, "(i)", status);
	output_flush();
}

/* For "O&". As what the module signal has for it. */
static PyObject *describe_signal(void *argument)
{
	const siginfo_t *info = argument;

	return PyObject_CallFunction(struct_siginfo, "((iiiiIil))", info->si_signo, info->si_code, info->si_errno,
				     (int)info->si_pid, info->si_uid, info->si_status, info->si_band);
}

static void on_signal(const struct k23_signal *signal)
{
	tell(SIGNAL, "(O&O)", describe_signal, signal->info, signal->handled ? Py_True : Py_False);
}

/* False: with an exception. */
static bool use_signals(void)
{
	PyObject *module = PyImport_ImportModule("_signal");

	struct_siginfo = module ? PyObject_GetAttrString(module, "struct_siginfo") : NULL;
	k23_hook.signal = on_signal;
	Py_XDECREF(module);
	return struct_siginfo != NULL;
}

/* One of the policy's functions: key is the number of a call, or a name. */
static void use_function(PyObject *key, PyObject *function)
{
	const char *name = PyLong_Check(key) ? "" : PyUnicode_AsUTF8(key);

	Py_INCREF(function);
	if (PyLong_Check(key)) {
		long nr = PyLong_AsLong(key);

		by_number[nr] = function;
		k23_want(nr, on_call);
	} else if (strcmp(name, "all") == 0) {
		any = function;
		k23_hook.all = on_call;
	} else if (strcmp(name, "i386") == 0) {
		i386 = function;
		k23_hook.i386 = on_call;
	}
	for (int i = 0; i < TOLD; i++)
		if (strcmp(name, told_names[i]) == 0)
			told[i] = function;
}

/* Runs the policy's text, as a module, and returns what it defines; NULL: with an exception. */
static PyObject *run(const char *file, const char *text)
{
	PyObject *code = Py_CompileString(text, file, Py_file_input), *result = NULL, *names = NULL;
	PyObject *module = code ? PyImport_AddModule("policy") : NULL;

	if (module && PyModule_AddStringConstant(module, "__file__", file) == 0 &&
	    PyModule_AddObjectRef(module, "__builtins__", PyEval_GetBuiltins()) == 0) {
		names = PyModule_GetDict(module);
		result = PyEval_EvalCode(code, names, names);
	}
	Py_XDECREF(code);
	Py_XDECREF(result);
	return result ? names : NULL;
}

/* Runs the policy, and takes its functions. False: with an exception. */
static bool load(const char *file, const char *text)
{
	PyObject *names = run(file, text), *finder = names ? PyImport_ImportModule("policy_functions") : NULL;
	PyObject *functions = finder ? PyObject_CallMethod(finder, "functions", "O", names) : NULL;
	PyObject *key, *function, *result = NULL;
	Py_ssize_t at = 0;

	while (functions && PyDict_Next(functions, &at, &key, &function))
		use_function(key, function);
	if (functions && (!told[SIGNAL] || use_signals()))
		result = told[INIT] ? PyObject_CallNoArgs(told[INIT]) : Py_NewRef(Py_None);
	Py_XDECREF(finder);
	Py_XDECREF(functions);
	Py_XDECREF(result);
	return result != NULL;
}

static int refuse(const char *file)
{
	PyObject *why = exceptions_refusal();
	int r;

	if (why) {
		r = k23_refuse("%s", PyUnicode_Check(why) ? PyUnicode_AsUTF8(why) : "");
		Py_DECREF(why);
		return r;
	}
	exceptions_print();
	output_flush();
	return k23_refuse("%s ends with an exception", file);
}

/* Of what the policy has asked for, as the runtime says it of other hooks. */
static int check_options(const char *file)
{
	PyObject *unknown = module_unknown_option();
	const char *text = unknown ? PyUnicode_AsUTF8(unknown) : NULL;
	int r = text ? k23_refuse("%s has no option %s", file, text) : 0;

	PyErr_Clear();
	Py_XDECREF(unknown);
	return r;
}

/* Why the interpreter has not started. NULL: it has. */
static const char *problem;

/* Once for all images, where that can be. */
static int prepare(void)
{
	problem = interpreter_start();
	if (!problem)
		Py_XDECREF(PyImport_ImportModule("policy_functions")); /* if not, load() tells */
	PyErr_Clear();
	return 0;
}

/* Modules of the policy's own are looked for beside it first. False: with an exception. */
static bool use_directory(const char *file)
{
	const char *slash = strrchr(file, '/');
	PyObject *path = PySys_GetObject("path");
	PyObject *directory = PyUnicode_DecodeFSDefaultAndSize(slash ? file : ".", slash ? slash - file : 1);
	bool used = path && directory && PyList_Insert(path, 0, directory) == 0;

	Py_XDECREF(directory);
	return used;
}

static int init(const struct k23_options *options)
{
	const char *file = k23_option(options, "file"), *text = k23_option(options, "text");
	int r;

	if (!file || !text)
		return k23_refuse("it runs a policy: --hook POLICY.py");
	if (problem)
		return k23_refuse("the interpreter does not start: %s", problem);
	module_use_options(options);
	if (!use_directory(file) || !load(file, text))
		return refuse(file);
	r = check_options(file);
	return r ? r : thread_begin();
}

K23_HOOK(python,
	.prepare = prepare,
	.init = init,
	.exec = on_exec,
	.exec_begin = on_exec_begin,
	.exec_failed = on_exec_failed,
	.fork_child = on_fork_child,
	.thread_start = on_thread_start,
	.thread_exit = on_thread_exit,
	.process_exit = on_process_exit);
