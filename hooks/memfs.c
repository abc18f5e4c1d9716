/*
 * memfs: a file system in memory, for one run: k23 run --hook memfs:at=/mem -- sh -c 'cd /mem && git clone ...'
 *
 * Its files are the kernel's: a tmpfs that is mounted nowhere, and which the run's keeper has as its working directory
 * (k23_run_directory()). So all that a program does with open files, with mappings and locks, is the kernel's own
 * business, and so are paths in there that begin in there; this hook changes those that begin with the file system's
 * name or cross its border, and the answers to the question where something is.
 */
#include <k23/path.h>

#include <linux/fs.h>

#include "memfs_exec.h"
#include "memfs_path.h"
#include "memfs_socket.h"

/* --- calls that take paths */

/* Of the path argument number `at`. No file is made of a name with a slash. */
static enum k23_path_last last_of(const struct k23_call *call, int at, const char *path)
{
	struct k23_open_how how;

	if (k23_open_how(&how, call) && how.flags & O_CREAT && path[k23_strlen(path) - 1] == '/')
		return K23_LAST_ENTRY;
	return k23_path_last(call, at);
}

/* Whether a call would make the file that a link leads to, if there is none. */
static bool makes_target(const struct k23_call *call, int dirfd, const char *path)
{
	char target[1];
	struct k23_open_how how;

	return k23_open_how(&how, call) && how.flags & O_CREAT &&
	       k23_syscall(SYS_readlinkat, (unsigned)dirfd, (unsigned long)path, (unsigned long)target,
			   sizeof(target), 0, 0) > 0;
}

struct paths {
	char path[2][K23_PATH_MAX];
	unsigned long old[2];
	int index[2]; /* of the argument; 0 for the second: there is none */
	int count;
};

/* The error of a call whose path argument number n has one: what the kernel finds wrong first, as flags or the first of
 * two paths. It is asked with a path that is too long, and as the second one with "/", which cannot be made. */
static long first_error(const struct k23_call *call, struct paths *paths, int n, long error)
{
	char *path = paths->path[n];
	unsigned long args[6];
	long r;

	if (call->arch == K23_ARCH_I386 || call->nr == SYS_execve || call->nr == SYS_execveat ||
	    (n == 1 && last_of(call, paths->index[n], "/") != K23_LAST_ENTRY))
		return error;
	memcpy(args, call->args, sizeof(args));
	args[paths->index[n]] = (unsigned long)path;
	memset(path, '/', K23_PATH_MAX);
	path[1] = n == 1 ? '\0' : '/';
	r = k23_syscall(call->nr, args[0], args[1], args[2], args[3], args[4], args[5]);
	return r == -ENAMETOOLONG || (n == 1 && (r == -EXDEV || r == -EBUSY || r == -EEXIST)) ? error : r;
}

/* Gives the kernel's paths to a call. Returns how many have been changed now, or the error that the call has. */
static long replace_paths(struct k23_call *call, struct paths *paths, enum stage stage)
{
	int changed = 0, dirfd, at_index = -1;
	struct k23_open_how how;
	long r = 0;

	k23_open_how(&how, call);
	paths->count = stage == BEFORE ? 0 : paths->count;
	for (int n = 0; n < 2 && (at_index = k23_path_argument(call, at_index + 1, &dirfd)) >= 0; n++) {
		char path[K23_PATH_MAX];

		if (stage == BEFORE) {
			paths->index[n] = at_index;
			paths->old[n] = call->args[at_index];
			paths->count = n + 1;
		}
		/* Where it is another already, that is the one. */
		if (call->args[at_index] != paths->old[n] || !paths->old[n] ||
		    k23_copy_string(path, sizeof(path), paths->old[n]) <= 0)
			continue;
		r = path_resolve(paths->path[n], dirfd, path, last_of(call, at_index, path),
				 makes_target(call, dirfd, path) ? AGAIN : stage, (unsigned)how.resolve);
		if (r < 0)
			return first_error(call, paths, n, r);
		if (r == 0)
			continue;
		call->args[at_index] = (unsigned long)paths->path[n];
		changed++;
	}
	return changed;
}

static void restore_paths(struct k23_call *call, const struct paths *paths)
{
	for (int n = 0; n < paths->count; n++)
		call->args[paths->index[n]] = paths->old[n];
}

