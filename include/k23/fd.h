/*
 * k23/fd.h - for hooks: descriptors of the program that stand for objects of the hook. See k23-fd(7).
 *
 * The hook makes a descriptor for an object, and gets the object back by any descriptor that has come of it: by dup,
 * dup2, dup3, fcntl, fork, exec, clone with or without CLONE_FILES, SCM_RIGHTS, pidfd_getfd, /proc/self/fd. Nothing
 * here follows those calls. The descriptor is one of the kernel's, of a file in memory (memfd) that is sealed: its
 * contents, which are the object, never change, and so the kernel's own table of descriptors is the hook's. Or it is a
 * Unix socket, whose address is the object, and never changes either: it becomes ready as sockets do.
 */
#ifndef K23_FD_H
#define K23_FD_H

#include <k23/hook.h>

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

/* In the hook's run state: what its objects have in common, and those of other hooks and other runs have not. */
struct k23_fds {
	uint64_t id;      /* 0: there has been no object yet */
	uint64_t sockets; /* 0: none of them is a socket */
};

/* How large the object of a socket may be. */
#define K23_FD_SOCKET_SIZE (sizeof(((struct sockaddr_un *)0)->sun_path) - 1 - sizeof(uint64_t))

/* All seals, among them one that a file sealed against writing has no use for (F_SEAL_FUTURE_WRITE): few files of a
 * program have them. */
#define K23_FD_SEALS 31u /* F_SEAL_SEAL, _SHRINK, _GROW, _WRITE, _FUTURE_WRITE */
#define K23_FD_CLOEXEC 1u /* MFD_CLOEXEC */
#define K23_FD_SEALING 2u /* MFD_ALLOW_SEALING */
#define K23_FD_NOEXEC 8u  /* MFD_NOEXEC_SEAL, of Linux 6.3 */

