/*
 * Special calls that 64-bit code makes with int $0x80, by their i386 numbers. Their structures are 32 bits wide: they
 * are translated to the x86-64 calls that mean the same.
 *
 * ctx: entry, for all here.
 */
#include <asm/errno.h>
#include <linux/fcntl.h>

#include "core/string.h"
#include "rt/base/copy.h"
#include "rt/special/clone.h"
#include "rt/special/exec.h"
#include "rt/special/sigaction.h"
#include "rt/special/sigmask.h"
#include "rt/special/special.h"
#include "rt/special/vectors.h"

#define CLONE_SETTLS_BIT 0x80000

struct i386_sigaction {
	uint32_t handler, flags, restorer, mask[2];
};

/* What would lead to a 32-bit signal frame, or has a 32-bit structure with addresses in it. From 64-bit code nobody
 * is known to use these. */
long special_i386_unsupported(struct rt_thread *thread, struct k23_call *call)
{
	(void)thread;
	(void)call;
	return -ENOSYS;
}

/* The last two arguments are the other way round, and TLS is a descriptor of a 32-bit segment. */
long special_i386_clone(struct rt_thread *thread, struct k23_call *call)
{
	if (call->args[0] & CLONE_SETTLS_BIT)
		return -ENOSYS;
	return rt_clone(thread, call->args[0], call->args[1], call->args[2], call->args[4], 0);
}

/* argv: which of the arguments that is; envp is the next. */
static long execute(struct rt_thread *thread, struct k23_call *call, int argv, int dirfd, uint64_t path, unsigned flags)
{
	struct k23_call own = *call;
	struct rt_vectors vectors;
	long r = rt_vectors_copy(&vectors, call->args[argv], call->args[argv + 1], 4);

	if (failed(r))
		return r;
	own.args[argv] = (uint64_t)vectors.argv;
	own.args[argv + 1] = (uint64_t)vectors.envp;
	own.nr = argv == 1 ? __NR_execve : __NR_execveat;
	own.arch = K23_ARCH_X86_64;
	r = rt_exec(thread, &own, dirfd, path, flags);
	rt_vectors_free(&vectors);
	return r;
}

long special_i386_execve(struct rt_thread *thread, struct k23_call *call)
{
	return execute(thread, call, 1, AT_FDCWD, call->args[0], 0);
}

long special_i386_execveat(struct rt_thread *thread, struct k23_call *call)
{
	return execute(thread, call, 2, (int)call->args[0], call->args[1], (unsigned)call->args[4]);
}

/* A handler would be entered as 32-bit code: only ignoring, the default and asking are possible. */
long special_i386_rt_sigaction(struct rt_thread *thread, struct k23_call *call)
{
	struct i386_sigaction narrow;
	struct rt_sigaction action = { 0 }, old;
	long r;

	if (call->args[3] != 8)
		return rt_gate_i386(call, thread); /* the kernel's own error */
	if (call->args[1]) {
		if (failed(rt_copy_from(&narrow, call->args[1], sizeof(narrow))))
			return rt_gate_forward(thread, __NR_rt_sigaction, call->args[0], RT_NO_ADDRESS, 0, 8, 0, 0);
		if (narrow.handler > (uint64_t)SIG_IGN)
			return -ENOSYS;
		action.handler = narrow.handler;
		action.flags = narrow.flags;
		action.restorer = narrow.restorer;
		action.mask = narrow.mask[0] | (uint64_t)narrow.mask[1] << 32;
	}
	r = rt_sigaction_change(thread, (int)call->args[0], call->args[1] ? &action : NULL, &old);
	if (r != 0 || !call->args[2] || old.flags == RT_NO_ACTION)
		return r;
	narrow = (struct i386_sigaction){ (uint32_t)old.handler, (uint32_t)old.flags, (uint32_t)old.restorer,
					  { (uint32_t)old.mask, (uint32_t)(old.mask >> 32) } };
	return rt_copy_to(call->args[2], &narrow, sizeof(narrow));
}

long special_i386_sgetmask(struct rt_thread *thread, struct k23_call *call)
{
	uint64_t mask = 0;
	long r = rt_sigmask_change(thread, SIG_BLOCK, NULL, &mask);

	(void)call;
	return r || mask == RT_NO_MASK ? r : (long)mask;
}

long special_i386_ssetmask(struct rt_thread *thread, struct k23_call *call)
{
	uint64_t mask = (uint64_t)(int32_t)call->args[0], old = 0;
	long r = rt_sigmask_change(thread, SIG_SETMASK, &mask, &old);

	return r || old == RT_NO_MASK ? r : (int32_t)old;
}

/* Of the mask it knows the lower half. */
long special_i386_sigprocmask(struct rt_thread *thread, struct k23_call *call)
{
	bool sets = call->args[1];
	uint32_t low = 0;
	uint64_t set, old = 0;
	long r = 0;

	if (sets && failed(rt_copy_from(&low, call->args[1], sizeof(low))))
		return -EFAULT;
	set = low;
	if ((int)call->args[0] == SIG_SETMASK) {
		r = rt_sigmask_change(thread, SIG_BLOCK, NULL, &old);
		set |= old & ~(uint64_t)UINT32_MAX;
	}
	if (!r)
		r = rt_sigmask_change(thread, call->args[0], sets ? &set : NULL, &old);
	low = (uint32_t)old;
	return r || !call->args[2] || old == RT_NO_MASK ? r : rt_copy_to(call->args[2], &low, sizeof(low));
}
