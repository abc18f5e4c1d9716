/*
 * Run memory: memory that all processes of a run share with the process that started the run, from the first image to
 * the last, whatever they do: namespaces, chroot, another user, close_range.
 *
 * It is a file in memory (memfd). A mapping of it outlives everything but execve, and an image's mappings come from
 * descriptors only; but no process of the run keeps one. The *keeper* does: a thread of the process that started the
 * run. Who needs the descriptor, for the image that an execve makes, asks for it through the memory itself, which it
 * still has: it makes a pair of sockets, writes the memory's cookie to the first, and puts the number of the second
 * into a mailbox. The keeper takes that socket (pidfd_getfd), finds the cookie, and sends the descriptor back.
 * Processes of different PID namespaces have the same ids, so with the cookie goes the request; if even that is the
 * same, the one that got no answer asks again.
 *
 * A program can write anything to the memory of its own processes, so the keeper trusts nothing in here.
 */
#ifndef ABI_RUN_MEMORY_H
#define ABI_RUN_MEMORY_H

#include <stdint.h>

#include "abi/gaps.h"

#define RUN_MEMORY_MAGIC 0x79726f6d656d3332ul /* "23memory" */
#define RUN_MEMORY_MAILBOXES 128u
#define RUN_MEMORY_FILES 1024u /* a power of two */
#define RUN_MEMORY_CONTENTS 16384u /* where what the run shares begins, behind the header */

/* In `keeper`, as in a robust futex. */
#define RUN_MEMORY_KEEPER_MASK 0x3fffffffu

struct run_memory {
	uint64_t magic;
	uint64_t cookie; /* random */
	uint64_t size;	 /* of all, in bytes, whole pages */
	uint32_t keeper; /* the keeper's thread id; the kernel clears it when the keeper ends (a robust futex) */
	uint32_t bell;	 /* futex: changes when there is a request */
	uint64_t mailboxes[RUN_MEMORY_MAILBOXES]; /* a request; 0: free. Its low half is a futex. */
	struct gaps gaps;
	/* Whether files that are executed are looked through for calls into the vsyscall page: there is one. And the
	 * files that have been, by a hash; 0: free. */
	uint32_t vsyscall;
	uint32_t directory; /* the process whose working directory is the run's file system; 0: there is none */
	uint64_t files[RUN_MEMORY_FILES];
};

/* What waits in a socket of a request. */
struct run_memory_sign {
	uint64_t cookie, request;
};

/* A request: the number of a socket, and the process that has it, by its id in its own PID namespace.
 * ctx: any */
static inline uint64_t run_memory_request(int32_t process, int32_t descriptor)
{
	return (uint64_t)(uint32_t)process << 32 | ((uint32_t)descriptor + 1);
}

/* ctx: any */
static inline int32_t run_memory_process(uint64_t request)
{
	return (int32_t)(request >> 32);
}

/* ctx: any */
static inline int32_t run_memory_descriptor(uint64_t request)
{
	return (int32_t)((uint32_t)request - 1);
}

_Static_assert(sizeof(struct run_memory) <= RUN_MEMORY_CONTENTS, "the header fits in front of the contents");

#endif
