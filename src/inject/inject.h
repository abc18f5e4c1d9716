/*
 * Carrying the bundle through an execve. The caller starts a helper, which shares its memory and traces it, and
 * calls execve; at the exec stop the helper gives the new image the bundle, points it at rt_start, and ends.
 * Freestanding: `k23 run` uses it as the runtime does.
 */
#ifndef INJECT_H
#define INJECT_H

#include "abi/bundle.h"
#include "abi/syscall.h"

/* Shared by the caller and its helper; lies in memory that the helper owns. */
struct inj_exec {
	const struct bundle *bundle;
	struct start_block block; /* for the new image; the helper adds entry, stack, flags and itself */
	int32_t caller;           /* thread id */
	int32_t helper;
	uint32_t ready;  /* futex: 0 until the helper traces the caller, then 1 */
	uint32_t waits;  /* the helper is about to wait for it */
	uint32_t failed; /* the execve failed: let go */
	int32_t error;   /* why the helper could not start: -errno */
	/* The first act of a helper; NULL: none. */
	void (*begin)(struct inj_exec *exec);
	/* The last act of a helper that traced its caller, on its stack; nobody needs this struct any more. Must
	 * not return. */
	void (*end)(struct inj_exec *exec);
};

/* Starts the helper of a caller that is dumpable (PR_SET_DUMPABLE) on a stack that ends at stack_top, and waits until it traces the caller. All signals that
 * can be blocked are blocked, but for faults. 0, or -errno with nothing left behind. */
long inj_begin(struct inj_exec *exec, uint64_t stack_top) must_check;
/* After an execve that failed: nothing traces the caller and the helper is reaped. Returns whether by this call: otherwise
 * another thread waited for it. */
bool inj_cancel(struct inj_exec *exec);
/* inj_begin's helper: x86_64/clone.S goes here. */
void inj_helper(struct inj_exec *exec) __attribute__((noreturn));
long inj_clone(unsigned long flags, uint64_t stack_top, struct inj_exec *exec);

/* What is known before an execve. */
enum inj_verdict {
	INJ_TRY,     /* nothing speaks against it */
	INJ_FAILS,   /* execve would fail, with `error` */
	INJ_FOREIGN, /* a program for another instruction set or ABI: it cannot be interposed */
	INJ_SECRET,  /* a program that may be executed but not read: the kernel lets nobody write to it */
};

struct inj_check {
	enum inj_verdict verdict;
	long error;
};

/* Looks at the file that execveat(dirfd, path, ..., flags) would run, and at the interpreters of a script. */
struct inj_check inj_check(int dirfd, const char *path, unsigned flags);

#endif
