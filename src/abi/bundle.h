/*
 * The bundle: everything of k23 that lives in a target, as one range of addresses.
 *
 *	| header, strings, initial contents, fixups | runtime: rodata, text | bss | hook 0 | ... | regions | store |
 *	  never written                                                       made by the new image          never written
 *
 * The command line tool builds the first one from the runtime's ELF file and the hooks'. What is never written is
 * the same in every process, so it lies in a System V shared memory segment, which each new image attaches: nothing is
 * copied, and no descriptor is needed. The segment is marked for removal at once, so it goes with the last process that has
 * it. Where it cannot be attached (another IPC namespace, another user, a seccomp filter of the program), the helper copies
 * it from the old image to memory of the new one's own. Everything else rt_start makes from the initial contents.
 * All positions are offsets from the start of the bundle.
 */
#ifndef ABI_BUNDLE_H
#define ABI_BUNDLE_H

#include <stdint.h>

#define BUNDLE_MAGIC 0x656c646e75623332ul /* "23bundle" */
#define BUNDLE_VERSION 4u

/* A bit for each hook of a chain in one 32-bit word, and one more. */
#define BUNDLE_MAX_HOOKS 31u
#define BUNDLE_MAX_SEGMENTS 160u /* of all hooks */

/* A thread's part of the runtime: its stacks, and what the runtime and hooks keep of it. Two come with the bundle: the first
 * thread's, and that of the helper of its execve. */
#define BUNDLE_REGION_SIZE (256u << 10)
#define BUNDLE_REGIONS 2u

enum bundle_flags {
	BUNDLE_FOREIGN = 1, /* programs that cannot be interposed may run without k23 */
	BUNDLE_EAGER = 2,   /* sites are patched that were verified, but never observed */
	BUNDLE_PROFILE = 4, /* what this very program uses is to be learned: nothing else is patched */
};

/* A hook's. */
struct bundle_segment {
	uint32_t offset;       /* page-aligned */
	uint32_t size;         /* whole pages */
	uint32_t prot;         /* PROT_*; never both writable and executable */
	uint32_t initial;      /* where the initial contents are kept */
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
	uint32_t size; /* of the whole range */
	uint32_t private_start; /* what the new image makes: up to the store */
	int32_t shared_id; /* of the segment that it lies in, -1: it is this process's own memory */
	uint32_t vdso_syscall; /* where the vDSO has a `syscall`, 0: not known */
	uint64_t unique; /* random, the same in all copies: an id may be another segment's in another IPC namespace */
	uint32_t regions; /* behind this the first BUNDLE_REGIONS regions have room, aligned to their size */
	uint32_t runtime; /* the begin of its rodata */
	uint32_t start; /* rt_start */
	uint32_t gate; /* the gate page */
	uint32_t runtime_text; /* the runtime's executable segment */
	uint32_t runtime_text_size;
	uint32_t runtime_hash[2]; /* core_hash of its text, low half first: for debuggers, which see no more than the header in a core file */
	uint32_t segment_count;
	uint32_t hook_count;
	uint32_t fixups; /* uint32_t each: offsets of words to which the bundle's address is added */
	uint32_t fixup_count;
	uint32_t store, store_size; /* the store (abi/store.h) as it was at the start of it all; size 0: nothing is patched */
	uint32_t site_log; /* string: the file to which new sites are appended; 0: none */
	struct bundle_segment segments[BUNDLE_MAX_SEGMENTS];
	struct bundle_hook hooks[BUNDLE_MAX_HOOKS];
};

/* What the helper tells the new image, in the registers that it starts with: rt_start in x86_64/gate.S knows which. */
struct start_block {
	uint64_t entry; /* the program's first instruction, stack pointer and flags */
	uint64_t stack;
	uint64_t eflags;
	uint64_t sigmask;      /* as the program had it when it called execve */
	int32_t helper;        /* to be reaped */
	int32_t ptracer;       /* for PR_SET_PTRACER, which had to be the helper */
	uint8_t sigsys_blocked; /* the program's own view of SIGSYS */
	uint8_t sigsys_ignored;
	uint8_t seccomp; /* the program installed a filter that knows the bundle's address */
	uint8_t ptraced;   /* enum rt_ptraced: a tracer that is under k23 planted the bundle */
	uint8_t first;     /* 1: started by the command line, 0: by an execve of the program */
	uint16_t exec_nr;  /* then: the number of the call, which its exit stop shows */
};

_Static_assert(sizeof(struct bundle_segment) == 20, "the bundle's layout is shared by separate builds");
_Static_assert(sizeof(struct bundle_hook) == 24, "the bundle's layout is shared by separate builds");
_Static_assert(sizeof(struct start_block) == 48, "the bundle's layout is shared by separate builds");

#endif
