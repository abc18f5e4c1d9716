/*
 * The program's threads in the interpreter, of which only one can run at a time.
 */
#ifndef PYTHON_THREAD_H
#define PYTHON_THREAD_H

/* In the first thread, which has started the interpreter: it leaves it, and others may enter. 0 or -errno. */
int thread_begin(void);

/* Around all that this thread does in the interpreter. */
void thread_enter(void);
void thread_leave(void);

/* Around a call that a function of the policy forwards. It may never end, as in the child of a fork. */
void thread_leave_to_forward(void);
void thread_enter_from_forward(void);

#endif
