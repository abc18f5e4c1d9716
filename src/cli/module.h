/*
 * Reading the runtime's ELF file, or a hook's, for the bundle.
 */
#ifndef CLI_MODULE_H
#define CLI_MODULE_H

#include <libelf.h>
#include <stdint.h>

#define MODULE_SEGMENTS 8

struct module_segment {
	uint64_t address; /* page-aligned */
	uint64_t size;    /* whole pages */
	int prot;
	const char *contents; /* goes to address + lead */
	uint64_t lead;
	uint64_t contents_size;
};

/* A word to which the module's address is to be added; its value before that. */
struct module_fixup {
	uint64_t address;
	uint64_t value;
};

struct module {
	const char *file;
	Elf *elf;
	uint64_t entry;
	uint64_t size; /* from 0 to the end of the last segment */
	struct module_segment segments[MODULE_SEGMENTS];
	size_t segment_count;
	struct module_fixup *fixups;
	size_t fixup_count;
};

/* What is wrong with a module goes to `problem` (allocated); then the result is false. */
bool module_open_file(struct module *module, const char *file, char **problem);
bool module_open_memory(struct module *module, const char *name, char *image, size_t size, char **problem);

void module_close(struct module *module);

/* A symbol's address, or 0. */
uint64_t module_symbol(const struct module *module, const char *name);
/* The contents at an address, or NULL when the file has none of this size there. */
const void *module_at(const struct module *module, uint64_t address, size_t size);
/* The value of a word with its fixup's, if it has one. */
uint64_t module_word(const struct module *module, uint64_t address);

#endif
