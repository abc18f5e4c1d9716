/*
 * An execve without a helper: what the kernel executes is a carrier (abi/carrier.h), and that loads the program. It is
 * made in memory, as a file without a name.
 *
 * What the kernel would find out about the program is found out here, as far as that can be: once the carrier runs, an
 * error can only kill it.
 *
 * ctx: entry, for all here.
 */
#include "inject/carrier.h"

#include <asm/errno.h>
#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/memfd.h>
#include <linux/mman.h>
#include <linux/resource.h>

#include "abi/carrier.h"
#include "abi/kernel.h"
#include "core/format.h"
#include "core/page.h"
#include "core/string.h"
#include "inject/headers.h"

#define PATH_SIZE 4096

/* Whether the file may be executed. */
static long may_execute(long fd)
{
	long r = sys(execveat, fd, "", NULL, NULL, AT_EMPTY_PATH | KERNEL_AT_EXECVE_CHECK);

	if (r != -EINVAL)
		return r;
	/* A kernel that cannot be asked: the mode of the file, and whether its mount allows programs. */
	r = sys(faccessat2, fd, "", 1, AT_EACCESS | AT_EMPTY_PATH);
	if (failed(r))
		return r;
	r = sys(mmap, 0, CORE_PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	if (failed(r))
		return -EACCES;
	sys(munmap, r, CORE_PAGE);
	return 0;
}

static long open_file(int dirfd, const char *path, unsigned flags)
{
	if (flags & AT_EMPTY_PATH && !*path)
		return sys(fcntl, dirfd, F_DUPFD_CLOEXEC, 0);
	return sys(openat, dirfd, path, O_RDONLY | O_CLOEXEC | (flags & AT_SYMLINK_NOFOLLOW ? O_NOFOLLOW : 0));
}

/* What is executed in the end: the program's file, or the interpreter of a script. */
struct found {
	char heads[SCRIPT_MAX_FILES][SCRIPT_HEAD_SIZE + 1]; /* of scripts: the interpreters and their arguments */
	char **argv;
	long fd;
};

/* Opens the program, which may be a script, or the interpreter of one, and makes the argument vector. path: as the
 * kernel would call it. */
static long find_program(const struct inj_program *program, char *path, struct found *found)
{
	char *name = path;
	long r;

	found->argv = program->argv;
	found->fd = open_file(program->dirfd, program->file, program->flags);
	for (int level = 0; level < SCRIPT_MAX_FILES; level++) {
		char *head = found->heads[level];
		struct script script;

		if (failed(found->fd))
			return found->fd;
		r = may_execute(found->fd);
		if (!failed(r))
			r = sys(pread64, found->fd, head, SCRIPT_HEAD_SIZE, 0);
		if (!failed(r) && !script_is(head, r))
			return 0;
		sys(close, found->fd);
		if (failed(r))
			return r;
		if (!script_parse(head, r, &script))
			return -ENOEXEC;
		/* The script's name takes the place of argument 0; the rest comes in front of it. */
		if (!found->argv[0])
			found->argv--;
		found->argv[0] = name;
		if (script.argument)
			*--found->argv = script.argument;
		*--found->argv = name = script.interpreter;
		found->fd = open_file(AT_FDCWD, name, 0);
	}
	if (!failed(found->fd))
		sys(close, found->fd);
	return -ELOOP;
}

static Elf64_Phdr load_part(uint64_t offset, uint64_t address, uint64_t size, uint32_t flags)
{
	return (Elf64_Phdr){
		.p_type = PT_LOAD,
		.p_flags = flags,
		.p_offset = offset,
		.p_vaddr = address,
		.p_paddr = address,
		.p_filesz = size,
		.p_memsz = size,
		.p_align = CORE_PAGE,
	};
}

/* The carrier's headers. Filters of the program let the calls of the bundle's gate pass at one address: the carrier has
 * to be there, and is anywhere else. */
static void fill_headers(struct carrier *carrier, const struct bundle *bundle)
{
	const Elf64_Phdr *stack = inj_find_part(&carrier->program, PT_GNU_STACK);
	uint64_t wanted = carrier->block.bundle, at = wanted ? wanted - carrier->size : 0, base = at + carrier->size;

	carrier->elf = (Elf64_Ehdr){
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = wanted ? ET_EXEC : ET_DYN,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_entry = base + bundle->carried,
		.e_phoff = offsetof(struct carrier, parts),
		.e_ehsize = sizeof(carrier->elf),
		.e_phentsize = sizeof(carrier->parts[0]),
		.e_phnum = sizeof(carrier->parts) / sizeof(carrier->parts[0]),
	};
	carrier->parts[0] = load_part(0, at, carrier->size, PF_R);
	/* As the segment with the bundle is attached: the file has a hole where the private part will be. */
	carrier->parts[1] = load_part(carrier->size, base, bundle->size, PF_R | PF_X);
	carrier->parts[2] = (Elf64_Phdr){ .p_type = PT_GNU_STACK, .p_flags = stack ? stack->p_flags : PF_R | PF_W };
}

static long write_all(long fd, const void *from, size_t size, uint64_t offset)
{
	for (size_t done = 0; done < size;) {
		long r = sys(pwrite64, fd, (const char *)from + done, size - done, offset + done);

		if (failed(r))
			return r;
		done += (size_t)r;
	}
	return 0;
}

static long write_parts(long fd, const struct carrier *carrier, const struct bundle *bundle)
{
	static const int32_t no_segment = BUNDLE_NO_SEGMENT;
	long r = write_all(fd, carrier, sizeof(*carrier), 0);

	if (!failed(r) && carrier->filters_size)
		r = write_all(fd, (const void *)carrier->block.filters, carrier->filters_size, sizeof(*carrier));
	if (!failed(r))
		r = write_all(fd, bundle, bundle->private_start, carrier->size);
	if (!failed(r) && bundle->shared_id < 0)
		r = write_all(fd, &no_segment, sizeof(no_segment),
			      carrier->size + offsetof(struct bundle, shared_id));
	if (!failed(r) && bundle->store_size)
		r = write_all(fd, (const char *)bundle + bundle->store, bundle->store_size,
			      carrier->size + bundle->store);
	return failed(r) ? r : sys(ftruncate, fd, carrier->size + bundle->size);
}

/* The limit for files that the program writes is not for this one, as far as it may be raised: a longer file would
 * raise SIGXFSZ. */
static long write_carrier(long fd, const struct carrier *carrier, const struct bundle *bundle)
{
	uint64_t size = carrier->size + bundle->size;
	struct rlimit64 limit, raised;
	bool limited = !failed(sys(prlimit64, 0, RLIMIT_FSIZE, 0, &limit)) && limit.rlim_cur < size;
	long r;

	if (limited) {
		raised = (struct rlimit64){ limit.rlim_max, limit.rlim_max };
		if (limit.rlim_max < size || failed(sys(prlimit64, 0, RLIMIT_FSIZE, &raised, 0)))
			return -EFBIG;
	}
	r = write_parts(fd, carrier, bundle);
	if (limited)
		sys(prlimit64, 0, RLIMIT_FSIZE, &limit, 0);
	return r;
}

/* The carrier's name is what /proc/PID/exe shows. */
static long create_file(const char *path)
{
	const char *name = path;
	long fd;

	for (const char *c = path; *c; c++)
		if (*c == '/' && c[1])
			name = c + 1;
	fd = sys(memfd_create, name, MFD_CLOEXEC | KERNEL_MFD_EXEC);
	return fd == -EINVAL ? sys(memfd_create, name, MFD_CLOEXEC) : fd;
}

static long execute(const struct inj_exec *exec, const struct inj_program *program, const struct found *found,
		    struct carrier *carrier)
{
	long r, fd = create_file(program->path);

	if (failed(fd))
		return fd;
	r = write_carrier(fd, carrier, exec->bundle);
	if (!failed(r))
		r = sys(fcntl, found->fd, F_SETFD, 0);
	if (!failed(r) && carrier->interpreter >= 0)
		r = sys(fcntl, carrier->interpreter, F_SETFD, 0);
	if (!failed(r))
		r = sys(execveat, fd, "", found->argv, program->envp, AT_EMPTY_PATH);
	sys(close, fd);
	return r;
}

/* The path by which the kernel calls the program. */
static void name_program(const struct inj_program *program, char path[PATH_SIZE])
{
	if (program->dirfd == AT_FDCWD || *program->path == '/')
		core_print(path, PATH_SIZE, "%s", program->path);
	else
		core_print(path, PATH_SIZE, *program->path ? "/dev/fd/%d/%s" : "/dev/fd/%d", program->dirfd,
			   program->path);
}

/* Opens the ELF interpreter, which the carrier can load. */
static long open_interpreter(const struct inj_program *program, const struct found *found,
			     const struct carrier_headers *headers)
{
	long fd = inj_open_interpreter(found->fd, headers, program->interpreter), r = fd;
	struct carrier_headers interpreter;

	if (failed(fd))
		return fd;
	r = may_execute(fd);
	if (!failed(r))
		r = inj_read_headers(fd, &interpreter);
	if (!failed(r))
		return fd;
	sys(close, fd);
	return r == -ENOEXEC ? -ELIBBAD : r;
}

long inj_carry(const struct inj_exec *exec, const struct inj_program *program)
{
	struct carrier carrier = { .block = exec->block, .interpreter = -1 };
	char path[PATH_SIZE];
	struct found found;
	char **end = program->envp;
	long r;

	if (program->flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	/* The hooks' text would have to become executable. */
	if (carrier.block.frozen && exec->bundle->hook_count)
		return -EPERM;
	name_program(program, path);
	r = find_program(program, path, &found);
	if (failed(r))
		return r;
	while (*end)
		end++;
	end[0] = (char *)"";
	end[1] = path;
	end[2] = NULL;
	r = inj_read_headers(found.fd, &carrier.program);
	if (!failed(r) && inj_find_part(&carrier.program, PT_INTERP)) {
		r = open_interpreter(program, &found, &carrier.program);
		if (!failed(r))
			carrier.interpreter = (int32_t)r;
	}
	if (!failed(r)) {
		if (carrier.block.filters)
			memcpy(&carrier.filters_size, (const void *)carrier.block.filters, sizeof(uint32_t));
		if (carrier.block.values)
			memcpy(&carrier.values, (const void *)carrier.block.values, sizeof(carrier.values));
		carrier.size = (uint32_t)core_page_up(sizeof(carrier) + carrier.filters_size);
		carrier.descriptor = (int32_t)found.fd;
		carrier.by_descriptor = !*program->path;
		fill_headers(&carrier, exec->bundle);
		r = execute(exec, program, &found, &carrier);
	}
	if (carrier.interpreter >= 0)
		sys(close, carrier.interpreter);
	sys(close, found.fd);
	end[0] = NULL;
	return r;
}
