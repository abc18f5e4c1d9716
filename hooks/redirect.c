/*
 * redirect: one path for another: k23 run --hook redirect:from=/etc/hosts,to=/tmp/hosts -- getent ahosts
 *
 * Every call that takes a path, or the path of a socket, gets `to` for `from`, and to/x for from/x.
 * Paths are compared by name: symbolic links are not followed.
 */
#include <k23/path.h>

#include <sys/socket.h>
#include <sys/un.h>

static char from[K23_PATH_MAX], to[K23_PATH_MAX];

/* What the path at an address becomes. Returns its size with the NUL; 0 if it stays as it is. */
static size_t replace(char *new, size_t size, int dirfd, unsigned long address)
{
	char path[K23_PATH_MAX], absolute[K23_PATH_MAX];
	size_t length;

	if (!address || k23_copy_string(path, sizeof(path), address) <= 0 ||
	    k23_path_absolute(absolute, sizeof(absolute), dirfd, path) < 0 ||
	    !k23_path_under(absolute, from))
		return 0;
	length = (size_t)k23_format(new, size, "%s%s", to, absolute + k23_strlen(from));
	return length < size ? length + 1 : 0;
}

/* Replaces the path arguments from `start` on, and makes the call. */
static long redirect(struct k23_call *call, int start)
{
	char new[K23_PATH_MAX];
	int dirfd, at = k23_path_argument(call, start, &dirfd);
	unsigned long old;
	size_t size;
	long result;

	if (at < 0)
		return k23_forward(call);
	old = call->args[at];
	size = replace(new, sizeof(new), dirfd, old);
	if (size)
		call->args[at] = (unsigned long)new;
	/* An i386 call could not reach it: as if there were no such calls. */
	result = size && call->arch == K23_ARCH_I386 ? -ENOSYS : redirect(call, at + 1);
	call->args[at] = old;
	return result;
}

static long on_path(struct k23_call *call)
{
	return redirect(call, 0);
}

static long on_socket(struct k23_call *call)
{
	unsigned long *args = call->args + (call->nr == SYS_sendto ? 4 : 1);
	unsigned long old[2] = { args[0], args[1] };
	struct sockaddr_un address = { 0 }, new = { .sun_family = AF_UNIX };
	size_t size = old[1] <= sizeof(address) ? old[1] : 0;
	long result;

	if (size && !k23_copy_from(&address, old[0], size) && address.sun_family == AF_UNIX &&
	    (size = replace(new.sun_path, sizeof(new.sun_path), AT_FDCWD, (unsigned long)address.sun_path))) {
		args[0] = (unsigned long)&new;
		args[1] = offsetof(struct sockaddr_un, sun_path) + size;
	}
	result = k23_forward(call);
	args[0] = old[0];
	args[1] = old[1];
	return result;
}

static int init(const struct k23_options *options)
{
	const char *f = k23_option(options, "from"), *t = k23_option(options, "to");

	if (!f || !t || k23_path_absolute(from, sizeof(from), AT_FDCWD, f) <= 1 || *f != '/' || *t != '/')
		return k23_refuse("it needs from=PATH and to=PATH, which are absolute, and not from=/");
	k23_want_paths(on_path);
	return k23_path_absolute(to, sizeof(to), AT_FDCWD, t) < 0 ? -EINVAL : 0;
}

K23_HOOK(redirect, .init = init, .i386 = on_path,
	 .calls = { { SYS_connect, on_socket }, { SYS_bind, on_socket }, { SYS_sendto, on_socket } });
