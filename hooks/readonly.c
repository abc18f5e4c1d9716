/*
 * readonly: a read-only file system, but for one directory: k23 run --hook readonly:root=/tmp -- make
 *
 * What would change something elsewhere fails with EROFS, as on a file system mounted so; there, too,
 * devices can be written to. It keeps a program that means no harm from leaving traces.
 */
#include <k23/place.h>

#include <sys/socket.h>

/* What a call does with a path: makes it, replaces or makes it, takes a link itself, changes data. */
enum { NEW = 1, REPLACES = 2, NOFOLLOW = 4, DATA = 8 };

static struct k23_place root;

/* 0 when the call may be made: also when the kernel will say what is wrong. */
static long check(int dirfd, unsigned long address, int how)
{
	char path[K23_PATH_MAX];
	struct k23_place place;
	long length = address ? k23_copy_string(path, sizeof(path), address) : 0, r;

	if (length < 0 || (!length && dirfd == AT_FDCWD))
		return 0;
	r = !length ? k23_place_of_fd(&place, dirfd) /* NULL or "": the descriptor itself */
		    : k23_place(&place, dirfd, path, how & NOFOLLOW ? AT_SYMLINK_NOFOLLOW : 0);
	if (r < 0)
		return r == -EMFILE || r == -ENFILE ? r : 0;
	if ((place.mode ? how & NEW : !(how & (NEW | REPLACES))) || *place.path != '/')
		return 0; /* EEXIST, ENOENT; a pipe */
	if (how & DATA && place.mode && !S_ISREG(place.mode) && !S_ISDIR(place.mode))
		return 0;
	return k23_path_under(place.path, root.path) ? 0 : -EROFS;
}

/* Checks each path of the call: the first as `how` says, the others as `then`. */
static long check_call(struct k23_call *call, int how, int then)
{
	const struct k23_syscall_info *info = k23_describe(call);
	unsigned long flags = 0;
	long r = 0;

	for (int i = 1; i < info->args; i++) /* they come last */
		flags = info->kind[i] == K23_HEX && info->kind[0] == K23_DIRFD ? call->args[i] : flags;
	if (flags & (AT_SYMLINK_NOFOLLOW | AT_SYMLINK_FOLLOW) && !(how & (DATA | NEW)))
		how = flags & AT_SYMLINK_FOLLOW ? how & ~NOFOLLOW : how | NOFOLLOW;
	for (int i = 0; i < info->args && !r; i++) {
		if (info->kind[i] != K23_PATH)
			continue;
		r = check(i && info->kind[i - 1] == K23_DIRFD ? (int)call->args[i - 1] : AT_FDCWD, call->args[i], how);
		how = then;
	}
	return r ? r : k23_forward(call);
}

#define CALLS(name, how, then) \
	static long name(struct k23_call *call) { return check_call(call, how, then); }
CALLS(changes, 0, 0)
CALLS(writes, DATA, 0)
CALLS(creates, REPLACES | DATA, 0)
CALLS(makes, NEW | NOFOLLOW, 0)
CALLS(removes, NOFOLLOW, 0)
CALLS(renames, NOFOLLOW, REPLACES | NOFOLLOW)
CALLS(links, NOFOLLOW, NEW | NOFOLLOW)

static long changes_fd(struct k23_call *call)
{
	long r = check((int)call->args[0], 0, 0);

	return r ? r : k23_forward(call);
}

static long opens(struct k23_call *call)
{
	unsigned long flags = call->args[call->nr == SYS_open ? 1 : 2];
	int how = DATA;

	if (call->nr == SYS_openat2 && k23_copy_from(&flags, flags, sizeof(flags)) < 0)
		return -EFAULT;
	if (flags & O_PATH || !(flags & (O_ACCMODE | O_CREAT | O_TRUNC)))
		return k23_forward(call);
	how |= flags & (O_NOFOLLOW | O_EXCL) ? NOFOLLOW : 0;
	if (flags & O_CREAT)
		how |= flags & O_EXCL || !(flags & (O_ACCMODE | O_TRUNC)) ? NEW : REPLACES;
	return check_call(call, how, 0);
}

static long binds(struct k23_call *call)
{
	unsigned short family = 0;
	long r = k23_copy_from(&family, call->args[1], sizeof(family));

	if (r == 0 && family == AF_UNIX)
		r = check(AT_FDCWD, call->args[1] + sizeof(family), NEW | NOFOLLOW);
	return r ? r : k23_forward(call);
}

/* As a kernel without it: i386 calls, which no 64-bit program needs, and rings of calls that no hook sees. */
static long absent(struct k23_call *call)
{
	return call->nr ? -ENOSYS : -ENOSYS;
}

static int init(const struct k23_options *options)
{
	const char *path = k23_option(options, "root");

	return path && *path == '/' ? (int)k23_place(&root, AT_FDCWD, path, 0) : -EINVAL;
}

K23_HOOK(readonly, .init = init, .i386 = absent, .calls = {
	{ SYS_open, opens }, { SYS_openat, opens }, { SYS_openat2, opens }, { SYS_creat, creates },
	{ SYS_truncate, writes }, { SYS_acct, writes }, { SYS_swapon, writes }, { SYS_bind, binds },
	{ SYS_mkdir, makes }, { SYS_mkdirat, makes }, { SYS_mknod, makes }, { SYS_mknodat, makes },
	{ SYS_symlink, makes }, { SYS_symlinkat, makes }, { SYS_unlink, removes }, { SYS_rmdir, removes },
	{ SYS_unlinkat, removes }, { SYS_rename, renames }, { SYS_renameat, renames }, { SYS_renameat2, renames },
	{ SYS_link, links }, { SYS_linkat, links }, { SYS_chmod, changes }, { SYS_fchmodat, changes },
	{ SYS_fchmodat2, changes }, { SYS_chown, changes }, { SYS_fchownat, changes }, { SYS_utime, changes },
	{ SYS_utimes, changes }, { SYS_futimesat, changes }, { SYS_utimensat, changes },
	{ SYS_setxattr, changes }, { SYS_setxattrat, changes }, { SYS_removexattr, changes },
	{ SYS_removexattrat, changes }, { SYS_file_setattr, changes }, { SYS_lchown, removes },
	{ SYS_lsetxattr, removes }, { SYS_lremovexattr, removes }, { SYS_fchmod, changes_fd },
	{ SYS_fchown, changes_fd }, { SYS_fsetxattr, changes_fd }, { SYS_fremovexattr, changes_fd },
	{ SYS_io_uring_setup, absent },
});
