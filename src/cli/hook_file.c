/*
 * Reading the ELF files of a bundle, and refusing those that break a rule of k23's.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "cli/cli.h"
#include "cli/hook_file.h"
#include "core/page.h"

#define LARGEST (16ull << 20) /* a larger hook is a mistake: hooks are copied at every execve */

bool hook_wrong(char **problem, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (vasprintf(problem, format, args) < 0)
		*problem = NULL;
	va_end(args);
	return false;
}

static bool read_segment(struct hook_file *file, const Elf64_Phdr *header, char **problem)
{
	struct hook_file_segment *segment = &file->segments[file->segment_count];
	uint64_t end;

	if (file->segment_count == HOOK_FILE_SEGMENTS)
		return hook_wrong(problem, "it has more than %d segments", HOOK_FILE_SEGMENTS);
	if (header->p_vaddr + header->p_memsz < header->p_vaddr || header->p_vaddr + header->p_memsz > LARGEST ||
	    !elf_file_table(&file->elf, header->p_offset, header->p_filesz, 1) ||
	    header->p_filesz > header->p_memsz)
		return hook_wrong(problem, "its segments are damaged or too large");
	segment->address = core_page_down(header->p_vaddr);
	segment->lead = header->p_vaddr - segment->address;
	end = core_page_up(header->p_vaddr + header->p_memsz);
	segment->size = end - segment->address;
	segment->prot = (header->p_flags & PF_R ? PROT_READ : 0) | (header->p_flags & PF_W ? PROT_WRITE : 0) |
			(header->p_flags & PF_X ? PROT_EXEC : 0);
	segment->contents = (const char *)file->elf.bytes + header->p_offset;
	segment->contents_size = header->p_filesz;
	if ((segment->prot & (PROT_WRITE | PROT_EXEC)) == (PROT_WRITE | PROT_EXEC))
		return hook_wrong(problem, "it has a segment that is writable and executable");
	if (segment->address < file->size)
		return hook_wrong(problem, "its segments share pages (link it with -Wl,-z,separate-code)");
	file->size = end;
	file->segment_count++;
	return true;
}

static bool read_segments(struct hook_file *file, char **problem)
{
	Elf64_Ehdr header;

	memcpy(&header, file->elf.bytes, sizeof(header));
	for (size_t i = 0; i < header.e_phnum; i++) {
		Elf64_Phdr segment;

		memcpy(&segment, file->elf.bytes + header.e_phoff + i * sizeof(segment), sizeof(segment));
		if (segment.p_type == PT_INTERP && file->hosted)
			return hook_wrong(problem, "it is not linked statically (build it with k23 cc --hosted)");
		if (segment.p_type == PT_TLS && !file->hosted)
			return hook_wrong(problem, "it has thread-local variables (use .thread_size)");
		if (segment.p_type == PT_LOAD && segment.p_memsz && !read_segment(file, &segment, problem))
			return false;
	}
	return file->segment_count ? true : hook_wrong(problem, "it has nothing to load");
}

/* A section that is a table. */
struct table {
	Elf64_Shdr header;
	const uint8_t *at;
	size_t count;
	const char *names; /* the strings that its entries name by their offset: the last one ends with them */
	size_t names_size;
};

/* Finds the table that a section's header tells of. False: it is damaged. */
static bool find_table(const struct hook_file *file, const Elf64_Shdr *header, size_t size, struct table *table)
{
	const uint8_t *names;
	Elf64_Shdr strings;

	*table = (struct table){ .header = *header, .count = header->sh_size / size };
	table->at = elf_file_table(&file->elf, header->sh_offset, header->sh_size, 1);
	if (!table->at || header->sh_entsize != size)
		return false;
	if (!elf_file_section_header(&file->elf, header->sh_link, &strings) || !strings.sh_size)
		return true;
	names = elf_file_table(&file->elf, strings.sh_offset, strings.sh_size, 1);
	if (names && !names[strings.sh_size - 1]) {
		table->names = (const char *)names;
		table->names_size = strings.sh_size;
	}
	return true;
}

