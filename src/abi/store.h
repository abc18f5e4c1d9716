/*
 * The format of the store: what the offline phase knows of files and their system call instructions. The store is one
 * file, which the command line tool writes whole and puts in place by rename. `k23 run` puts the store into the bundle,
 * where every process looks files up while it maps them. Readers do not trust the store: they check each offset, and
 * use a plan only if the bytes on the spot are those that were analysed.
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
#define STORE_VERSION 4u
#define STORE_BUCKET_KEY 0x80000000u

/* Programs are told apart by the name of their file, into this many groups. */
#define STORE_PROGRAMS 32u

#define STORE_MIN_WINDOW 5u /* jmp rel32 */
/* The longest window that fits into a stub (core/patch.h), and by how many bytes the stub's conditional jump is
 * longer. */
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
	uint32_t programs; /* of all sites together: a bit for each group */
	uint32_t reserved;
};

/* What a file is identified by. */
enum store_id_kind {
	STORE_BUILD_ID = 1, /* the build-id that the linker made (NT_GNU_BUILD_ID), cut to 32 bytes */
	STORE_CONTENT = 2,  /* SHA-256 of the whole file */
};

struct store_id {
	uint8_t kind; /* enum store_id_kind */
	uint8_t size;
	uint8_t reserved[6];
	uint8_t bytes[32]; /* zero from `size` on */
};

/* The sites of a file. The observed sites come first, as most processes need no others. Each of the two parts is sorted
 * by offset. */
struct store_run {
	uint32_t first;    /* the index of the first site */
	uint32_t observed; /* how many sites are observed */
	uint32_t count;    /* how many sites there are in all */
};

struct store_file {
	struct store_id id;
	uint32_t path; /* in strings, with a NUL: where the file was seen last */
	struct store_run sites;
};

/* What stat(2) shows of a file. A file that shows the same is the same and unchanged. A key is only made at least two
 * seconds after the last change of the file, so that a later change has another ctime. */
struct store_key {
	uint64_t dev, ino, size;
	int64_t mtime, ctime; /* nanoseconds */
	uint32_t file; /* its index */
	uint32_t flags; /* enum store_key_flags */
};

enum store_key_flags {
	STORE_NO_VSYSCALL = 1, /* the file was looked through, and names no address of the vsyscall page */
};

enum store_site_flags {
	STORE_OBSERVED = 1, /* a program was seen to make a system call here */
	STORE_VERIFIED = 2, /* the site has a plan; if not, `reason` says why */
	STORE_STABLE = 4,   /* a probe may come and go at each instruction of the window: see sites/window.h */
};

/* A site, and how it can be patched. */
struct store_site {
	uint64_t offset; /* of the system call instruction, in the file */
	uint64_t function_hash; /* core_hash of the bytes of the function around the site, as they were analysed */
	uint32_t function_before; /* how many bytes of the function are in front of the instruction */
	uint32_t function_size;
	int32_t nr;      /* the number that the window puts into %eax; -1: the window does not say */
	uint8_t flags;   /* enum store_site_flags */
	uint8_t reason;  /* enum store_reason */
	uint8_t window;  /* the size of the window */
	uint8_t relative; /* the position in the window of a 32-bit displacement from %rip; 0xff: there is none */
	uint8_t relative_end; /* the position of the end of the instruction with that displacement */
	uint8_t branch;  /* the position of a conditional jump with an 8-bit displacement; 0xff: there is none */
	uint8_t kept;    /* how many bytes of the window are in front of the jump */
	int8_t hop;      /* the displacement of a short jump to padding, which has the jump; 0: there is no such jump */
	uint32_t programs; /* a bit for each group of programs that was seen to use the site; 0: any program */
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
