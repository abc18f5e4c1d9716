/*
 * Looking at a program before its execve, without executing it. Most calls of execve that will fail are recognised, so
 * that no helper is started for them. Programs that cannot be interposed are recognised, too, while the caller can
 * still be given an error.
 *
 * ctx: entry, for all here.
 */
#include <asm/errno.h>
#include <asm/stat.h>
#include <linux/elf.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

#include "core/string.h"
#include "inject/inject.h"
#include "inject/script.h"

#define O_RDONLY_CLOEXEC_NONBLOCK (O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
#define X_OK 1
#define ALL_MAY_EXECUTE 0111

/* Reads the head of a file, up to SCRIPT_HEAD_SIZE bytes. Returns how many, or -errno. */
static long read_head(int dirfd, const char *path, unsigned flags, char *head)
{
	long fd, r;

	if (flags & AT_EMPTY_PATH && !*path)
		return sys(pread64, dirfd, head, SCRIPT_HEAD_SIZE, 0);
	fd = sys(openat, dirfd, path, O_RDONLY_CLOEXEC_NONBLOCK | (flags & AT_SYMLINK_NOFOLLOW ? O_NOFOLLOW : 0));
	if (failed(fd))
		return fd;
	r = sys(pread64, fd, head, SCRIPT_HEAD_SIZE, 0);
	sys(close, fd);
	return r;
}

static bool is_elf(const char *head, long size)
{
	return size >= (long)sizeof(Elf64_Ehdr) && memcmp(head, ELFMAG, SELFMAG) == 0;
}

/* The kernel knows classes by the size of a program header, and does not look at e_ident[EI_CLASS]. */
static bool is_native(const char *head, long size)
{
	const Elf64_Ehdr *elf = (const void *)head;

	return is_elf(head, size) && elf->e_machine == EM_X86_64 && elf->e_phentsize == sizeof(Elf64_Phdr);
}

/* Whether the kernel itself can run an ELF file, but not as a 64-bit x86 program. It refuses those of other machines,
 * or gives them to an interpreter that was registered for them (binfmt_misc), which can be interposed. */
static bool is_foreign(const char *head, long size)
{
	const Elf32_Ehdr *elf = (const void *)head;

	return is_elf(head, size) && elf->e_phentsize == sizeof(Elf32_Phdr) &&
	       (elf->e_machine == EM_386 || elf->e_machine == EM_486 || elf->e_machine == EM_X86_64);
}

struct inj_check inj_check(int dirfd, const char *path, unsigned flags)
{
	static const unsigned known = AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW;
	char heads[2][SCRIPT_HEAD_SIZE + 1] __attribute__((aligned(8)));

	if (flags & ~known)
		return (struct inj_check){ INJ_TRY, 0, false };
	for (int level = 0; level < SCRIPT_MAX_FILES; level++) {
		char *head = heads[level & 1];
		struct script script;
		struct stat status;
		bool inaccessible;
		long r = sys(newfstatat, dirfd, path, &status, flags);

		if (failed(r))
			return (struct inj_check){ INJ_FAILS, r, level > 0 };
		if ((status.st_mode & S_IFMT) == S_IFLNK)
			return (struct inj_check){ INJ_FAILS, -ELOOP, level > 0 };
		if ((status.st_mode & S_IFMT) != S_IFREG)
			return (struct inj_check){ INJ_FAILS, -EACCES, level > 0 };
		/* The quick way, for most files: all users may execute the file, and it is a program that can be
		 * interposed. The mount or an access control list may still forbid it, which execve finds out. */
		if ((status.st_mode & ALL_MAY_EXECUTE) == ALL_MAY_EXECUTE) {
			r = read_head(dirfd, path, flags, head);
			if (is_native(head, r))
				return (struct inj_check){ INJ_TRY, 0, false };
		}
		/* faccessat2 goes by the effective ids. On a kernel without it, execve itself finds out. */
		r = sys(faccessat2, dirfd, path, X_OK, AT_EACCESS | flags);
		if (r == -EACCES || r == -EPERM)
			return (struct inj_check){ INJ_FAILS, -EACCES, level > 0 };
		r = read_head(dirfd, path, flags, head);
		if (r == -EACCES)
			return (struct inj_check){ INJ_SECRET, -EACCES, true };
		if (failed(r))
			return (struct inj_check){ INJ_TRY, 0, false };
		if (is_foreign(head, r))
			return (struct inj_check){ INJ_FOREIGN, -ENOEXEC, true };
		if (!script_is(head, r) || !script_parse(head, r, &script))
			return (struct inj_check){ INJ_TRY, 0, false };
		/* The interpreter could not open the script: its path is relative to a descriptor that execve
		 * closes. */
		inaccessible = dirfd != AT_FDCWD && *path != '/' && sys(fcntl, dirfd, F_GETFD) & FD_CLOEXEC;
		path = script.interpreter;
		if (inaccessible)
			return (struct inj_check){ INJ_FAILS, -ENOENT, true };
		dirfd = AT_FDCWD;
		flags = 0;
	}
	return (struct inj_check){ INJ_TRY, 0, false };
}

bool inj_is_program_error(long error)
{
	return error == -E2BIG || error == -EACCES || error == -EFAULT || error == -EINVAL || error == -ELIBBAD ||
	       error == -ELOOP || error == -ENOENT || error == -ENOEXEC || error == -ENOTDIR || error == -ETXTBSY;
}
