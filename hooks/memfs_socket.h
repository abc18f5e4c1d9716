/*
 * For memfs: sockets with a path. Those of sendmsg and recvmsg stay as they are.
 */
#ifndef HOOKS_MEMFS_SOCKET_H
#define HOOKS_MEMFS_SOCKET_H

#include "memfs_path.h"

#include <sys/socket.h>
#include <sys/un.h>

/* bind, connect and sendto: the path goes to the kernel. */
static long forward_address(struct k23_call *call, enum stage stage)
{
	unsigned long *args = call->args + (call->nr == SYS_sendto ? 4 : 1), old[2] = { args[0], args[1] };
	const size_t head = offsetof(struct sockaddr_un, sun_path);
	struct { /* with a NUL behind a path that has none */
		struct sockaddr_un address;
		char end;
	} given = { { 0 }, 0 };
	struct sockaddr_un new = { .sun_family = AF_UNIX };
	char path[K23_PATH_MAX];
	size_t size;
	long r;

	if (old[1] > head && old[1] <= sizeof(given.address) &&
	    k23_copy_from(&given.address, old[0], old[1]) == 0 && given.address.sun_family == AF_UNIX &&
	    (size = path_translate(path, AT_FDCWD, given.address.sun_path, call->nr != SYS_bind, stage))) {
		if (size >= sizeof(new.sun_path))
			return -ENAMETOOLONG;
		memcpy(new.sun_path, path, size + 1);
		args[0] = (unsigned long)&new;
		args[1] = head + size + 1;
	} else if (stage == AGAIN) {
		return -ENOENT;
	}
	r = k23_forward(call);
	args[0] = old[0];
	args[1] = old[1];
	return r == -ENOENT && stage == BEFORE ? forward_address(call, AGAIN) : r;
}

static long on_address(struct k23_call *call)
{
	return forward_address(call, BEFORE);
}

/* accept, getpeername, getsockname and recvfrom: the path that the kernel has goes to the program. */
static long on_address_asked(struct k23_call *call)
{
	unsigned long *args = call->args + (call->nr == SYS_recvfrom ? 4 : 1), old[2] = { args[0], args[1] };
	const size_t head = offsetof(struct sockaddr_un, sun_path), length = k23_strlen(base);
	struct sockaddr_storage found;
	struct sockaddr_un *address = (struct sockaddr_un *)&found;
	uint32_t room, size = sizeof(found) - 1;
	char path[K23_PATH_MAX];
	long r;

	if (!old[0] || !old[1] || k23_copy_from(&room, old[1], sizeof(room)) != 0 || (int)room < 0)
		return k23_forward(call);
	memset(&found, 0, sizeof(found));
	args[0] = (unsigned long)&found;
	args[1] = (unsigned long)&size;
	r = k23_forward(call);
	args[0] = old[0];
	args[1] = old[1];
	if (k23_failed(r))
		return r;
	if (size > head && address->sun_family == AF_UNIX && k23_starts_with(address->sun_path, base) &&
	    address->sun_path[length] == '/') {
		size = (uint32_t)(head + (size_t)path_to_program(path, address->sun_path + length) + 1);
		memcpy(address->sun_path, path, size - head);
	}
	if ((size && k23_copy_to(old[0], &found, size < room ? size : room) != 0) ||
	    k23_copy_to(old[1], &size, sizeof(size)) != 0)
		return -EFAULT;
	return r;
}

#endif
