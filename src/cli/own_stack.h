/*
 * A stack for main() that does not depend on RLIMIT_STACK, which may be for what the command starts, and is inherited.
 */
#ifndef CLI_OWN_STACK_H
#define CLI_OWN_STACK_H

/* Calls function(argc, argv), on a stack of its own where the process's may be too small, and returns what it
 * returns. */
int own_stack_run(int (*function)(int argc, char **argv), int argc, char **argv);

#endif
