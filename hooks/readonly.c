/*
 * readonly: nothing can be changed outside of a directory: k23 run --hook readonly:root=/tmp -- make
 * It is EROFS, as if the rest were mounted so; as there, devices can be written to.
 */
#include <k23/place.h>

/* What a call does with a path: make it, replace or make it, take a link itself, change data. */
enum { NEW = 1, REPLACES = 2, NOFOLLOW = 4, DATA = 8, UNIX_SOCKET = 1 };

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
	return (how & DATA && place.mode && !S_ISREG(place.mode) && !S_ISDIR(place.mode)) ||
	       k23_path_under(place.path, root.path) ? 0 : -EROFS;
}

/* Checks each path of the call: the first as `how` says, the other as `then`. */
static long check_call(struct k23_call *call, int how, int then)
{
	int dirfd, at = k23_path_argument(call, 0, &dirfd);
	long r = at < 0 ? check((int)call->args[0], 0, how) : check(dirfd, call->args[at], how); /* fchmod: none */

	at = k23_path_argument(call, at + 1, &dirfd);
	r = r || at < 0 ? r : check(dirfd, call->args[at], then);
	return r ? r : k23_forward(call);
}

#define DO(f, how, then) static long f(struct k23_call *c) { return check_call(c, how, then); }
DO(changes, 0, 0)
DO(writes, DATA, 0)
DO(creates, REPLACES | DATA, 0)
DO(makes, NEW | NOFOLLOW, 0)
DO(removes, NOFOLLOW, 0)
DO(renames, NOFOLLOW, REPLACES | NOFOLLOW)
DO(links, c->nr == SYS_linkat && c->args[4] & AT_SYMLINK_FOLLOW ? 0 : NOFOLLOW, NEW | NOFOLLOW)
DO(flags2, c->args[2] & AT_SYMLINK_NOFOLLOW ? NOFOLLOW : 0, 0) /* in the third argument */
DO(flags3, c->args[3] & AT_SYMLINK_NOFOLLOW ? NOFOLLOW : 0, 0)
DO(flags4, c->args[4] & AT_SYMLINK_NOFOLLOW ? NOFOLLOW : 0, 0)

static long opens(struct k23_call *call)
{
	unsigned long flags = call->args[call->nr == SYS_open ? 1 : 2], how = DATA;

	if (call->nr == SYS_openat2 && k23_copy_from(&flags, flags, sizeof(flags)) < 0)
		return -EFAULT;
	if (flags & O_PATH || !(flags & (O_ACCMODE | O_CREAT | O_TRUNC)))
		return k23_forward(call);
	if (flags & O_CREAT)
		how |= flags & O_EXCL ? NEW | NOFOLLOW : flags & (O_ACCMODE | O_TRUNC) ? REPLACES : NEW;
	return check_call(call, (int)how | (flags & O_NOFOLLOW ? NOFOLLOW : 0), 0);
}

static long binds(struct k23_call *call)
{
	unsigned short family = 0;
	long r = k23_copy_from(&family, call->args[1], sizeof(family));

	r = r || family != UNIX_SOCKET ? 0 : check(AT_FDCWD, call->args[1] + 2, NEW | NOFOLLOW);
	return r ? r : k23_forward(call);
}

/* What this kernel does not have: i386 calls, and io_uring, whose requests no hook sees. */
static long absent(struct k23_call *call) { return (void)call, -ENOSYS; }

static int init(const struct k23_options *options)
{
	const char *path = k23_option(options, "root");

	return path && *path == '/' ? (int)k23_place(&root, AT_FDCWD, path, 0) : k23_refuse("it needs root=/DIRECTORY");
}

#define ON(fn, call) { SYS_##call, fn },
K23_HOOK(readonly, .init = init, .i386 = absent, .calls = {
	ON(opens, open) ON(opens, openat) ON(opens, openat2) ON(creates, creat) ON(writes, truncate)
	ON(writes, acct) ON(writes, swapon) ON(binds, bind) ON(makes, mkdir) ON(makes, mkdirat)
	ON(makes, mknod) ON(makes, mknodat) ON(makes, symlink) ON(makes, symlinkat) ON(removes, unlink)
	ON(removes, unlinkat) ON(removes, rmdir) ON(renames, rename) ON(renames, renameat)
	ON(renames, renameat2) ON(links, link) ON(links, linkat) ON(changes, chmod) ON(changes, fchmod)
	ON(changes, fchmodat) ON(flags3, fchmodat2) ON(changes, chown) ON(removes, lchown)
	ON(changes, fchown) ON(flags4, fchownat) ON(changes, utime) ON(changes, utimes)
	ON(changes, futimesat) ON(flags3, utimensat) ON(changes, setxattr) ON(removes, lsetxattr)
	ON(changes, fsetxattr) ON(flags2, setxattrat) ON(changes, removexattr) ON(removes, lremovexattr)
	ON(changes, fremovexattr) ON(flags2, removexattrat) ON(flags4, file_setattr)
	ON(absent, io_uring_setup)
});
