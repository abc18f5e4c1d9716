/*
 * Carrying the bundle through an execve. The caller starts a helper, which shares the caller's memory and traces the
 * caller. Then the caller calls execve. At the exec stop the helper gives the new image the bundle, makes it begin at
 * rt_start, and ends.
 *
 * The code is freestanding, since both the runtime and the command line tool (`k23 run`) use it.
 */
#ifndef INJECT_H
#define INJECT_H

#include "abi/bundle.h"
#include "abi/syscall.h"

/* What the caller and its helper share. It lies in memory that belongs to the helper. */
struct inj_exec {
	const struct bundle *bundle;
	struct start_block block; /* for the new image; the helper adds its own id, and the entry, stack and flags */
	const uint64_t *memories; /* where this process has the bundle's run memories; NULL: where the bundle says */
	int32_t caller;           /* thread id */
	int32_t process;          /* the caller's: the helper's parent, as long as it lives */
	int32_t helper;
	uint32_t named;  /* futex: the caller has named the helper as its tracer (PR_SET_PTRACER) */
	uint32_t ready;  /* futex: 0 until the helper traces the caller, then 1 */
	uint32_t waits;  /* the helper is about to wait for the caller */
	uint32_t failed; /* the execve failed: the helper is to detach and end */
	int32_t error;   /* why the helper could not start: -errno */
	/* The first act of a helper; NULL: none. */
	void (*begin)(struct inj_exec *exec);
	/* The last act of a helper that traced its caller. Must not return. It runs on the helper's stack, and may free
	 * that and this struct. */
	void (*end)(struct inj_exec *exec);
};

/* Starts a helper on a stack that ends at stack_top, and waits until the helper traces the caller. The caller must be
 * dumpable (PR_SET_DUMPABLE), and must block all signals that can be blocked, but for those of faults. Returns 0; or
 * -errno, and then there is no helper any more: exec->helper is its id if a wait of another thread reaped it, or 0. */
long inj_begin(struct inj_exec *exec, uint64_t stack_top) must_check;
/* Ends the helper after an execve that failed, so that it does not trace the caller any more. Returns whether this call
 * reaped the helper: otherwise a wait of another thread did. */
bool inj_cancel(struct inj_exec *exec);
/* The helper's whole life. inj_clone makes the helper begin here. */
void inj_helper(struct inj_exec *exec) __attribute__((noreturn));
/* x86_64/clone.S: creates the helper. Returns its id or -errno. */
long inj_clone(unsigned long flags, uint64_t stack_top, struct inj_exec *exec);

/* What inj_check finds out about an execve. */
enum inj_verdict {
	INJ_TRY,     /* nothing speaks against the execve */
	INJ_FAILS,   /* the execve would fail, with `error` */
	INJ_FOREIGN, /* the program is for another instruction set or ABI, and cannot be interposed */
	INJ_SECRET,  /* the program may be executed but not read, so a helper may not write to its memory */
};

struct inj_check {
	enum inj_verdict verdict;
	long error;
	bool late; /* `error` is what comes of a file that can be opened: the kernel copies the arguments before */
};

/* Looks at the file that execveat(dirfd, path, ..., flags) would execute, and at the interpreters if it is a script. */
struct inj_check inj_check(int dirfd, const char *path, unsigned flags);
/* Whether an error is one that the program itself gives an execve, and not one of how k23 makes it. */
bool inj_is_program_error(long error);

#endif
