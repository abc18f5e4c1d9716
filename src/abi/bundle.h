/*
 * The bundle: everything of k23 that lives in a target, as one range of addresses.
 *
 *	| header, strings, initial contents | runtime: rodata, text | bss | hook 0 | ... | regions | store, room |
 *	| the shared part, never written to ------------------------| the private part ------------| shared ---- |
 *
 * The command line tool builds the first bundle, from the ELF files of the runtime and of the hooks.
 *
 * The shared part is the same in every process. It lies in a System V shared memory segment, which each new image
 * attaches: nothing is copied, and no descriptor is needed. The segment is marked for removal at once, so the kernel
 * removes it with the last process that has it attached. Where the segment cannot be attached (another IPC namespace,
 * another user), or where hooks may not become executable once they are written, the helper copies the shared part from
 * the old image to private memory of the new one, and makes the executable segments of the hooks.
 *
 * All else of the private part is made in each new image, by rt_start, from the initial contents. All positions are
 * offsets from the start of the bundle.
 */
#ifndef ABI_BUNDLE_H
#define ABI_BUNDLE_H

#include <stdint.h>

#define BUNDLE_MAGIC 0x656c646e75623332ul /* "23bundle" */
#define BUNDLE_VERSION 10u

/* A 32-bit word must have a bit for each hook, and one more (struct rt_chain). */
#define BUNDLE_MAX_HOOKS 31u
#define BUNDLE_MAX_SEGMENTS 160u /* of all hooks */
#define BUNDLE_MAX_MEMORIES 4u

/* A region: the runtime's stacks, and the data of the runtime and the hooks, of one thread. The bundle has two: for the
 * first thread, and for the helper of its execve. */
#define BUNDLE_REGION_SIZE (128u << 10)
#define BUNDLE_REGIONS 2u

enum bundle_flags {
	BUNDLE_FOREIGN = 1, /* programs for another architecture may run without k23 */
	BUNDLE_EAGER = 2,   /* all sites that have a plan are patched, even if no call was seen there */
	BUNDLE_PROFILE = 4, /* the program is being learned: only sites that it was seen to use are patched */
	BUNDLE_NO_PATCH = 8, /* the store says which sites are known; none is patched */
	BUNDLE_PAIRED = 16, /* the runtime's returns are paired (abi/returns.h) */
	BUNDLE_UNTRACED = 32, /* programs that cannot be interposed, for whatever reason, may run without k23 */
	BUNDLE_GS_BY_CALL = 64, /* %gs is set by arch_prctl (rt/x86_64/base/gs.h) */
	BUNDLE_UNMET = 128, /* the first program was never run: sites with a plan are patched unobserved */
	BUNDLE_FLAGS_LOST = 256, /* RF may be lost without an instruction (guard/sud.c) */
	BUNDLE_XSAVEC = 512, /* the processor has this instruction */
	BUNDLE_XGETBV_IN_USE = 1024, /* XGETBV says which vector state is in use, truly for the x87 */
	BUNDLE_AVX512BW = 2048, /* the processor has these instructions */
};

/* A segment of a hook. */
struct bundle_segment {
	uint32_t offset;       /* page-aligned */
	uint32_t size;         /* whole pages */
	uint32_t prot;         /* PROT_*; never both writable and executable */
	uint32_t initial;      /* the offset of the initial contents; page-aligned, if the pages can be the segment's */
	uint32_t initial_size; /* the rest of the segment starts as zero */
};

struct bundle_hook {
	uint32_t descriptor; /* struct k23_descriptor */
	uint32_t api;        /* const struct k23_api *, which the runtime sets; 0: a world sets it */
	uint32_t options;    /* string */
	uint32_t file;       /* string */
	uint32_t start, end; /* of all its segments */
	uint32_t state;      /* where its run state is in that memory (abi/run_state.h); 0: it has none */
	uint32_t memory;     /* the index of the run memory */
	uint32_t world;      /* 1 + the index of the world that it is; 0: it is plain */
};

