/*
 * k23 run inside k23 run. The inner tool cannot trace itself with the outer runtime in its way, and two runtimes in one
 * process would be one too many: the tool asks the runtime that it finds itself under for its hooks, makes a bundle of its
 * own hooks and those, and asks to have that one carried by the next execve.
 *
 * The question is a system call with a number that no kernel has: natively it fails with ENOSYS.
 */
#ifndef ABI_NESTED_H
#define ABI_NESTED_H

#define NESTED_NR 0x6b323300l
#define NESTED_MAGIC 0x6e65737465643233ul

enum nested_request {
	NESTED_BUNDLE, /* returns the address of the runtime's struct bundle */
	NESTED_CARRY,  /* argument: the struct bundle for this process's next execve; returns 0 or -EINVAL */
};

#endif
