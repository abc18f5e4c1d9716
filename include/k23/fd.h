/*
 * k23/fd.h - for hooks: descriptors of the program that stand for objects of the hook. See k23-fd(7).
 *
 * The hook makes a descriptor for an object, and gets the object back by any descriptor that has come of it: by dup,
 * dup2, dup3, fcntl, fork, exec, clone with or without CLONE_FILES, SCM_RIGHTS, pidfd_getfd, /proc/self/fd. Nothing
 * here follows those calls. The descriptor is one of the kernel's, of a file in memory (memfd) that is sealed: its
 * contents, which are the object, never change, and so the kernel's own table of descriptors is the hook's.
 */
#ifndef K23_FD_H
#define K23_FD_H

#include <k23/hook.h>

#include <sys/resource.h>
#include <sys/uio.h>

/* In the hook's run state: what its objects have in common, and those of other hooks and other runs have not. */
struct k23_fds {
	uint64_t id; /* 0: there has been no object yet */
};

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
 * Copies the object that a descriptor stands for, of `size` bytes. Returns 0; -ENOENT: the descriptor is none of the
 * hook's, nor is there an object of that size; -EBADF: it is not open, or was opened with O_PATH; -EIO: fds is NULL, so
 * it is not known. What is at *object counts only after 0.
 *
 * Without any object in the run no call is made. Otherwise one, which asks no file system, and for the hook's own a
 * second one.
 */
K23_INLINE long k23_fd_object(const struct k23_fds *fds, int fd, void *object, size_t size)
{
	uint64_t id, found;
	struct iovec parts[2] = { { &found, sizeof(found) }, { object, size } };
	long r;

	if (!fds)
		return -EIO;
	id = __atomic_load_n(&fds->id, __ATOMIC_ACQUIRE);
	if (!id)
		return -ENOENT;
	r = k23_syscall(SYS_fcntl, (unsigned)fd, F_GET_SEALS, 0, 0, 0, 0);
	if (k23_failed(r) || (r & K23_FD_SEALS) != K23_FD_SEALS)
		return r == -EBADF ? r : -ENOENT;
	r = k23_syscall(SYS_preadv, (unsigned)fd, (unsigned long)parts, 2, 0, 0, 0);
	return r == (long)(sizeof(found) + size) && found == id ? 0 : r == -EBADF ? r : -ENOENT;
}

#endif
