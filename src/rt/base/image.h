/*
 * The variable `rt`: what the runtime has once per image, for all threads and all processes that share the memory.
 */
#ifndef RT_BASE_IMAGE_H
#define RT_BASE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <k23/types.h>

#include "abi/bundle.h"
#include "core/page.h"
#include "core/patch.h"

#define RT_REGION_SIZE ((uint64_t)BUNDLE_REGION_SIZE)

/* The last 16 bits of %gs's base while the base is the runtime's. The base lies in the guard page at the beginning of
 * the thread's region: an access by the program faults, as with the base of 0 that a program starts with. And it is
 * odd, so that no program chooses the same. */
#define RT_GS_TAG 0x23ul
/* Where the base is set by a call, the entries look for this in the thread: no number that a program has. */
#define RT_GS_MARKED 0x6b32f39du

/* Marks a large variable that most processes hardly write to. It lies behind the variables that all processes write to,
 * so that these share few pages. */
#define RT_TABLE __attribute__((section(".bss.tables")))
#define RT_TABLE_FIRST __attribute__((section(".bss.tables.first"))) /* the one that all processes write to */

/* Constants for tools/k23-gdb.py, which reads the debug information, where macros are missing. */
enum rt_debug {
	RT_DEBUG_REGION_SIZE = RT_REGION_SIZE,
	RT_DEBUG_GS_TAG = RT_GS_TAG,
	RT_DEBUG_GS_MASK = 0xffff,
	RT_DEBUG_SLOT = PATCH_SLOT,
	RT_DEBUG_WIDENED = PATCH_WIDENED,
	RT_DEBUG_BRANCH_GROWS = STORE_BRANCH_GROWS,
};

/* struct rt_image.ptraced and struct start_block.ptraced */
enum rt_ptraced {
	RT_PTRACED = 1,         /* the process has, or had, a tracer under k23 */
	RT_PTRACED_CALLS = 2,   /* the tracer wants to see system calls: make the stops RT_STOP_* */
	RT_PTRACED_TRACEME = 4, /* start_block: ask to be traced by the parent, at the end of the start */
	RT_PTRACED_TRAPPED = 8, /* start_block: then stop with SIGTRAP, as a tracee does after execve */
	RT_PTRACED_DISPATCH = 16, /* the tracer has set a thread's own dispatch: that thread leaves the fast path */
	RT_PTRACED_TRACES = 32, /* the process is a tracer itself */
};

struct rt_thread;
struct rt_world;

struct rt_image {
	enum rt_debug debug[0]; /* brings the type into the debug information */
	struct bundle *bundle;
	uintptr_t start, end; /* of the bundle */
	uint32_t x32;       /* 0: not tried yet, 1: the kernel has x32 calls, 2: the kernel has none */
	uint32_t ptraced;   /* enum rt_ptraced; the runtime of a tracer writes to it, too */
	bool planned;       /* there is a store: it says which sites are known, and how to patch them */
	bool fast;          /* sites may be patched: there is a store, and %gs can be used */
	bool log_sites;     /* new sites are to be appended to the site log */
	bool profiled;      /* programs of this name are, or are being, learned: only sites that they use are patched */
	bool unmet;         /* nothing is known of what this program does: sites are patched that were not observed */
	uint32_t program;   /* the bit of programs of this name in struct store_site */
	uint8_t altstack_order; /* when rt_sigreturn sets the alternate stack (signal/altstack.c); 0: not known yet */
	bool namespaces;    /* tasks in several PID namespaces may share the memory */
	uint64_t entered;   /* signals that enter the runtime, whatever the program does with them */
	bool faults_ignored; /* SIGSEGV or SIGBUS was ignored when the image started: a fault may kill */
	/* How often blocked signals of faults were let through while a hook was told something, and how often that was
	 * over: hook/told.c. */
	uint32_t lends, lends_ended;
	/* Signals that enter the runtime even if the program leaves them to the kernel, which ends the process:
	 * signal/heard.h. */
	uint64_t heard;
	/* NULL, or what tells hooks of a signal: the only way up from the floor of signals. */
	void (*tell)(struct rt_thread *thread, int sig, const void *info, bool handled);
	bool tells_apart; /* one of these hooks is a hosted one: signal/altstack.h */
	const char *exe; /* the program's path, where /proc/PID/exe leads elsewhere; NULL: it does not */
	bool frozen; /* by PR_SET_MDWE or a seccomp filter: memory that was writable can never become executable */
	uint64_t memories[BUNDLE_MAX_MEMORIES]; /* the addresses of the run memories; 0: it could not be had; 1: it
						  has no keeper any more */
	const struct exec_values *values; /* that hooks have carried into this image; NULL: none */
	struct k23_api api;
	bool hides; /* hooks may hide descriptors: base/hidden_fds.h */
	/* Hosted hooks: */
	bool ready;                          /* they are, by a template (world/start.h) */
	bool begun;                          /* the program has made its first step, or is about to */
	bool fsgsbase;                       /* the base of %fs can be changed without a system call */
	uintptr_t worlds_start, worlds_size; /* of all their segments; nothing of others is between them */
	/* NULL, or what makes a thread of a hook's own (special/own_thread.h), and whether there may be any. */
	long (*make_thread)(struct rt_thread *thread, const struct rt_world *made);
	bool own_threads;
	/* Processes that were made to share the memory, but for vfork children that are done; and who is about to kill
	 * some (world/kill.h). */
	uint32_t sharers;
};

extern struct rt_image rt;
extern struct start_block rt_start_block; /* x86_64/entry/start.S fills it in */

/* Maps the pages of the image that every process runs, by one call where each would take a fault: the kernel maps none
 * around a fault in memory that is shared by SysV IPC. It may refuse, which changes nothing. */
void rt_image_populate(void);

/* ctx: any */
static inline bool rt_in_image(uintptr_t address)
{
	return address - rt.start < rt.end - rt.start;
}

/* An offset below `size` that is another one in each image: the address of the bundle is a random one. ctx: any */
static inline uint64_t rt_random_offset(uint64_t size)
{
	return rt.start * 0x9e3779b97f4a7c15ul / (UINT64_MAX / size);
}

/* Whether code is one of a hosted hook. ctx: any */
static inline bool rt_in_world(uintptr_t address)
{
	return address - rt.worlds_start < rt.worlds_size;
}

#endif
