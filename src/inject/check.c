/*
 * What is known of a program before execve: most failing ones need no helper then, and those that cannot be
 * interposed are refused while there is still somebody to return an error to.
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

#define HEAD 256  /* what the kernel reads of a file to find out what it is (BINPRM_BUF_SIZE) */
#define LEVELS 5  /* scripts that have scripts as interpreters, before the kernel says ELOOP */
#define O_RDONLY_CLOEXEC_NONBLOCK (O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
#define X_OK 1
#define ANYBODY_X 0111

/* Reads the head of a file. Returns the size or -errno. */
static long read_head(int dirfd, const char *path, unsigned flags, char *head)
{
	long fd, r;

	if (flags & AT_EMPTY_PATH && !*path)
		return sys(pread64, dirfd, head, HEAD, 0);
	fd = sys(openat, dirfd, path, O_RDONLY_CLOEXEC_NONBLOCK | (flags & AT_SYMLINK_NOFOLLOW ? O_NOFOLLOW : 0));
	if (failed(fd))
		return fd;
	r = sys(pread64, fd, head, HEAD, 0);
	sys(close, fd);
	return r;
}

/* Makes a string of a script's interpreter. Returns where it starts, or NULL. */
static char *interpreter(char *head, long size)
{
	long i = 2, start;

	while (i < size && (head[i] == ' ' || head[i] == '\t'))
		i++;
	start = i;
	while (i < size && head[i] && head[i] != ' ' && head[i] != '\t' && head[i] != '\n')
		i++;
	if (i == start || i >= HEAD)
		return NULL;
	head[i] = '\0';
	return head + start;
}

static bool is_elf(const char *head, long size)
{
	return size >= 20 && memcmp(head, ELFMAG, SELFMAG) == 0;
}

static bool is_foreign(const char *head, long size)
{
	const Elf64_Ehdr *elf = (const void *)head;

	return is_elf(head, size) && (elf->e_ident[EI_CLASS] != ELFCLASS64 || elf->e_machine != EM_X86_64);
}

struct inj_check inj_check(int dirfd, const char *path, unsigned flags)
{
	static const unsigned known = AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW;
	char heads[2][HEAD + 1] __attribute__((aligned(8)));

	if (flags & ~known)
		return (struct inj_check){ INJ_TRY, 0 };
	for (int level = 0; level < LEVELS; level++) {
		char *head = heads[level & 1];
		struct stat status;
		bool inaccessible;
		long r = sys(newfstatat, dirfd, path, &status, flags);

		if (failed(r))
			return (struct inj_check){ INJ_FAILS, r };
		if ((status.st_mode & S_IFMT) == S_IFLNK)
			return (struct inj_check){ INJ_FAILS, -ELOOP };
		if ((status.st_mode & S_IFMT) != S_IFREG)
			return (struct inj_check){ INJ_FAILS, -EACCES };
		/* Most files anybody may execute. Whether the mount, or an access control list, says otherwise, is for execve to
		 * find out when there is nothing else to say of the file. */
		if ((status.st_mode & ANYBODY_X) == ANYBODY_X) {
			r = read_head(dirfd, path, flags, head);
			if (is_elf(head, r) && !is_foreign(head, r))
				return (struct inj_check){ INJ_TRY, 0 };
		}
		/* faccessat2, for the effective ids; without it execve itself says what it thinks. */
		r = sys(faccessat2, dirfd, path, X_OK, AT_EACCESS | flags);
		if (r == -EACCES || r == -EPERM)
			return (struct inj_check){ INJ_FAILS, -EACCES };
		r = read_head(dirfd, path, flags, head);
		if (r == -EACCES)
			return (struct inj_check){ INJ_SECRET, -EACCES };
		if (failed(r))
			return (struct inj_check){ INJ_TRY, 0 };
		if (is_foreign(head, r))
			return (struct inj_check){ INJ_FOREIGN, -ENOEXEC };
		if (r < 2 || head[0] != '#' || head[1] != '!')
			return (struct inj_check){ INJ_TRY, 0 };
		head[r] = '\0';
		/* The interpreter would be told to open what is closed then. */
		inaccessible = dirfd != AT_FDCWD && *path != '/' && sys(fcntl, dirfd, F_GETFD) & FD_CLOEXEC;
		path = interpreter(head, r);
		if (!path)
			return (struct inj_check){ INJ_TRY, 0 };
		if (inaccessible)
			return (struct inj_check){ INJ_FAILS, -ENOENT };
		dirfd = AT_FDCWD;
		flags = 0;
	}
	return (struct inj_check){ INJ_TRY, 0 };
}