/* A hook that is a world (k23/world.h). */
struct bundle_world {
	uint32_t hook;    /* its index */
	uint32_t world;   /* struct k23_world */
	uint32_t entry;   /* its first instruction */
	uint32_t headers; /* its program headers */
	uint32_t header_count;
};

#define BUNDLE_MAX_WORLDS 4u

/* A range of memory of the worlds, in whole pages, as it is when they are ready. */
struct bundle_ready_part {
	uint64_t address;
	uint32_t size;
	uint32_t prot;     /* of a part without contents */
	uint32_t contents; /* an offset; 0: it has none that are not zero */
	uint32_t reserved;
};

/* The worlds when their constructors have run, and .prepare of their hooks. `k23 run` lets that be done once, in a
 * template (cli/template.h). An image that has the bundle at the same address goes on from there: it is as if the
 * template had made it by fork. */
struct bundle_ready {
	uint64_t address; /* of the bundle; 0: each image starts the worlds itself */
	uint64_t memory, memory_size; /* what the worlds have mapped */
	uint32_t threads; /* struct rt_world of each */
	uint32_t parts, part_count;
	uint32_t room, room_size; /* for all of it, behind the store */
	uint32_t reserved;
};

/* Between `k23 run` and a template, which share it. */
struct bundle_template {
	uint64_t memory;  /* where the next thing that a world maps goes */
	uint64_t threads; /* the address of all struct rt_world */
	uint64_t threads_size;
	uint32_t state; /* a futex: enum bundle_template_state */
	uint32_t reserved;
};

enum bundle_template_state {
	BUNDLE_TEMPLATE_STARTS,
	BUNDLE_TEMPLATE_READY, /* the worlds are, and it sleeps */
	BUNDLE_TEMPLATE_ENDS,  /* it is none: what it has done has to be done in each image */
};

/* Bytes of vector state. With AMX and AVX-512 there are 11,008. */
#define BUNDLE_STATE_MAX (12u << 10)

/* A run memory (abi/run_memory.h) that the images of this bundle have. */
struct bundle_memory {
	uint64_t cookie;
	uint64_t size;
	uint64_t address; /* where the process that made the bundle has it */
};

/* In a carrier, the shared_id of a bundle of which there is no segment. It is not -1, by which the runtime would take
 * its bundle for a copy that is writable. */
#define BUNDLE_NO_SEGMENT INT32_MAX

struct bundle {
	uint64_t magic;
	uint32_t version;
	uint32_t flags;
	uint32_t size; /* of the whole range */
	uint32_t private_start; /* the begin of the private part, which ends at the store */
	int32_t shared_id; /* of the segment with the shared part; -1: it lies in private memory */
	uint32_t vdso_syscall; /* the offset of a `syscall` in the vDSO; 0: not known */
	uint64_t unique; /* random, the same in all copies: elsewhere the segment shared_id may be another one */
	uint32_t regions; /* behind this there is room for BUNDLE_REGIONS regions, aligned to their size */
	uint32_t runtime; /* the begin of the runtime's rodata */
	uint32_t start; /* rt_start */
	uint32_t carried; /* rt_carried */
	uint32_t gate; /* the gate page */
	uint32_t runtime_text; /* the runtime's executable segment */
	uint32_t runtime_text_size;
	/* What its build-id begins with. For debuggers: of the shared part, a core file has only the header. */
	uint8_t runtime_id[8];
	uint32_t segment_count;
	uint32_t hook_count;
	uint32_t fixups; /* uint32_t each: offsets of words to which rt_start adds the bundle's address */
	uint32_t fixup_count;
	uint32_t store, store_size; /* the store as it was when `k23 run` began; size 0: nothing is known */
	uint32_t site_log; /* string: the file to which new sites are appended; 0: none */
	uint32_t tool; /* string: the command's file, which knows the lines of hooks; 0: it is not known */
	uint32_t world_count;
	struct bundle_world worlds[BUNDLE_MAX_WORLDS];
	uint32_t worlds_start, worlds_end; /* of all their segments, between which nothing else is */
	uint32_t state_size;               /* of what XSAVE writes, at most BUNDLE_STATE_MAX, if there is a world */
	uint32_t memory_count;
	struct bundle_memory memories[BUNDLE_MAX_MEMORIES];
	struct bundle_ready ready;
	uint64_t template; /* in a template: the address of a struct bundle_template; else 0 */
	struct bundle_segment segments[BUNDLE_MAX_SEGMENTS];
	struct bundle_hook hooks[BUNDLE_MAX_HOOKS];
};

