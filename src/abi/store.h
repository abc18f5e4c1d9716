/*
 * The store: what the offline phase knows of files and their system call instructions. One file, written whole by the
 * command line tool and put in place by rename; `k23 run` puts it into the bundle, where every process looks files up while they are
 * mapped. Nobody trusts what is in it: readers check each offset, and a plan is used only when the bytes on the
 * spot are those that were analysed.
 *
 *	| struct store_header | files | keys | sites | buckets | strings |
 *
 * Positions are offsets from the start of the file. `buckets` is a hash table with open addressing over build-ids and
 * content hashes (of store_id) and over keys (of store_key): a bucket holds 1 + the index of a file, or
 * STORE_BUCKET_KEY | 1 + the index of a key; 0 ends a search.
 */
#ifndef ABI_STORE_H
#define ABI_STORE_H

#include <stdint.h>

#define STORE_MAGIC 0x65726f747333326bul /* "k23store" */
#define STORE_VERSION 3u
#define STORE_BUCKET_KEY 0x80000000u

/* Programs are told apart by the name of their file, into this many groups. */
#define STORE_PROGRAMS 32u

#define STORE_MIN_WINDOW 5u /* jmp rel32 */
/* What fits into a stub (core/patch.h): the window, and what its branch becomes longer by. */
#define STORE_MAX_WINDOW 18u
#define STORE_BRANCH_GROWS 4u

struct store_header {
	uint64_t magic;
	uint32_t version;
	uint32_t header_size;
	uint64_t size;     /* of the whole file */
	uint64_t checksum; /* core_hash of all that follows the header */
	uint32_t files, file_count;
	uint32_t keys, key_count;
	uint32_t sites, site_count;
	uint32_t buckets, bucket_count; /* a power of two, or 0 */
	uint32_t strings, string_size;
	uint32_t programs; /* those of any site */
	uint32_t reserved;
};

/* What a file is known by. */
enum store_id_kind {
	STORE_BUILD_ID = 1, /* the linker's, NT_GNU_BUILD_ID; longer ones are cut */
	STORE_CONTENT = 2,  /* SHA-256 of the whole file */
};

struct store_id {
	uint8_t kind; /* enum store_id_kind */
	uint8_t size;
	uint8_t reserved[6];
	uint8_t bytes[32]; /* the rest zero */
};

/* A file's sites. The observed ones come first, as most processes need no others; each of the two parts is sorted by
 * offset. */
struct store_run {
	uint32_t first;
	uint32_t observed;
	uint32_t count; /* of both parts */
};

struct store_file {
	struct store_id id;
	uint32_t path; /* in strings, where it was seen last; ends with a NUL */
	struct store_run sites;
};

/* A file as stat(2) shows it: the same file, not changed since. Only kept when the change was at least two seconds
 * before, so that a later one shows in ctime. */
struct store_key {
	uint64_t dev, ino, size;
	int64_t mtime, ctime; /* nanoseconds */
	uint32_t file; /* index */
	uint32_t reserved;
};

enum store_site_flags {
	STORE_OBSERVED = 1, /* a program was seen to make a system call here */
	STORE_VERIFIED = 2, /* there is a plan; without it `reason` says why not */
};

/* One `syscall` instruction. The window is the whole instructions right before it that make room for a jump. */
struct store_site {
	uint64_t offset; /* of the instruction, in the file */
	uint64_t function_hash; /* core_hash of the function's bytes: what the analysis relied on */
	uint32_t function_before; /* bytes of the function in front of the instruction */
	uint32_t function_size;
	int32_t nr;      /* the number that the window puts into %eax, or -1: it comes from elsewhere */
	uint8_t flags;   /* enum store_site_flags */
	uint8_t reason;  /* enum store_reason */
	uint8_t window;  /* bytes */
	uint8_t relative; /* position in the window of a 32-bit displacement from %rip, 0xff: there is none */
	uint8_t relative_end; /* and of the end of the instruction that has it */
	uint8_t branch;  /* and of a conditional jump with an 8-bit displacement, 0xff: there is none */
	uint8_t reserved[2];
	uint32_t programs; /* a bit for each group of programs that was seen to make a system call here; 0: any */
};

enum store_reason {
#define REFUSAL(name, text) STORE_##name,
#include "refusals.def"
#undef REFUSAL
	STORE_REASONS
};

_Static_assert(sizeof(struct store_header) == 80, "the store is shared by separate builds");
_Static_assert(sizeof(struct store_file) == 56 && sizeof(struct store_key) == 48, "likewise");
_Static_assert(sizeof(struct store_site) == 40, "likewise");

#endif