/* Opens a directory for a call that looks for a path in it. The program gets the lowest number that is free. */
static long open_directory(const char *path)
{
	long low = k23_syscall(SYS_open, (unsigned long)path, O_PATH | O_CLOEXEC, 0, 0, 0, 0), fd = low;

	if (low < 0)
		return low;
	fd = k23_syscall(SYS_fcntl, (unsigned long)low, F_DUPFD_CLOEXEC, (unsigned long)low + 1, 0, 0, 0);
	k23_syscall(SYS_close, (unsigned long)low, 0, 0, 0, 0, 0);
	return fd;
}

/* Forwards an openat2 that has flags for the way of a path, and another path now. The kernel's begins with a link of
 * /proc, which may be what is forbidden, and is absolute. So it begins with a descriptor. */
static long forward_resolved(struct k23_call *call)
{
	unsigned long old[2] = { call->args[0], call->args[1] };
	const char *path = (const char *)old[1];
	bool inside = k23_starts_with(path, base);
	long r, fd = open_directory(inside ? base : "/");

	if (fd < 0)
		return fd;
	path = skip_slashes(path + (inside ? k23_strlen(base) : 0));
	call->args[0] = (unsigned long)fd;
	call->args[1] = (unsigned long)(*path ? path : ".");
	r = k23_forward(call);
	k23_syscall(SYS_close, (unsigned long)fd, 0, 0, 0, 0, 0);
	call->args[0] = old[0];
	call->args[1] = old[1];
	return r;
}

/* An i386 call could not reach the new path: as if there were no such calls. */
static long forward_changed(struct k23_call *call)
{
	struct k23_open_how how;

	if (call->arch == K23_ARCH_I386)
		return -ENOSYS;
	return call->nr == SYS_openat2 && k23_open_how(&how, call) && how.resolve ? forward_resolved(call) :
										 k23_forward(call);
}

static long on_path(struct k23_call *call)
{
	struct paths paths;
	long changed = replace_paths(call, &paths, BEFORE), r = changed;

	if (changed >= 0)
		r = changed ? forward_changed(call) : k23_forward(call);
	if (changed >= 0 && r == -ENOENT) {
		changed = replace_paths(call, &paths, AGAIN);
		if (changed)
			r = changed < 0 ? changed : forward_changed(call);
	}
	restore_paths(call, &paths);
	return r;
}

/* Whether a path argument is a name of the file system, for which the kernel has been asked for "." in there. */
static bool is_root(const struct k23_call *call, int index)
{
	char path[K23_PATH_MAX];
	int dirfd;

	return k23_path_argument(call, index, &dirfd) == index &&
	       k23_copy_string(path, sizeof(path), call->args[index]) > 0 && is_name_of_at(dirfd, path);
}

/* Its root is busy, as that of a mount is. */
static long on_rmdir(struct k23_call *call)
{
	long r = on_path(call);

	return r == -EINVAL && is_root(call, call->nr != SYS_rmdir) ? -EBUSY : r;
}

/* The mode of what a path argument names, or -errno. */
static long mode_of(const struct k23_call *call, int index)
{
	struct k23_call asked = { .nr = SYS_newfstatat, .arch = call->arch };
	struct stat status;
	struct paths paths;
	int dirfd = AT_FDCWD;
	long r;

	k23_path_argument(call, index, &dirfd);
	asked.args[0] = (unsigned)dirfd;
	asked.args[1] = call->args[index];
	asked.args[3] = AT_SYMLINK_NOFOLLOW;
	replace_paths(&asked, &paths, BEFORE);
	r = k23_syscall(SYS_newfstatat, asked.args[0], asked.args[1], (unsigned long)&status, asked.args[3], 0, 0);
	return r < 0 ? r : (long)status.st_mode;
}

/* Of a rename of the root, or to its name, which lies outside. other: the mode of the other path, which lies there,
 * too, or -errno. */
static long rename_root(bool to, long other, unsigned flags)
{
	if (other == -ENOENT && (to || flags & RENAME_EXCHANGE))
		return -ENOENT;
	if (flags & RENAME_NOREPLACE && (to || other != -ENOENT))
		return -EEXIST;
	if (other < 0 && other != -ENOENT)
		return other;
	if (other >= 0 && !S_ISDIR(other) && !(flags & RENAME_EXCHANGE))
		return to ? -EISDIR : -ENOTDIR;
	return -EBUSY;
}

