/*
 * A hook's ELF file, as the bundle needs it. The runtime's file is read as a hook's.
 */
#ifndef CLI_HOOK_FILE_H
#define CLI_HOOK_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sites/elf_file.h"

#define HOOK_FILE_SEGMENTS 8

struct hook_file_segment {
	uint64_t address; /* page-aligned */
	uint64_t size;    /* whole pages */
	int prot;
	const char *contents; /* goes to address + lead */
	uint64_t lead;
	uint64_t contents_size;
};

/* A word to which the file's address is to be added, and the word's value before that. */
struct hook_file_fixup {
	uint64_t address;
	uint64_t value;
};

struct hook_file {
	const char *path;
	struct elf_file elf;
	bool opened; /* and not in memory already */
	bool hosted; /* it is a world (k23/world.h) */
	bool prepares; /* of a world: it has .prepare */
	uint64_t entry;
	uint64_t size; /* from 0 to the end of the last segment */
	struct hook_file_segment segments[HOOK_FILE_SEGMENTS];
	size_t segment_count;
	struct hook_file_fixup *fixups; /* a world makes them itself */
	size_t fixup_count;
};

/* Makes *problem an allocated text, and returns false. */
bool hook_wrong(char **problem, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* False when the file cannot be used; then an allocated text in *problem says why. */
bool hook_file_open(struct hook_file *file, const char *path, char **problem);
bool hook_file_open_memory(struct hook_file *file, const char *name, const char *image, size_t size, char **problem);

void hook_file_close(struct hook_file *file);

/* A symbol's address, or 0. */
uint64_t hook_file_symbol(const struct hook_file *file, const char *name);
/* The contents at an address, or NULL when the file has none of this size there. */
const void *hook_file_at(const struct hook_file *file, uint64_t address, size_t size);
/* The value of the word at an address: its fixup's, if it has one. */
uint64_t hook_file_word(const struct hook_file *file, uint64_t address);

#endif