/* What hooks carry over an execve: k23_exec_value() of each, in the order of the new image's bundle. */
struct exec_values {
	uint32_t size; /* of it all, in bytes */
	uint32_t reserved;
	uint64_t values[BUNDLE_MAX_HOOKS];
};

/* What the helper tells the new image, in the registers that the image starts with (rt/x86_64/entry/start.S). */
struct start_block {
	uint64_t entry; /* the program's first instruction, stack pointer and flags */
	uint64_t stack;
	uint64_t eflags;
	uint64_t sigmask;      /* as the program had it when it called execve */
	uint64_t bundle;       /* the address at which the program's filters let the bundle's gate pass; 0: none do */
	uint64_t filters;      /* the address of a struct rt_filters, which begins with its size: the helper's, and then
				  that in the new image; 0: none */
	int32_t helper;        /* the helper's id, for reaping it */
	int32_t ptracer;       /* what PR_SET_PTRACER was before it had to be the helper */
	uint8_t sigsys_blocked; /* these two: the program's view of SIGSYS */
	uint8_t sigsys_ignored;
	uint8_t seccomp; /* the program installed a filter */
	uint8_t ptraced;    /* enum rt_ptraced, if a tracer under k23 put the bundle here; else 0 */
	uint8_t first : 1;  /* the command line tool started the image, and not an execve of the program */
	uint8_t frozen : 1; /* memory that was writable may not become executable: PR_SET_MDWE, or a filter from before
			       k23 */
	uint8_t own_sigsys : 1; /* a SIGSYS is pending for the thread, not only for the process */
	uint8_t children_elsewhere : 1; /* unshare or setns for a PID namespace */
	uint8_t disarmed : 1, autodisarm : 1; /* SS_DISABLE and SS_AUTODISARM, which outlive the alternate stack */
	uint64_t values; /* the address of a struct exec_values, which begins with its size: as `filters`; 0: none */
	uint64_t exe; /* of a carrier: the address of the program's path, if /proc/PID/exe leads elsewhere; else 0 */
	/* The address of the run memories, one after the other in the bundle's order. In its low bits: which of them
	 * are there, and from bit BUNDLE_MAX_MEMORIES on which have no keeper any more. */
	uint64_t memory;
	int32_t memories[BUNDLE_MAX_MEMORIES]; /* 1 + the descriptor of each; 0: it could not be had; -1: no keeper */
	int32_t memory_owner; /* the process that has these descriptors; 0: the new image itself */
};

_Static_assert(sizeof(struct bundle_segment) == 20, "the bundle's layout is shared by separate builds");
_Static_assert(sizeof(struct bundle_hook) == 36, "the bundle's layout is shared by separate builds");
_Static_assert(sizeof(struct bundle_world) == 20, "the bundle's layout is shared by separate builds");
_Static_assert(sizeof(struct bundle_memory) == 24, "the bundle's layout is shared by separate builds");
_Static_assert(sizeof(struct bundle_ready) == 48, "the bundle's layout is shared by separate builds");
_Static_assert(sizeof(struct bundle_ready_part) == 24, "the bundle's layout is shared by separate builds");
_Static_assert(2 * BUNDLE_MAX_MEMORIES <= 12, "the address of a page has room for two bits each");
_Static_assert(sizeof(struct start_block) == 112, "the bundle's layout is shared by separate builds");

#endif
