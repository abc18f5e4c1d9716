/*
 * The image's variable `rt`: what a process has once, as it shares its memory.
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

/* %gs's base while it is ours: inside the guard page at the beginning of the thread's region, so that what reads through
 * it faults, as with the base of 0 that a program starts with; and odd, so that it is no base that a program chooses. */
#define RT_GS_TAG 0x23ul

/* A table of which few processes touch more than the beginning, if that: behind what all of them write to, so that it costs
 * them no page. */
#define RT_TABLE __attribute__((section(".bss.tables")))
#define RT_TABLE_FIRST __attribute__((section(".bss.tables.first"))) /* the one that all write to the beginning of */

/* What tools/k23-gdb.py reads in the debug information, where no macros are. */
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
	RT_PTRACED = 1,         /* there is, or was, a tracer that the tracee takes to be under k23 */
	RT_PTRACED_CALLS = 2,   /* it wants to see system calls: make the stops */
	RT_PTRACED_TRACEME = 4, /* start_block: ask to be traced by the parent, at the end of the start */
	RT_PTRACED_DISPATCH = 16, /* it has set a thread's Syscall User Dispatch: that thread is to leave the fast path */
	RT_PTRACED_TRAPPED = 8, /* start_block: then stop with SIGTRAP, as a tracee does after execve */
};

struct rt_image {
	enum rt_debug debug[0]; /* so that the type is known */
	struct bundle *bundle;
	uintptr_t start, end; /* the bundle */
	uint32_t x32;       /* 0: not asked yet, 1: the kernel has x32 calls, 2: it has not */
	uint32_t ptraced;   /* enum rt_ptraced; a tracer that is under k23 writes it, too */
	bool fast;          /* sites may be patched: there is a store, and %gs can be used */
	bool log_sites;     /* sites that are not in it are to be noted */
	bool profiled;      /* what programs of this name use is known, or being learned: only that is patched */
	uint32_t program;   /* the bit of these programs in struct store_site */
	bool namespaces;    /* tasks in several PID namespaces may share the memory */
	bool traps;         /* SIGTRAP enters the runtime, whatever the program does with it */
	bool frozen;        /* by PR_SET_MDWE or a seccomp filter: what was writable never becomes executable */
	struct k23_api api;
};

extern struct rt_image rt;
extern struct start_block rt_start_block; /* the start's assembly fills it in */

/* ctx: any */
static inline bool rt_in_image(uintptr_t address)
{
	return address - rt.start < rt.end - rt.start;
}

#endif
