/*
 * A 64-bit x86 ELF file, read whole. It may be an attacker's, so every offset in it is checked.
 */
#ifndef SITES_ELF_FILE_H
#define SITES_ELF_FILE_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "abi/store.h"
#include "abi/syscall.h"

#define ELF_FILE_SEGMENTS 64u

/* A PT_LOAD segment's bytes in the file. */
struct elf_file_segment {
	uint64_t address, offset, size;
	uint32_t flags; /* PF_R... */
};

struct elf_file_section {
	uint64_t address, offset, size;
};

struct elf_file {
	const uint8_t *bytes;
	size_t size;
	bool fixed;     /* ET_EXEC: it is loaded at the addresses that it names */
	uint64_t entry; /* 0: there is none */
	struct elf_file_segment segments[ELF_FILE_SEGMENTS]; /* by address */
	uint32_t segment_count;
	struct elf_file_section eh_frame_hdr, eh_frame; /* size 0: there is none */
	uint64_t dynamic, dynamic_size; /* in the file */
	uint64_t interpreter, interpreter_size; /* in the file: its name, with a NUL; size 0: there is none */
	struct stat stat; /* of the file when its bytes were read; zero for elf_file_parse() */
};

/* Reads a regular file. 0, -ENOEXEC for a file that is no 64-bit x86 program or library, -ESTALE for a file that
 * changed meanwhile, or another -errno. */
long elf_file_open(struct elf_file *elf, const char *path) must_check;
/* The same for bytes, which the caller keeps until the end. */
long elf_file_parse(struct elf_file *elf, const uint8_t *bytes, size_t size) must_check;
/* Only after elf_file_open. */
void elf_file_close(struct elf_file *elf);

/* A table of `count` entries of `size` bytes at an offset in the file; NULL unless all of it is there. */
const uint8_t *elf_file_table(const struct elf_file *elf, uint64_t offset, uint64_t count, uint64_t size);
/* The header of a section, by its number. False: there is none. */
bool elf_file_section_header(const struct elf_file *elf, uint32_t index, Elf64_Shdr *section);

/* A section that is loaded, by its name. False: there is none. */
bool elf_file_find_section(const struct elf_file *elf, const char *name, struct elf_file_section *found);

/* The `size` bytes that a segment has at an address, or NULL. */
const uint8_t *elf_file_at(const struct elf_file *elf, uint64_t address, uint64_t size);
/* The segment that an address, or an offset in the file, is in, or NULL. */
const struct elf_file_segment *elf_file_segment(const struct elf_file *elf, uint64_t address);
const struct elf_file_segment *elf_file_segment_of_offset(const struct elf_file *elf, uint64_t offset);
/* Whether code runs from a segment: it is executable and not writable. */
static inline bool elf_file_is_text(const struct elf_file_segment *segment)
{
	return segment && (segment->flags & (PF_X | PF_W)) == PF_X;
}

/* The ELF interpreter that the file names, or NULL. */
const char *elf_file_interpreter(const struct elf_file *elf);
/* The string of the dynamic section's entry with a tag, the index-th of these, or NULL. */
const char *elf_file_string(const struct elf_file *elf, int64_t tag, unsigned index);

/* Calls `see` for every defined symbol with an address, twice for a symbol that is in two tables, until `see` returns
 * false. */
typedef bool elf_file_symbol_fn(void *context, const Elf64_Sym *symbol);
void elf_file_symbols(const struct elf_file *elf, elf_file_symbol_fn *see, void *context);
/* Calls `see` for the values that the file's dynamic relocations write, relative to the load address, until it returns
 * false. */
typedef bool elf_file_value_fn(void *context, uint64_t value);
void elf_file_relocations(const struct elf_file *elf, elf_file_value_fn *see, void *context);

#endif
