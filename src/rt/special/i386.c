/*
 * Special calls that 64-bit code makes with int $0x80, by their i386 numbers. Their structures are 32 bits wide: they
 * are translated to the x86-64 calls that mean the same.
 *
 * ctx: entry, for all here.
 */
#include <asm/errno.h>
#include <linux/fcntl.h>
#include <linux/mman.h>

#include "core/string.h"
#include "rt/base/copy.h"
#include "rt/signal/action.h"
#include "rt/special/clone.h"
#include "rt/special/exec.h"
#include "rt/special/special.h"

#define CLONE_SETTLS_BIT 0x80000
#define MAXIMUM_ARGUMENTS 0x7fffffu

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

/* How many pointers an argv or envp has, or -errno. */
static long vector_length(uint64_t vector)
{
	uint32_t pointer;
	long n = 0;

	if (!vector)
		return 0;
	for (;; n++) {
		if (failed(rt_copy_from(&pointer, vector + (uint64_t)n * 4, 4)))
			return -EFAULT;
		if (!pointer)
			return n;
		if (n == MAXIMUM_ARGUMENTS)
			return -E2BIG;
	}
}

static long widen_vector(uint64_t *to, uint64_t vector, long n)
{
	for (long i = 0; i < n; i++) {
		uint32_t pointer;

		if (failed(rt_copy_from(&pointer, vector + (uint64_t)i * 4, 4)))
			return -EFAULT;
		to[i] = pointer;
	}
	to[n] = 0;
	return 0;
}

/* argv: which of the arguments that is; envp is the next. */
static long execute(struct rt_thread *thread, struct k23_call *call, int argv, int dirfd, uint64_t path, unsigned flags)
{
	struct k23_call own = *call;
	long arguments = vector_length(call->args[argv]), variables = vector_length(call->args[argv + 1]), memory, r;
	size_t size;

	if (failed(arguments) || failed(variables))
		return failed(arguments) ? arguments : variables;
	size = (size_t)(arguments + variables + 2) * 8;
	memory = sys(mmap, 0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (failed(memory))
		return -ENOMEM;
	own.args[argv] = (uint64_t)memory;
	own.args[argv + 1] = (uint64_t)memory + (uint64_t)(arguments + 1) * 8;
	own.nr = argv == 1 ? __NR_execve : __NR_execveat;
	own.arch = K23_ARCH_X86_64;
	r = widen_vector((uint64_t *)own.args[argv], call->args[argv], arguments);
	if (!failed(r))
		r = widen_vector((uint64_t *)own.args[argv + 1], call->args[argv + 1], variables);
	if (!failed(r))
		r = rt_exec(thread, &own, dirfd, path, flags);
	sys(munmap, memory, size);
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
		return -EINVAL;
	if (call->args[1]) {
		if (failed(rt_copy_from(&narrow, call->args[1], sizeof(narrow))))
			return -EFAULT;
		if (narrow.handler > (uint64_t)SIG_IGN)
			return -ENOSYS;
		action.handler = narrow.handler;
		action.flags = narrow.flags;
		action.restorer = narrow.restorer;
		action.mask = narrow.mask[0] | (uint64_t)narrow.mask[1] << 32;
	}
	r = rt_action_set(thread, (int)call->args[0], call->args[1] ? &action : NULL, &old);
	if (failed(r) || !call->args[2])
		return r;
	narrow = (struct i386_sigaction){ (uint32_t)old.handler, (uint32_t)old.flags, (uint32_t)old.restorer,
					  { (uint32_t)old.mask, (uint32_t)(old.mask >> 32) } };
	return rt_copy_to(call->args[2], &narrow, sizeof(narrow));
}
