/*
 * `k23 run` inside `k23 run`. A process can have only one runtime, so the inner tool does not bring a second one. It
 * asks the outer runtime, under which it runs, for that one's bundle, builds a new bundle of its own hooks and the
 * outer ones, and asks the outer runtime to carry the new bundle through the tool's next execve.
 *
 * The tool asks by a prctl that no kernel has. Natively it fails with EINVAL. A system call that no kernel has would do
 * as well, but seccomp filters kill for that: for a number with bit 30, libseccomp's do even where they allow what they
 * do not name.
 */
#ifndef ABI_NESTED_H
#define ABI_NESTED_H

#include <asm/unistd.h>

#define NESTED_NR __NR_prctl
#define NESTED_OPTION 0x6b323300ul /* prctl(NESTED_OPTION, NESTED_MAGIC, request, argument) */
#define NESTED_MAGIC 0x6e65737465643233ul

enum nested_request {
	NESTED_BUNDLE, /* returns the address of the outer runtime's struct bundle */
	NESTED_MEMORY, /* argument: an index; returns where that run memory of the outer bundle is, or 0 */
	NESTED_CARRY,  /* argument: the struct bundle for the process's next execve; returns 0 or -EINVAL */
};

#endif
