/*
 * For fd_program.c: /object/N is an object with the number N, with the option `sockets` one that is a socket. Reading
 * it gives its number; call 500 says which one a descriptor is; call 501 makes a socket ready, until it is read.
 */
#include <k23/fd.h>

struct object {
	uint64_t number, serial;
};

struct state {
	struct k23_fds fds;
	uint64_t serial;
};

static int sockets;

static struct k23_fds *fds(void)
{
	return &((struct state *)k23_run_state())->fds;
}

static long open_socket(const struct object *object, unsigned flags)
{
	unsigned long type = SOCK_DGRAM | (flags & O_CLOEXEC ? SOCK_CLOEXEC : 0);
	long fd = k23_syscall(SYS_socket, AF_UNIX, type, 0, 0, 0, 0), r;

	if (k23_failed(fd))
		return fd;
	r = k23_fd_socket(fds(), (int)fd, object, sizeof(*object));
	if (!r)
		return fd;
	k23_syscall(SYS_close, (unsigned long)fd, 0, 0, 0, 0, 0);
	return r;
}

static long on_openat(struct k23_call *call)
{
	static const char root[] = "/object/";
	struct object object = { 0 };
	char path[64];

	if (k23_copy_string(path, sizeof(path), call->args[1]) <= 0 || !k23_starts_with(path, root))
		return k23_forward(call);
	for (const char *digit = path + sizeof(root) - 1; *digit; digit++)
		object.number = object.number * 10 + (unsigned)(*digit - '0');
	object.serial = __atomic_add_fetch(&((struct state *)k23_run_state())->serial, 1, __ATOMIC_RELAXED);
	return sockets ? open_socket(&object, (unsigned)call->args[2]) :
			 k23_fd_open(fds(), &object, sizeof(object), (unsigned)call->args[2]);
}

static long on_read(struct k23_call *call)
{
	struct object object;
	char text[32];
	long length;

	if (k23_fd_object(fds(), (int)call->args[0], &object, sizeof(object)) != 0)
		return k23_forward(call);
	if (sockets)
		k23_syscall(SYS_recvfrom, call->args[0], (unsigned long)text, 1, MSG_DONTWAIT, 0, 0);
	length = k23_format(text, sizeof(text), "%lu", (unsigned long)object.number);
	return k23_copy_to(call->args[1], text, (size_t)length) ? -EFAULT : length;
}

static long on_500(struct k23_call *call)
{
	struct object object;
	long r = k23_fd_object(fds(), (int)call->args[0], &object, sizeof(object));

	return r ? r : (long)object.number;
}

static long on_501(struct k23_call *call)
{
	struct sockaddr_un address;
	struct object object;
	long fd, length, r = k23_fd_object(fds(), (int)call->args[0], &object, sizeof(object));

	if (r)
		return r;
	fd = k23_syscall(SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, 0, 0, 0);
	if (k23_failed(fd))
		return fd;
	length = k23_fd_address(fds(), &object, sizeof(object), &address);
	r = k23_syscall(SYS_sendto, (unsigned long)fd, (unsigned long)"x", 1, MSG_DONTWAIT, (unsigned long)&address,
			(unsigned long)length);
	k23_syscall(SYS_close, (unsigned long)fd, 0, 0, 0, 0, 0);
	return r;
}

static int init(const struct k23_options *options)
{
	char large[K23_FD_SOCKET_SIZE + 1] = "";
	struct sockaddr_un address;

	sockets = k23_option(options, "sockets") != NULL;
	return k23_fd_address(fds(), large, sizeof(large), &address) == -EINVAL &&
	       k23_fd_address(fds(), large, sizeof(large) - 1, &address) == sizeof(address) ? 0 : -EINVAL;
}

K23_HOOK(fd, .init = init, .run_size = sizeof(struct state),
	.calls = { { SYS_openat, on_openat }, { SYS_read, on_read }, { 500, on_500 }, { 501, on_501 } });