static const char *name_at(const struct table *table, uint64_t offset)
{
	return offset < table->names_size ? table->names + offset : "";
}

/* Calls use() for each section of a type, a table of entries of a size. */
static bool for_tables(struct hook_file *file, uint32_t type, size_t size,
		       bool (*use)(struct hook_file *, const struct table *, char **), char **problem)
{
	struct table table;
	Elf64_Shdr header;

	for (uint32_t i = 0; elf_file_section_header(&file->elf, i, &header); i++) {
		if (header.sh_type != type)
			continue;
		if (!find_table(file, &header, size, &table))
			return hook_wrong(problem, "a section is damaged");
		if (!use(file, &table, problem))
			return false;
	}
	return true;
}

static bool check_dynamic(struct hook_file *file, const struct table *table, char **problem)
{
	for (size_t i = 0; i < table->count; i++) {
		Elf64_Dyn entry;

		memcpy(&entry, table->at + i * sizeof(entry), sizeof(entry));
		if (entry.d_tag == DT_NEEDED)
			return hook_wrong(problem, "it needs the library %s (link it with -nostdlib)",
					  name_at(table, entry.d_un.d_val));
		if (file->hosted)
			continue;
		if (entry.d_tag == DT_INIT || (entry.d_tag == DT_INIT_ARRAYSZ && entry.d_un.d_val))
			return hook_wrong(problem, "it has constructors (use .init)");
	}
	return true;
}

static bool check_symbols(struct hook_file *file, const struct table *table, char **problem)
{
	if (file->hosted)
		return true; /* that are not there are weak */
	for (size_t i = 1; i < table->count; i++) {
		Elf64_Sym symbol;

		memcpy(&symbol, table->at + i * sizeof(symbol), sizeof(symbol));
		if (symbol.st_shndx == SHN_UNDEF)
			return hook_wrong(problem, "it uses %s, which nobody provides: there is no libc in a hook "
						   "(build it with k23 cc --hosted)",
					  name_at(table, symbol.st_name));
	}
	return true;
}

static const struct hook_file_segment *segment_of(const struct hook_file *file, uint64_t address, size_t size)
{
	for (size_t i = 0; i < file->segment_count; i++) {
		const struct hook_file_segment *segment = &file->segments[i];

		if (address >= segment->address && address - segment->address <= segment->size &&
		    size <= segment->size - (address - segment->address))
			return segment;
	}
	return NULL;
}

/* The symbol of a relocation. False: there is none of that number. */
static bool symbol_of(const struct hook_file *file, const struct table *relocations, uint64_t index, Elf64_Sym *symbol)
{
	struct table symbols;
	Elf64_Shdr header;

	if (!elf_file_section_header(&file->elf, relocations->header.sh_link, &header) ||
	    !find_table(file, &header, sizeof(*symbol), &symbols) || index >= symbols.count)
		return false;
	memcpy(symbol, symbols.at + index * sizeof(*symbol), sizeof(*symbol));
	return true;
}

static bool read_relocation(struct hook_file *file, const struct table *table, const Elf64_Rela *relocation,
			    char **problem)
{
	uint32_t type = ELF64_R_TYPE(relocation->r_info);
	uint64_t value = (uint64_t)relocation->r_addend;
	const struct hook_file_segment *segment;
	Elf64_Sym symbol;

	switch (type) {
	case R_X86_64_NONE:
		return true;
	case R_X86_64_RELATIVE:
		break;
	case R_X86_64_GLOB_DAT:
	case R_X86_64_JUMP_SLOT:
	case R_X86_64_64:
		if (!symbol_of(file, table, ELF64_R_SYM(relocation->r_info), &symbol))
			return hook_wrong(problem, "its relocations are damaged");
		value = symbol.st_value + (type == R_X86_64_64 ? value : 0);
		break;
	default:
		if (file->hosted)
			return true;
		return hook_wrong(problem, "it has a relocation of type %u, which k23 does not know", type);
	}
	segment = segment_of(file, relocation->r_offset, 8);
	if (!segment || !(segment->prot & PROT_WRITE))
		return hook_wrong(problem, "it has relocations in its text (compile it with -fPIC)");
	file->fixups[file->fixup_count++] = (struct hook_file_fixup){ relocation->r_offset, value };
	return true;
}

