#include "core/build_id.h"

#include <asm/errno.h>
#include <linux/elf.h>

#include "core/string.h"

#ifndef NT_GNU_BUILD_ID
#define NT_GNU_BUILD_ID 3
#endif
#define MAX_HEADERS 64u
#define MAX_NOTES 32u

/* Looks through the notes of one segment. */
static long search_notes(core_read_fn *read, const void *context, uint64_t at, uint64_t size, uint64_t align,
			 struct store_id *id)
{
	uint64_t end = at + size;

	for (unsigned n = 0; n < MAX_NOTES && end - at >= sizeof(Elf64_Nhdr) && at < end; n++) {
		Elf64_Nhdr note;
		char name[4];
		uint64_t name_at = at + sizeof(note), contents;
		long r = read(context, at, &note, sizeof(note));

		if (failed(r))
			return r;
		contents = name_at + ((note.n_namesz + align - 1) & ~(align - 1));
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4) {
			r = read(context, name_at, name, sizeof(name));
			if (failed(r))
				return r;
			if (memcmp(name, "GNU", 4) == 0 && note.n_descsz) {
				memset(id, 0, sizeof(*id));
				id->kind = STORE_BUILD_ID;
				id->size = note.n_descsz < sizeof(id->bytes) ? (uint8_t)note.n_descsz
									      : (uint8_t)sizeof(id->bytes);
				return read(context, contents, id->bytes, id->size);
			}
		}
		at = contents + ((note.n_descsz + align - 1) & ~(align - 1));
	}
	return -ENOENT;
}

long core_build_id(core_read_fn *read, const void *context, struct store_id *id)
{
	Elf64_Ehdr elf;
	long r = read(context, 0, &elf, sizeof(elf));

	if (failed(r))
		return r;
	if (memcmp(elf.e_ident, ELFMAG, SELFMAG) != 0 || elf.e_ident[EI_CLASS] != ELFCLASS64 ||
	    elf.e_machine != EM_X86_64 || elf.e_phentsize != sizeof(Elf64_Phdr))
		return -ENOEXEC;
	for (unsigned i = 0; i < elf.e_phnum && i < MAX_HEADERS; i++) {
		Elf64_Phdr header;

		r = read(context, elf.e_phoff + i * sizeof(header), &header, sizeof(header));
		if (failed(r))
			return r;
		if (header.p_type != PT_NOTE)
			continue;
		r = search_notes(read, context, header.p_offset, header.p_filesz, header.p_align == 8 ? 8 : 4, id);
		if (r != -ENOENT)
			return r;
	}
	return -ENOENT;
}
