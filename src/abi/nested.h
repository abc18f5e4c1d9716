/*
 * `k23 run` inside `k23 run`. A process can have only one runtime, so the inner tool does not bring a second one. It
 * asks the outer runtime, under which it runs, for that one's bundle, builds a new bundle of its own hooks and the
 * outer ones, and asks the outer runtime to carry the new bundle through the tool's next execve.
 *
 * The tool asks by a system call with a number that no kernel has. Natively this call fails with ENOSYS.
 */
#ifndef ABI_NESTED_H
#define ABI_NESTED_H

#define NESTED_NR 0x6b323300l
#define NESTED_MAGIC 0x6e65737465643233ul

enum nested_request {
	NESTED_BUNDLE, /* returns the address of the outer runtime's struct bundle */
	NESTED_CARRY,  /* argument: the struct bundle for the process's next execve; returns 0 or -EINVAL */
};

#endif