/* The name of a mount lies outside of it. */
static long on_rename(struct k23_call *call)
{
	int first = call->nr != SYS_rename, second = call->nr != SYS_rename ? 3 : 1;
	unsigned flags = call->nr == SYS_renameat2 ? (unsigned)call->args[4] : 0;
	long r = on_path(call);
	bool from, to;

	if (r != -EXDEV && r != -EBUSY && r != -EEXIST)
		return r;
	from = is_root(call, first);
	to = is_root(call, second);
	if (from && to)
		return flags & RENAME_NOREPLACE ? -EEXIST : 0;
	if (!from && !to)
		return r;
	return r == -EXDEV ? rename_root(to, mode_of(call, to ? first : second), flags) : -EXDEV;
}

/* No file is made of a name with a slash, be it that of a directory. */
static long on_open(struct k23_call *call)
{
	int index = call->nr != SYS_open;
	long r = on_path(call);
	char path[K23_PATH_MAX];

	return r == -EEXIST && is_root(call, index) && k23_copy_string(path, sizeof(path), call->args[index]) > 0 &&
			       path[k23_strlen(path) - 1] == '/' ?
		       -EISDIR :
		       r;
}

static long on_symlink(struct k23_call *call)
{
	struct run *run = k23_run_state();
	char target[K23_PATH_MAX];

	if (run && !run->links && k23_copy_string(target, sizeof(target), call->args[0]) > 0 &&
	    (*target == '/' || has_parent(target)))
		__atomic_store_n(&run->links, 1, __ATOMIC_RELAXED);
	return on_path(call);
}

/* Its requests would go round the hook. */
static long on_io_uring_setup(struct k23_call *call)
{
	(void)call;
	return -ENOSYS;
}

/* --- calls that say where something is */

/* The program's buffer is the kernel's size too short or long: it gets the answer from this one. */
static long on_getcwd(struct k23_call *call)
{
	unsigned long old[2] = { call->args[0], call->args[1] };
	char path[K23_PATH_MAX], answer[K23_PATH_MAX];
	long r;

	if (!is_inside(AT_FDCWD, ".", 0))
		return k23_forward(call);
	call->args[0] = (unsigned long)path;
	call->args[1] = sizeof(path);
	r = k23_forward(call);
	call->args[0] = old[0];
	call->args[1] = old[1];
	if (k23_failed(r))
		return r;
	if (!k23_starts_with(path, "(unreachable)")) { /* its root directory is in there, too */
		if ((unsigned long)r > old[1])
			return -ERANGE;
		return k23_copy_to(old[0], path, (size_t)r) ? -EFAULT : r;
	}
	r = path_to_program(answer, path) + 1;
	if ((unsigned long)r > old[1] || r > K23_PATH_MAX)
		return -ERANGE;
	return k23_copy_to(old[0], answer, (size_t)r) ? -EFAULT : r;
}

/* What is read of a link of /proc that leads into the file system becomes a path of the program's. */
static long on_readlink(struct k23_call *call)
{
	int index = call->nr == SYS_readlink ? 0 : 1, dirfd = index ? (int)call->args[0] : AT_FDCWD;
	char path[K23_PATH_MAX], answer[K23_PATH_MAX];
	long r = on_path(call), size;

	if (r <= 0 || call->arch != K23_ARCH_X86_64 || k23_copy_string(path, sizeof(path), call->args[index]) < 0 ||
	    !is_way_in(dirfd, path))
		return r;
	size = k23_syscall(SYS_readlinkat, (unsigned)dirfd, (unsigned long)path, (unsigned long)answer,
			   sizeof(answer) - 1, 0, 0);
	if (size <= 0 || *answer != '/')
		return r;
	answer[size] = '\0';
	size = path_to_program(path, answer);
	if (size > (long)(int)call->args[index + 2])
		size = (int)call->args[index + 2];
	return k23_copy_to(call->args[index + 1], path, (size_t)size) ? -EFAULT : size;
}

/* --- execve */

/* The name of the script for its interpreter: the kernel's is "/dev/fd/5/script" for one relative to a directory. */
static long name_script(char name[K23_PATH_MAX], int dirfd, unsigned long path)
{
	long r = k23_copy_string(name, K23_PATH_MAX, path), head;

	if (r < 0 || *name == '/' || dirfd == AT_FDCWD)
		return r;
	if (k23_syscall(SYS_fcntl, (unsigned)dirfd, F_GETFD, 0, 0, 0, 0) == FD_CLOEXEC)
		return -ENOENT; /* the interpreter could not open it */
	head = k23_format(name, K23_PATH_MAX, "/dev/fd/%d%s", dirfd, r ? "/" : "");
	return k23_copy_string(name + head, K23_PATH_MAX - (size_t)head, path);
}