K23_INLINE long k23_fd_id(struct k23_fds *fds, uint64_t *id)
{
	uint64_t none = 0;
	long r;

	*id = __atomic_load_n(&fds->id, __ATOMIC_ACQUIRE);
	while (!*id) {
		r = k23_syscall(SYS_getrandom, (unsigned long)id, sizeof(*id), 0, 0, 0, 0);
		if (k23_failed(r))
			return r;
		if (*id && !__atomic_compare_exchange_n(&fds->id, &none, *id, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
			*id = none;
	}
	return 0;
}

/*
 * Makes a descriptor, the lowest that is free, for an object: a copy of `size` bytes, which stay as they are; what
 * changes lies in run state, or elsewhere, and they lead to it. flags: O_CLOEXEC or 0.
 *
 * Returns the descriptor or -errno: -EMFILE and -ENFILE as the kernel says; -EFBIG, without a signal, if RLIMIT_FSIZE
 * is less than 8 + size bytes; -EIO: fds is NULL, as there is no run state.
 */
K23_INLINE long k23_fd_open(struct k23_fds *fds, const void *object, size_t size, unsigned flags)
{
	uint64_t id;
	struct iovec parts[2] = { { &id, sizeof(id) }, { (void *)object, size } };
	struct rlimit limit;
	unsigned kind = K23_FD_SEALING | (flags & O_CLOEXEC ? K23_FD_CLOEXEC : 0);
	long fd, r = fds ? k23_fd_id(fds, &id) : -EIO;

	if (!r)
		r = k23_syscall(SYS_prlimit64, 0, RLIMIT_FSIZE, 0, (unsigned long)&limit, 0, 0);
	if (k23_failed(r))
		return r;
	if (limit.rlim_cur < sizeof(id) + size)
		return -EFBIG;
	fd = k23_syscall(SYS_memfd_create, (unsigned long)"k23", kind | K23_FD_NOEXEC, 0, 0, 0, 0);
	if (fd == -EINVAL)
		fd = k23_syscall(SYS_memfd_create, (unsigned long)"k23", kind, 0, 0, 0, 0);
	if (k23_failed(fd))
		return fd;
	/* Nobody but this call knows of the number. A thread that closed it would be one that closes what it does not
	 * own, and natively, too, others would then write to what it opens. */
	r = k23_syscall(SYS_pwritev, (unsigned)fd, (unsigned long)parts, 2, 0, 0, 0);
	if (r == (long)(sizeof(id) + size))
		r = k23_syscall(SYS_fcntl, (unsigned)fd, F_ADD_SEALS, K23_FD_SEALS, 0, 0, 0);
	else if (!k23_failed(r))
		r = -ENOSPC;
	if (!k23_failed(r))
		return fd;
	if (r != -EBADF)
		k23_syscall(SYS_close, (unsigned)fd, 0, 0, 0, 0, 0);
	return r;
}

/*
 * The address of the socket that stands for an object: an abstract one, in the network namespace in which the socket
 * was made. Returns its length or -errno: -EINVAL: the object is larger than K23_FD_SOCKET_SIZE; -EIO: fds is NULL.
 */
K23_INLINE long k23_fd_address(struct k23_fds *fds, const void *object, size_t size, struct sockaddr_un *address)
{
	uint64_t id;
	long r = !fds ? -EIO : size > K23_FD_SOCKET_SIZE ? -EINVAL : k23_fd_id(fds, &id);

	if (r)
		return r;
	address->sun_family = AF_UNIX;
	address->sun_path[0] = '\0';
	memcpy(address->sun_path + 1, &id, sizeof(id));
	memcpy(address->sun_path + 1 + sizeof(id), object, size);
	return (long)(offsetof(struct sockaddr_un, sun_path) + 1 + sizeof(id) + size);
}

/*
 * Makes a Unix socket, which the hook has opened, and which has no address yet, stand for an object of `size` bytes,
 * which no other socket stands for. Returns 0 or -errno: those of k23_fd_address(); -EADDRINUSE: another socket of its
 * type stands for it; those of bind(2).
 */
K23_INLINE long k23_fd_socket(struct k23_fds *fds, int fd, const void *object, size_t size)
{
	struct sockaddr_un address;
	long length = k23_fd_address(fds, object, size, &address);

	if (k23_failed(length))
		return length;
	__atomic_store_n(&fds->sockets, 1, __ATOMIC_RELEASE);
	return k23_syscall(SYS_bind, (unsigned)fd, (unsigned long)&address, (unsigned long)length, 0, 0, 0);
}

/* The object of the address that SYS_getsockname or SYS_getpeername tells. */
K23_INLINE long k23_fd_at_address(const struct k23_fds *fds, int fd, long nr, void *object, size_t size)
{
	const size_t start = offsetof(struct sockaddr_un, sun_path) + 1;
	struct sockaddr_un address;
	unsigned length = sizeof(address);
	uint64_t id = __atomic_load_n(&fds->id, __ATOMIC_ACQUIRE);
	long r = k23_syscall(nr, (unsigned)fd, (unsigned long)&address, (unsigned long)&length, 0, 0, 0);

	if (k23_failed(r))
		return r == -ENOTSOCK ? -ENOENT : r;
	if (!id || length != start + sizeof(id) + size || address.sun_family != AF_UNIX || address.sun_path[0] ||
	    memcmp(address.sun_path + 1, &id, sizeof(id)) != 0)
		return -ENOENT;
	memcpy(object, address.sun_path + 1 + sizeof(id), size);
	return 0;
}

/* The object in a sealed file. */
K23_INLINE long k23_fd_in_file(const struct k23_fds *fds, int fd, void *object, size_t size)
{
	uint64_t found;
	struct iovec parts[2] = { { &found, sizeof(found) }, { object, size } };
	long r = k23_syscall(SYS_preadv, (unsigned)fd, (unsigned long)parts, 2, 0, 0, 0);

	if (r == -EBADF)
		return r;
	return r == (long)(sizeof(found) + size) && found == __atomic_load_n(&fds->id, __ATOMIC_ACQUIRE) ? 0 : -ENOENT;
}

/*
 * Copies the object that a descriptor stands for, of `size` bytes. Returns 0; -ENOENT: the descriptor is none of the
 * hook's, nor is there an object of that size; -EBADF: it is not open, or was opened with O_PATH; -EIO: fds is NULL, so
 * it is not known. What is at *object counts only after 0.
 *
 * Without any object in the run no call is made. Otherwise one, which asks no file system, and for the hook's own a
 * second one; once there are sockets among the objects, also for most of what is not the hook's.
 */
K23_INLINE long k23_fd_object(const struct k23_fds *fds, int fd, void *object, size_t size)
{
	long r;

	if (!fds)
		return -EIO;
	if (!__atomic_load_n(&fds->id, __ATOMIC_ACQUIRE))
		return -ENOENT;
	r = k23_syscall(SYS_fcntl, (unsigned)fd, F_GET_SEALS, 0, 0, 0, 0);
	if (r == -EINVAL && __atomic_load_n(&fds->sockets, __ATOMIC_ACQUIRE))
		return k23_fd_at_address(fds, fd, SYS_getsockname, object, size);
	if (k23_failed(r) || (r & K23_FD_SEALS) != K23_FD_SEALS)
		return r == -EBADF ? r : -ENOENT;
	return k23_fd_in_file(fds, fd, object, size);
}

/* The same for the socket that a socket is connected to; or -ENOTCONN. */
K23_INLINE long k23_fd_peer(const struct k23_fds *fds, int fd, void *object, size_t size)
{
	return fds ? k23_fd_at_address(fds, fd, SYS_getpeername, object, size) : -EIO;
}

#endif
