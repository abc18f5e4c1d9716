/*
 * An execve without a helper, where there can be none: no process can be created, the caller is traced, or nobody may
 * be traced. Freestanding, as inject.h.
 */
#ifndef INJECT_CARRIER_H
#define INJECT_CARRIER_H

#include "inject/inject.h"
#include "inject/script.h"

/* Room in front of an argument vector, for scripts, and room behind the end of an environment. */
#define INJ_SPARE_ARGUMENTS (2 * SCRIPT_MAX_FILES)
#define INJ_SPARE_ENVIRONMENT 2

/* What execveat would be called with. The vectors are the caller's copies, with room as above. */
struct inj_program {
	int dirfd;
	const char *path, *file; /* the program as it is called, and where it is, which mostly is the same */
	unsigned flags;
	char **argv, **envp;
	const char *interpreter; /* instead of the ELF interpreter that the program names; NULL: that one */
};

/* Executes a program, with the bundle and the block of `exec`, of which nothing else is used. Returns -errno: nothing
 * has happened. The caller blocks all signals that can be blocked, but for those of faults. ctx: entry */
long inj_carry(const struct inj_exec *exec, const struct inj_program *program) must_check;

#endif
