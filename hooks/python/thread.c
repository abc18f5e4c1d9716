#include "thread.h"

#include <Python.h>
#include <pthread.h>
#include <stdbool.h>

#include "output.h"

static PyInterpreterState *interpreter;
static pthread_key_t key; /* for its destructor */

static __thread struct {
	PyThreadState *state; /* NULL: it has not entered yet */
	bool inside;	      /* it has entered, and not left */
	bool forks;	      /* by a call of the program's, and not of the policy's */
	unsigned forwards;    /* functions of the policy that are on its stack, and wait for a call */
} own;

/* In place of a state whose functions are on the stack, but will not go on. What they refer to stays. */
static void replace_state(void)
{
	PyThreadState *old = own.state;

	own.state = PyThreadState_New(interpreter);
	own.forwards = 0;
	if (!own.state)
		Py_FatalError("no memory for a thread");
	PyThreadState_Swap(own.state);
	PyThreadState_Clear(old);
	PyThreadState_Delete(old);
	pthread_setspecific(key, own.state);
}

/* The thread is over. A vfork child's is ended by its parent, when it has executed a program: from a function that
 * waits for that. */
static void end(void *state)
{
	PyEval_RestoreThread(state);
	if (own.forwards)
		replace_state();
	PyThreadState_Clear(own.state);
	PyThreadState_DeleteCurrent();
	own.state = NULL;
	pthread_setspecific(key, NULL);
	output_flush();
}

void thread_enter(void)
{
	if (!own.state) {
		own.state = PyThreadState_New(interpreter);
		if (!own.state)
			Py_FatalError("no memory for a thread");
		pthread_setspecific(key, own.state);
	}
	PyEval_RestoreThread(own.state);
	own.inside = true;
}

void thread_leave(void)
{
	own.inside = false;
	PyEval_SaveThread();
}

void thread_leave_to_forward(void)
{
	own.forwards++;
	thread_leave();
}

void thread_enter_from_forward(void)
{
	thread_enter();
	own.forwards--;
}

/* A process is made while no other thread is in the middle of something in the interpreter, which would be there in the
 * child for ever. A fork of the policy's, in one of its own threads or in the program's, fails. */
static void before_fork(void)
{
	own.forks = !own.inside && !PyGILState_Check();
	if (!own.forks)
		return;
	thread_enter();
	PyOS_BeforeFork();
}

static void after_fork_in_parent(void)
{
	if (!own.forks)
		return;
	PyOS_AfterFork_Parent();
	thread_leave();
}

static void after_fork_in_child(void)
{
	PyOS_AfterFork_Child();
	if (own.forwards)
		replace_state();
	thread_leave();
}

int thread_begin(void)
{
	int r = pthread_key_create(&key, end);

	interpreter = PyInterpreterState_Get();
	own.state = PyThreadState_Get();
	if (r == 0)
		r = pthread_setspecific(key, own.state);
	if (r == 0)
		r = pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
	thread_leave();
	return -r;
}
