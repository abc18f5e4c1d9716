/*
 * ctx: boot | entry | sigsys, for all here.
 */
#include "rt/base/raised.h"

#include <asm/errno.h>

#include "abi/syscall.h"
#include "rt/base/queue.h"

bool rt_raises(long nr)
{
	switch (nr) {
	case __NR_write:
	case __NR_writev:
	case __NR_pwrite64:
	case __NR_pwritev:
	case __NR_pwritev2:
	case __NR_sendto:
	case __NR_sendmsg:
	case __NR_sendmmsg:
	case __NR_sendfile:
	case __NR_splice:
	case __NR_tee:
	case __NR_vmsplice:
	case __NR_copy_file_range:
	case __NR_fallocate:
	case __NR_truncate:
	case __NR_ftruncate:
		return true;
	default:
		return false;
	}
}

/* A thread of a hook's own blocks them, and in strict seccomp the calls that block would kill. */
static bool may_hold(const struct rt_thread *thread)
{
	return !thread->own && !thread->strict;
}

struct rt_raised rt_raised_hold(struct rt_thread *thread)
{
	uint64_t set = RT_RAISED, mask = 0;
	struct rt_raised raised = { 0, 0 };

	if (!may_hold(thread))
		return raised;
	sys(rt_sigprocmask, SIG_BLOCK, &set, &mask, 8);
	raised.blocked = RT_RAISED & ~mask;
	if (mask & RT_RAISED)
		sys(rt_sigpending, &raised.pending, 8);
	return raised;
}

/* What a call may have raised. A pipe does so, too, when its last reader leaves while the writer waits, who has written
 * a part by then. */
static uint64_t find_raised(long nr, uint64_t size, long result)
{
	if (failed(result))
		return result == -EPIPE ? SIGBIT(SIGPIPE) : result == -EFBIG ? SIGBIT(SIGXFSZ) : 0;
	switch (nr) {
	case __NR_write:
		return (uint64_t)result == size ? 0 : SIGBIT(SIGPIPE);
	case __NR_writev:
	case __NR_pwritev2:
	case __NR_sendfile:
	case __NR_splice:
	case __NR_tee:
	case __NR_vmsplice:
		return SIGBIT(SIGPIPE);
	default:
		return 0;
	}
}

/* The thread's signals, as these are, come before those of the process. Where the only one that waits is the thread's,
 * and one waited before, it is that one: the kernel keeps no second one. */
static void drop(struct rt_thread *thread, uint64_t set, uint64_t pending_before)
{
	const uint64_t now[2] = { 0 };
	uint64_t pending = 0;
	siginfo_t info;
	long sig = sys(rt_sigtimedwait, &set, &info, now, 8);

	if (failed(sig) || !(pending_before & set))
		return;
	sys(rt_sigpending, &pending, 8);
	if (!(pending & set))
		rt_queue_signal(thread, (int)sig, &info);
}

long rt_raised_drop(struct rt_thread *thread, struct rt_raised raised, long nr, uint64_t size, long result)
{
	uint64_t set = may_hold(thread) ? find_raised(nr, size, result) : 0;

	if (set)
		drop(thread, set, raised.pending);
	if (raised.blocked && !thread->signals)
		sys(rt_sigprocmask, SIG_UNBLOCK, &raised.blocked, 0, 8);
	/* The mask of a signal that was deferred meanwhile is to be the program's. */
	if (thread->signals)
		thread->saved_mask &= ~raised.blocked;
	return result;
}
