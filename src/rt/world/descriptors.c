/*
 * ctx: boot | entry, for all here.
 */
#include "rt/world/descriptors.h"

#include <asm/errno.h>
#include <linux/fcntl.h>

#include <k23/types.h>

#include "abi/syscall.h"
#include "core/describe.h"
#include "rt/base/hidden_fds.h"

bool rt_world_opens(long nr, long command)
{
	struct k23_syscall_info info;

	switch (nr) {
	case __NR_dup2:
	case __NR_dup3:
		return false;
	case __NR_fcntl:
		return command == F_DUPFD || command == F_DUPFD_CLOEXEC;
	default:
		return core_describe(K23_ARCH_X86_64, nr, &info) && info.result == K23_FD;
	}
}

/* Which argument has a flag O_CLOEXEC, or the same bit by another name; -1: none. */
static int flags_argument(long nr)
{
	switch (nr) {
	case __NR_epoll_create1:
	case __NR_inotify_init1:
		return 0;
	case __NR_open:
	case __NR_socket:
	case __NR_socketpair:
	case __NR_pipe2:
	case __NR_eventfd2:
	case __NR_timerfd_create:
		return 1;
	case __NR_openat:
		return 2;
	case __NR_accept4:
	case __NR_signalfd4:
		return 3;
	default:
		return -1;
	}
}

/* A socketpair is made by the fourth argument, a pipe by the first. */
static int *pair_of(long nr, const uint64_t *args)
{
	return nr == __NR_socketpair ? (int *)args[3] : nr == __NR_pipe || nr == __NR_pipe2 ? (int *)args[0] : NULL;
}

static int hide(int fd, bool inherited)
{
	long r = rt_hide(fd, inherited);

	return failed(r) ? fd : (int)r;
}

/* So that a process that begins meanwhile has it no longer than until its execve. */
static long open_hidden(long nr, const uint64_t given[6])
{
	uint64_t args[6] = { given[0], given[1], given[2], given[3], given[4], given[5] };
	int flags = flags_argument(nr), *pair = pair_of(nr, args);
	bool inherited = flags < 0 || !(args[flags] & O_CLOEXEC);
	long r;

	if (flags >= 0)
		args[flags] |= O_CLOEXEC;
	r = raw_syscall(nr, args[0], args[1], args[2], args[3], args[4], args[5]);
	if (failed(r))
		return r;
	if (pair) {
		pair[0] = hide(pair[0], inherited);
		pair[1] = hide(pair[1], inherited);
	} else if (rt_world_opens(nr, (long)args[1])) {
		r = hide((int)r, inherited);
	}
	return r;
}

static long control(const uint64_t args[6])
{
	int fd = (int)args[0], command = (int)args[1];

	if (command == F_SETFD && rt_hidden_has(fd))
		return failed(rt_hide(fd, !(args[2] & FD_CLOEXEC))) ? -EBADF : 0;
	rt_hidden_control(fd, command);
	return open_hidden(__NR_fcntl, args);
}

long rt_world_make(const struct core_regs *regs)
{
	const uint64_t args[6] = { regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8, regs->r9 };

	switch (regs->rax) {
	case __NR_close:
		return rt_hidden_close((int)args[0]);
	case __NR_fcntl:
		return control(args);
	case __NR_dup2:
	case __NR_dup3:
		if (rt_hidden_has((int)args[1]) && args[0] != args[1])
			return sys(dup3, args[0], args[1], O_CLOEXEC);
		break;
	default:
		break;
	}
	return open_hidden((long)regs->rax, args);
}
