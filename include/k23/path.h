/*
 * k23/path.h - for hooks: which arguments of a call are paths, and what the call takes them for.
 */
#ifndef K23_PATH_H
#define K23_PATH_H

#include <k23/hook.h>

/* The first path argument of a call from argument `from` on, or -1. *dirfd: what it is relative to; AT_FDCWD if the
 * call does not say, or there is none. */
K23_INLINE int k23_path_argument(const struct k23_call *call, int from, int *dirfd)
{
	const struct k23_syscall_info *info = k23_describe(call);

	*dirfd = AT_FDCWD;
	for (int i = from; info && i < info->args; i++) {
		if (info->kind[i] != K23_PATH)
			continue;
		if (i && info->kind[i - 1] == K23_DIRFD)
			*dirfd = (int)call->args[i - 1];
		return i;
	}
	return -1;
}

/* For .init: the hook wants all calls that take a path, by this function, unless its table names them already. */
K23_INLINE void k23_want_paths(k23_call_fn *fn)
{
	struct k23_call call = { .arch = K23_ARCH_X86_64 };
	int dirfd;

	for (call.nr = 0; call.nr < (long)K23_NUMBERS; call.nr++)
		if (k23_path_argument(&call, 0, &dirfd) >= 0)
			k23_want(call.nr, fn);
}

/* How a call opens a file: as struct open_how of openat2(2). */
struct k23_open_how {
	uint64_t flags, mode, resolve;
};

/* Returns whether a call of 64-bit code is open, openat, openat2 or creat, and all of *how could be read; otherwise
 * *how is zero. */
K23_INLINE int k23_open_how(struct k23_open_how *how, const struct k23_call *call)
{
	const unsigned long *args = call->args;

	memset(how, 0, sizeof(*how));
	if (call->arch != K23_ARCH_X86_64)
		return 0;
	switch (call->nr) {
	case SYS_creat:
		*how = (struct k23_open_how){ O_CREAT | O_WRONLY | O_TRUNC, args[1], 0 };
		return 1;
	case SYS_open:
		*how = (struct k23_open_how){ (unsigned)args[1], args[2], 0 };
		return 1;
	case SYS_openat:
		*how = (struct k23_open_how){ (unsigned)args[2], args[3], 0 };
		return 1;
	case SYS_openat2:
		return args[3] >= sizeof(*how) && k23_copy_from(how, args[2], sizeof(*how)) == 0;
	default:
		return 0;
	}
}

/* What a call takes the last component of a path for. */
enum k23_path_last {
	K23_LAST_FOLLOWED, /* a file: if it is a symbolic link, for where that leads */
	K23_LAST_KEPT,     /* a file: a link is taken as such, but for a slash behind it */
	K23_LAST_ENTRY,    /* the entry of a directory, which is to be made or removed: never followed, nor are dots */
};

/* For k23_path_last(): calls that make or remove an entry; the first argument of which that is so. */
static const struct k23_path_entry {
	short nr, from;
} k23_path_entries[] = {
	{ SYS_unlink, 0 }, { SYS_unlinkat, 0 }, { SYS_rmdir, 0 }, { SYS_rename, 0 }, { SYS_renameat, 0 },
	{ SYS_renameat2, 0 }, { SYS_link, 1 }, { SYS_linkat, 2 }, { SYS_symlink, 0 }, { SYS_symlinkat, 0 },
	{ SYS_mkdir, 0 }, { SYS_mkdirat, 0 }, { SYS_mknod, 0 }, { SYS_mknodat, 0 },
};

/* For k23_path_last(): of others, the argument with the call's flags, and the flag that says that a link is kept, or
 * else (`unless`) followed. Calls without a row follow links; without a flag they keep them. */
static const struct k23_path_link {
	short nr, flags;
	unsigned mask, unless;
} k23_path_links[] = {
	{ SYS_lstat, 0, 0, 0 }, { SYS_readlink, 0, 0, 0 }, { SYS_readlinkat, 0, 0, 0 }, { SYS_link, 0, 0, 0 },
	{ SYS_lchown, 0, 0, 0 }, { SYS_lsetxattr, 0, 0, 0 }, { SYS_lgetxattr, 0, 0, 0 }, { SYS_llistxattr, 0, 0, 0 },
	{ SYS_lremovexattr, 0, 0, 0 }, { SYS_move_mount, 0, 0, 0 },
	{ SYS_linkat, 4, 0, AT_SYMLINK_FOLLOW }, { SYS_name_to_handle_at, 4, 0, AT_SYMLINK_FOLLOW },
	{ SYS_newfstatat, 3, AT_SYMLINK_NOFOLLOW, 0 }, { SYS_faccessat2, 3, AT_SYMLINK_NOFOLLOW, 0 },
	{ SYS_fchmodat2, 3, AT_SYMLINK_NOFOLLOW, 0 }, { SYS_utimensat, 3, AT_SYMLINK_NOFOLLOW, 0 },
	{ SYS_execveat, 4, AT_SYMLINK_NOFOLLOW, 0 }, { SYS_fchownat, 4, AT_SYMLINK_NOFOLLOW, 0 },
	{ SYS_statx, 2, AT_SYMLINK_NOFOLLOW, 0 }, { SYS_setxattrat, 2, AT_SYMLINK_NOFOLLOW, 0 },
	{ SYS_getxattrat, 2, AT_SYMLINK_NOFOLLOW, 0 }, { SYS_listxattrat, 2, AT_SYMLINK_NOFOLLOW, 0 },
	{ SYS_removexattrat, 2, AT_SYMLINK_NOFOLLOW, 0 }, { SYS_open_tree, 2, AT_SYMLINK_NOFOLLOW, 0 },
	{ SYS_open_tree_attr, 2, AT_SYMLINK_NOFOLLOW, 0 }, { SYS_mount_setattr, 2, AT_SYMLINK_NOFOLLOW, 0 },
	{ SYS_file_getattr, 4, AT_SYMLINK_NOFOLLOW, 0 }, { SYS_file_setattr, 4, AT_SYMLINK_NOFOLLOW, 0 },
	{ SYS_inotify_add_watch, 2, 0x02000000 /* IN_DONT_FOLLOW */, 0 },
	{ SYS_umount2, 1, 8 /* UMOUNT_NOFOLLOW */, 0 },
};

/* What a call takes the last component of the path in its argument `at` for, by its number and its flags. It knows
 * calls of 64-bit code; all others follow links. */
K23_INLINE enum k23_path_last k23_path_last(const struct k23_call *call, int at)
{
	struct k23_open_how how;

	/* Of a file that must be new, a link is in the way. */
	if (k23_open_how(&how, call))
		return how.flags & O_NOFOLLOW || (how.flags & O_CREAT && how.flags & O_EXCL) ? K23_LAST_KEPT :
											       K23_LAST_FOLLOWED;
	if (call->arch != K23_ARCH_X86_64)
		return K23_LAST_FOLLOWED;
	for (size_t i = 0; i < sizeof(k23_path_entries) / sizeof(*k23_path_entries); i++)
		if (k23_path_entries[i].nr == call->nr && at >= k23_path_entries[i].from)
			return K23_LAST_ENTRY;
	for (size_t i = 0; i < sizeof(k23_path_links) / sizeof(*k23_path_links); i++) {
		const struct k23_path_link *link = &k23_path_links[i];
		unsigned flags = (unsigned)call->args[link->flags];

		if (link->nr == call->nr)
			return (link->mask ? !(flags & link->mask) : flags & link->unless) ? K23_LAST_FOLLOWED :
											     K23_LAST_KEPT;
	}
	return K23_LAST_FOLLOWED;
}

#endif
