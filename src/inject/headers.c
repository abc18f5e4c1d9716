#include "inject/headers.h"

#include <asm/errno.h>
#include <linux/fcntl.h>

#include "core/string.h"

#define PATH_SIZE 4096

/* ctx: boot | entry */
static long read_all(long fd, void *to, size_t size, uint64_t offset)
{
	long r = sys(pread64, fd, to, size, offset);

	if (failed(r))
		return r;
	return (size_t)r == size ? 0 : -ENOEXEC;
}

/* ctx: boot | entry */
long inj_read_headers(long fd, struct carrier_headers *headers)
{
	long r = read_all(fd, &headers->elf, sizeof(headers->elf), 0);

	if (failed(r))
		return r;
	if (memcmp(headers->elf.e_ident, ELFMAG, SELFMAG) != 0 || headers->elf.e_machine != EM_X86_64 ||
	    headers->elf.e_phentsize != sizeof(Elf64_Phdr) || headers->elf.e_phnum == 0 ||
	    headers->elf.e_phnum > CARRIER_MAX_PARTS ||
	    (headers->elf.e_type != ET_EXEC && headers->elf.e_type != ET_DYN))
		return -ENOEXEC;
	return read_all(fd, headers->parts, headers->elf.e_phnum * sizeof(Elf64_Phdr), headers->elf.e_phoff);
}

/* ctx: boot | entry */
const Elf64_Phdr *inj_find_part(const struct carrier_headers *headers, uint32_t type)
{
	for (unsigned i = 0; i < headers->elf.e_phnum; i++)
		if (headers->parts[i].p_type == type)
			return &headers->parts[i];
	return NULL;
}

/* ctx: entry */
long inj_open_interpreter(long fd, const struct carrier_headers *program, const char *path)
{
	const Elf64_Phdr *part = inj_find_part(program, PT_INTERP);
	char named[PATH_SIZE];
	long r;

	if (!part)
		return -ENOENT;
	if (part->p_filesz < 2 || part->p_filesz > sizeof(named))
		return -ENOEXEC;
	r = read_all(fd, named, part->p_filesz, part->p_offset);
	if (failed(r))
		return r;
	if (named[part->p_filesz - 1])
		return -ENOEXEC;
	return sys(openat, AT_FDCWD, path ? path : named, O_RDONLY | O_CLOEXEC);
}