static bool read_relocations(struct hook_file *file, const struct table *table, char **problem)
{
	if (!(table->header.sh_flags & SHF_ALLOC) || !table->count)
		return true;
	file->fixups = reallocarray(file->fixups, file->fixup_count + table->count, sizeof(*file->fixups));
	if (!file->fixups)
		die(EXIT_K23, "out of memory");
	for (size_t i = 0; i < table->count; i++) {
		Elf64_Rela relocation;

		memcpy(&relocation, table->at + i * sizeof(relocation), sizeof(relocation));
		if (!read_relocation(file, table, &relocation, problem))
			return false;
	}
	return true;
}

static bool read_file(struct hook_file *file, char **problem)
{
	if (file->elf.fixed)
		return hook_wrong(problem, "it is not a shared object");
	file->entry = file->elf.entry;
	file->hosted = hook_file_symbol(file, "k23_world") != 0;
	return read_segments(file, problem) &&
	       for_tables(file, SHT_DYNAMIC, sizeof(Elf64_Dyn), check_dynamic, problem) &&
	       for_tables(file, SHT_DYNSYM, sizeof(Elf64_Sym), check_symbols, problem) &&
	       for_tables(file, SHT_RELA, sizeof(Elf64_Rela), read_relocations, problem);
}

static bool not_opened(long error, char **problem)
{
	if (error == -ENOEXEC)
		return hook_wrong(problem, "it is not a shared object for 64-bit x86");
	return hook_wrong(problem, "%s", error == -ESTALE ? "it was changed while it was read" : strerror((int)-error));
}

bool hook_file_open(struct hook_file *file, const char *path, char **problem)
{
	long r;

	memset(file, 0, sizeof(*file));
	file->path = path;
	r = elf_file_open(&file->elf, path);
	file->opened = r == 0;
	return r == 0 ? read_file(file, problem) : not_opened(r, problem);
}

bool hook_file_open_memory(struct hook_file *file, const char *name, const char *image, size_t size, char **problem)
{
	long r;

	memset(file, 0, sizeof(*file));
	file->path = name;
	r = elf_file_parse(&file->elf, (const uint8_t *)image, size);
	return r == 0 ? read_file(file, problem) : not_opened(r, problem);
}

void hook_file_close(struct hook_file *file)
{
	if (file->opened)
		elf_file_close(&file->elf);
	free(file->fixups);
}

uint64_t hook_file_symbol(const struct hook_file *file, const char *name)
{
	struct table table;
	Elf64_Shdr header;

	for (uint32_t i = 0; elf_file_section_header(&file->elf, i, &header); i++) {
		if ((header.sh_type != SHT_DYNSYM && header.sh_type != SHT_SYMTAB) ||
		    !find_table(file, &header, sizeof(Elf64_Sym), &table))
			continue;
		for (size_t n = 1; n < table.count; n++) {
			Elf64_Sym symbol;

			memcpy(&symbol, table.at + n * sizeof(symbol), sizeof(symbol));
			if (symbol.st_shndx != SHN_UNDEF && strcmp(name_at(&table, symbol.st_name), name) == 0)
				return symbol.st_value;
		}
	}
	return 0;
}

const void *hook_file_at(const struct hook_file *file, uint64_t address, size_t size)
{
	const struct hook_file_segment *segment = segment_of(file, address, size);
	uint64_t offset;

	if (!segment || address < segment->address + segment->lead)
		return NULL;
	offset = address - segment->address - segment->lead;
	return offset <= segment->contents_size && size <= segment->contents_size - offset
		       ? segment->contents + offset
		       : NULL;
}

uint64_t hook_file_word(const struct hook_file *file, uint64_t address)
{
	const uint64_t *word = hook_file_at(file, address, sizeof(*word));

	for (size_t i = 0; i < file->fixup_count; i++)
		if (file->fixups[i].address == address)
			return file->fixups[i].value;
	return word ? *word : 0;
}