static long execute_script(struct k23_call *call, struct scripts *scripts, struct paths *paths, int dirfd)
{
	const unsigned long *vectors = call->args + (call->nr == SYS_execve ? 1 : 2);
	char *interpreter = paths->path[0], *name = paths->path[1];
	long r = name_script(name, dirfd, paths->old[0]);

	if (r >= 0)
		r = scripts_follow(scripts, interpreter);
	return r < 0 ? r : scripts_execute(call, scripts, interpreter, name, vectors[0], vectors[1]);
}

/* Of a program elsewhere, the kernel may not find the interpreter. */
static long on_exec(struct k23_call *call)
{
	int index = call->nr == SYS_execve ? 0 : 1, dirfd = index ? (int)call->args[0] : AT_FDCWD;
	struct scripts scripts;
	struct paths paths;
	long r = -ENOENT, changed;

	if (call->arch == K23_ARCH_I386)
		return on_path(call);
	changed = replace_paths(call, &paths, BEFORE);
	if (changed == 0) {
		r = k23_forward(call);
		if (r != -ENOENT)
			return r;
		changed = replace_paths(call, &paths, AGAIN);
		if (changed == 0 && k23_copy_string(paths.path[0], K23_PATH_MAX, paths.old[0]) < 0)
			return r;
	}
	if (changed < 0)
		return changed;
	if (script_read(scripts.script, dirfd, paths.path[0]))
		r = execute_script(call, &scripts, &paths, dirfd);
	else
		r = forward_program(call, dirfd, paths.path[0], changed > 0);
	restore_paths(call, &paths);
	return r;
}

/* --- the start */

static bool exists(const char *path)
{
	struct stat status;

	return k23_syscall(SYS_lstat, (unsigned long)path, (unsigned long)&status, 0, 0, 0, 0) == 0;
}

static int init(const struct k23_options *options)
{
	const char *path = k23_option(options, "at");
	struct run *run = k23_run_state();
	char parent[K23_PATH_MAX] = "";
	struct stat status;

	if (!path || *path != '/' || k23_path_absolute(at, sizeof(at), AT_FDCWD, path) <= 1)
		return k23_refuse("it needs at=PATH, which is absolute, and not at=/");
	at_size = k23_strlen(at);
	at_name = at + at_size;
	while (at_name[-1] != '/')
		at_name--;
	k23_want_paths(on_path);
	if (!run || k23_run_directory(base, sizeof(base)) < 0 || run->device)
		return 0;
	if (exists(at))
		return k23_refuse("there is a file %s already", at);
	memcpy(parent, at, (size_t)(at_name - at));
	if (!exists(parent))
		return k23_refuse("there is no directory %s", parent);
	if (k23_syscall(SYS_stat, (unsigned long)base, (unsigned long)&status, 0, 0, 0, 0) != 0)
		return k23_refuse("this process cannot reach the file system of its run's keeper");
	run->device = status.st_dev;
	return 0;
}

K23_HOOK(memfs, .init = init, .exec_begin = on_exec_begin, .thread_size = sizeof(struct executing),
	.run_size = sizeof(struct run), .run_directory = 1, .i386 = on_path, .calls = {
	{ SYS_bind, on_address }, { SYS_connect, on_address }, { SYS_sendto, on_address },
	{ SYS_accept, on_address_asked }, { SYS_accept4, on_address_asked }, { SYS_getpeername, on_address_asked },
	{ SYS_getsockname, on_address_asked }, { SYS_recvfrom, on_address_asked }, { SYS_sendmsg, on_sendmsg },
	{ SYS_sendmmsg, on_sendmmsg }, { SYS_recvmsg, on_recvmsg }, { SYS_recvmmsg, on_recvmmsg },
	{ SYS_execve, on_exec }, { SYS_execveat, on_exec }, { SYS_getcwd, on_getcwd }, { SYS_openat2, on_open },
	{ SYS_io_uring_setup, on_io_uring_setup }, { SYS_readlink, on_readlink },
	{ SYS_readlinkat, on_readlink }, { SYS_rmdir, on_rmdir }, { SYS_open, on_open }, { SYS_openat, on_open },
	{ SYS_rename, on_rename }, { SYS_renameat, on_rename }, { SYS_renameat2, on_rename },
	{ SYS_symlink, on_symlink }, { SYS_symlinkat, on_symlink }, { SYS_unlinkat, on_rmdir },
});
