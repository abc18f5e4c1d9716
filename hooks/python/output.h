/*
 * sys.stdout and sys.stderr of policies: the program's standard error, line by line.
 */
#ifndef PYTHON_OUTPUT_H
#define PYTHON_OUTPUT_H

/* -1: with an exception. */
int output_use(void);

/* Writes the begin of a line that this thread has left without an end. */
void output_flush(void);

#endif
