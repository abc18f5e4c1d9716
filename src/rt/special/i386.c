/*
 * Special calls that 64-bit code makes with int $0x80, by their i386 numbers. Their structures are 32 bits wide: they
 * are translated to the x86-64 calls that mean the same.
 */
#include <asm/errno.h>
#include <linux/mman.h>

#include "core/string.h"
#include "rt/special/special.h"

#define CLONE_SETTLS_BIT 0x80000
#define MAXIMUM_ARGUMENTS 0x7fffffu

struct i386_sigaction {
	uint32_t handler, flags, restorer, mask[2];
};

/* What would lead to a 32-bit signal frame, or has a 32-bit structure with addresses in it. From 64-bit code nobody
 * is known to use these. */
static long unsupported(struct rt_thread *thread, struct k23_call *call)
{
	(void)thread;
	(void)call;
	return -ENOSYS;
}

/* The last two arguments are the other way round, and TLS is a descriptor of a 32-bit segment. */
static long i386_clone(struct rt_thread *thread, struct k23_call *call)
{
	if (call->args[0] & CLONE_SETTLS_BIT)
		return -ENOSYS;
	return special_create(thread, call->args[0], call->args[1], call->args[2], call->args[4], 0);
}

/* How many pointers an argv or envp has, or -errno. */
static long count(uint64_t vector)
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

static long widen(uint64_t *to, uint64_t vector, long n)
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

/* vectors: which of the arguments is argv; envp is the next. */
static long execute(struct rt_thread *thread, struct k23_call *call, int argv, rt_special_fn *execve)
{
	struct k23_call own = *call;
	long arguments = count(call->args[argv]), variables = count(call->args[argv + 1]), memory, r;
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
	r = widen((uint64_t *)own.args[argv], call->args[argv], arguments);
	if (!failed(r))
		r = widen((uint64_t *)own.args[argv + 1], call->args[argv + 1], variables);
	if (!failed(r))
		r = execve(thread, &own);
	sys(munmap, memory, size);
	return r;
}

static long i386_execve(struct rt_thread *thread, struct k23_call *call)
{
	return execute(thread, call, 1, special_execve);
}

static long i386_execveat(struct rt_thread *thread, struct k23_call *call)
{
	return execute(thread, call, 2, special_execveat);
}

/* A handler would be entered as 32-bit code: only ignoring, the default and asking are possible. */
static long i386_rt_sigaction(struct rt_thread *thread, struct k23_call *call)
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
	r = special_set_action(thread, (int)call->args[0], call->args[1] ? &action : NULL, &old);
	if (failed(r) || !call->args[2])
		return r;
	narrow = (struct i386_sigaction){ (uint32_t)old.handler, (uint32_t)old.flags, (uint32_t)old.restorer,
					  { (uint32_t)old.mask, (uint32_t)(old.mask >> 32) } };
	return rt_copy_to(call->args[2], &narrow, sizeof(narrow));
}

rt_special_fn *rt_i386_special(long nr)
{
	switch (nr) {
	case 1:
		return special_exit;
	case 2:
		return special_fork;
	case 11:
		return i386_execve;
	case 120:
		return i386_clone;
	case 172:
		return special_prctl;
	case 174:
		return i386_rt_sigaction;
	case 175:
		return special_rt_sigprocmask;
	case 190:
		return special_vfork;
	case 252:
		return special_exit_group;
	case 358:
		return i386_execveat;
	case 384:
		return special_arch_prctl;
	case 48:  /* signal */
	case 67:  /* sigaction */
	case 72:  /* sigsuspend */
	case 119: /* sigreturn */
	case 126: /* sigprocmask */
	case 173: /* rt_sigreturn */
	case 177: /* rt_sigtimedwait */
	case 179: /* rt_sigsuspend */
	case 186: /* sigaltstack */
	case 308: /* pselect6 */
	case 309: /* ppoll */
	case 319: /* epoll_pwait */
	case 321: /* signalfd */
	case 327: /* signalfd4 */
	case 354: /* seccomp */
	case 413: /* pselect6_time64 */
	case 414: /* ppoll_time64 */
	case 421: /* rt_sigtimedwait_time64 */
	case 435: /* clone3 */
	case 441: /* epoll_pwait2 */
		return unsupported;
	default:
		return NULL;
	}
}
