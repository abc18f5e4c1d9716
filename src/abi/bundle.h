/*
 * The bundle: everything of k23 that lives in a target, as one mapping of private anonymous memory.
 *
 *	| header, strings, fixups, initial contents | runtime: text, rodata, bss | hook 0 | hook 1 | ...
 *
 * The command line tool builds the first one from the runtime's ELF file and the hooks'. From then on it copies
 * itself: at each exec stop the helper writes the segments that are never written, and the start block, from
 * the old image to the new one, and rt_start makes the writable segments from their initial contents.
 * All positions are offsets from the start of the bundle.
 */
#ifndef ABI_BUNDLE_H
#define ABI_BUNDLE_H

#include <stdint.h>

#define BUNDLE_MAGIC 0x656c646e75623332ul /* "23bundle" */
#define BUNDLE_VERSION 2u

/* A bit for each hook of a chain in one 32-bit word. */
#define BUNDLE_MAX_HOOKS 32u
#define BUNDLE_MAX_SEGMENTS 160u /* four for the runtime and each hook, and the header */

enum bundle_flags {
	BUNDLE_FOREIGN = 1, /* programs that cannot be interposed may run without k23 */
	BUNDLE_EAGER = 2,   /* sites are patched that were verified, but never observed */
};

struct bundle_segment {
	uint32_t offset;       /* page-aligned */
	uint32_t size;         /* whole pages */
	uint32_t prot;         /* PROT_*; never both writable and executable */
	uint32_t initial;      /* writable segments: where the initial contents are kept */
	uint32_t initial_size; /* the rest is zero */
};

struct bundle_hook {
	uint32_t descriptor; /* struct k23_descriptor */
	uint32_t api;        /* const struct k23_api *: to be set */
	uint32_t options;    /* string */
	uint32_t file;       /* string */
	uint32_t start, end; /* all its segments */
};

struct bundle {
	uint64_t magic;
	uint32_t version;
	uint32_t flags;
	uint32_t size; /* of the whole mapping */
	uint32_t start; /* rt_start */
	uint32_t start_block; /* struct start_block, in the runtime's bss */
	uint32_t boot_stack;  /* the end of a stack for rt_start, in the runtime's bss */
	uint32_t gate;        /* the gate page */
	uint32_t runtime_text; /* the runtime's executable segment: made so before rt_start */
	uint32_t runtime_text_size;
	uint32_t segment_count;
	uint32_t hook_count;
	uint32_t fixups; /* uint32_t each: offsets of words to which the bundle's address is added */
	uint32_t fixup_count;
	uint32_t store;    /* string: the path of the store; 0: nothing is patched */
	uint32_t site_log; /* string: the file to which new sites are appended; 0: none */
	uint32_t reserved;
	struct bundle_segment segments[BUNDLE_MAX_SEGMENTS];
	struct bundle_hook hooks[BUNDLE_MAX_HOOKS];
};

/* What the helper tells the new image. */
struct start_block {
	uint64_t entry; /* the program's first instruction, stack pointer and flags */
	uint64_t stack;
	uint64_t eflags;
	uint64_t sigmask;      /* as the program had it when it called execve */
	int32_t helper;        /* to be reaped */
	uint32_t first;        /* 1: started by the command line, 0: by an execve of the program */
	uint8_t sigsys_blocked; /* the program's own view of SIGSYS */
	uint8_t sigsys_ignored;
	uint8_t sigsys_pending;
	uint8_t seccomp; /* the program installed a filter that knows the bundle's address */
	uint8_t traced;    /* enum rt_traced: a tracer that is under k23 planted the bundle */
	uint8_t reserved;
	uint16_t exec_nr;  /* then: the number of the call, which its exit stop shows */
};

_Static_assert(sizeof(struct bundle_segment) == 20, "the bundle's layout is shared by separate builds");
_Static_assert(sizeof(struct bundle_hook) == 24, "the bundle's layout is shared by separate builds");
_Static_assert(sizeof(struct start_block) == 48, "the bundle's layout is shared by separate builds");

#endif
