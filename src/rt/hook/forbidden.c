#include "rt/hook/forbidden.h"

#include <asm/errno.h>
#include <asm/unistd.h>
#include <linux/mman.h>
#include <linux/prctl.h>

#include "core/describe.h"
#include "rt/base/chain.h"
#include "rt/base/message.h"
#include "rt/text/owned.h"

/* What makes a call harmless. Of those from OTHER_RANGE on, that it is about other memory than the runtime's. */
enum harmless {
	NEVER, WITH_FIRST, WITHOUT_FIRST, WITHOUT_SECOND, OTHER_OPTION, OTHER_RANGE, OTHER_FIXED, OTHER_RANGES,
};

static const struct {
	uint16_t nr;
	uint8_t harmless;
} forbidden[] = {
	{ __NR_clone, NEVER },		     { __NR_clone3, NEVER },	      { __NR_fork, NEVER },
	{ __NR_vfork, NEVER },		     { __NR_execve, NEVER },	      { __NR_execveat, NEVER },
	{ __NR_exit, NEVER },		     { __NR_exit_group, NEVER },      { __NR_rt_sigreturn, NEVER },
	{ __NR_rt_sigsuspend, NEVER },	     { __NR_restart_syscall, NEVER }, { __NR_set_tid_address, NEVER },
	{ __NR_set_robust_list, NEVER },     { __NR_rseq, NEVER },	      { __NR_arch_prctl, NEVER },
	{ __NR_seccomp, NEVER },	     { __NR_rt_sigaction, WITHOUT_SECOND },
	{ __NR_rt_sigprocmask, WITHOUT_SECOND }, { __NR_sigaltstack, WITHOUT_FIRST },
	{ __NR_prctl, OTHER_OPTION },	     { __NR_ptrace, WITH_FIRST },     { __NR_munmap, OTHER_RANGE },
	{ __NR_mprotect, OTHER_RANGE },	     { __NR_pkey_mprotect, OTHER_RANGE }, { __NR_mmap, OTHER_FIXED },
	{ __NR_mremap, OTHER_RANGES },
};

/* Of a range that is the runtime's, or another hook's: with its own file a hook may do as it likes. ctx: any */
static bool is_taken(const struct rt_thread *thread, uint64_t start, uint64_t size)
{
	uint32_t index = rt_runs_now(thread) - 1;
	const struct bundle_hook *hook = &rt.bundle->hooks[index];

	if (!size || !rt_owned(start, size))
		return false;
	return index >= rt.bundle->hook_count || start < rt.start + hook->start || start + size < start ||
	       start + size > rt.start + hook->end;
}

/* ctx: any */
static bool is_harmless(const struct rt_thread *thread, enum harmless how, const uint64_t *args)
{
	switch (how) {
	case NEVER:
		return false;
	case WITH_FIRST: /* all but PTRACE_TRACEME */
		return args[0];
	case WITHOUT_FIRST:
		return !args[0];
	case WITHOUT_SECOND:
		return !args[1];
	case OTHER_OPTION:
		return (int)args[0] != PR_SET_SYSCALL_USER_DISPATCH && (int)args[0] != PR_SET_SECCOMP;
	case OTHER_RANGE:
		return !is_taken(thread, args[0], args[1]);
	case OTHER_FIXED:
		return !(args[3] & MAP_FIXED) || !is_taken(thread, args[0], args[1]);
	case OTHER_RANGES:
		return !is_taken(thread, args[0], args[1] ? args[1] : 1) &&
		       (!(args[3] & MREMAP_FIXED) || !is_taken(thread, args[4], args[2]));
	}
	return true;
}

/* ctx: boot | entry | sigsys */
static const char *running_name(const struct rt_thread *thread)
{
	uint32_t index = rt_runs_now(thread) - 1;

	return index < rt.bundle->hook_count ? rt_chain_hook(index)->name : "?";
}

/* ctx: boot | entry | sigsys */
bool rt_hook_forbids(const struct rt_thread *thread, const struct k23_call *call)
{
	static bool told;
	struct k23_syscall_info info;
	unsigned i = 0;

	while (i < sizeof(forbidden) / sizeof(forbidden[0]) && forbidden[i].nr != call->nr)
		i++;
	if (i == sizeof(forbidden) / sizeof(forbidden[0]) || is_harmless(thread, forbidden[i].harmless, call->args))
		return false;
	if (!__atomic_exchange_n(&told, true, __ATOMIC_RELAXED) && core_describe(K23_ARCH_X86_64, call->nr, &info))
		rt_message("hook %s: k23_syscall(SYS_%s) fails with EINVAL: %s", running_name(thread), info.name,
			   forbidden[i].harmless >= OTHER_RANGE ?
				   "the memory is the runtime's" :
				   "hooks do not create, end or replace processes and threads, nor change how signals "
				   "are handled");
	return true;
}

/* ctx: boot | entry | sigsys */
long rt_hook_refuse_forward(const struct rt_thread *thread)
{
	static bool told;

	if (__atomic_exchange_n(&told, true, __ATOMIC_RELAXED))
		return thread->callback ? -EPERM : -EINVAL;
	if (thread->callback) {
		rt_message("hook %s: k23_forward() in its %s fails with EPERM: only a function for a call forwards; "
			   "k23_syscall() makes calls of the hook's own", running_name(thread), thread->callback);
		return -EPERM;
	}
	rt_message("hook %s: k23_forward() fails with EINVAL: it takes the function's argument, or a copy of that; "
		   "k23_syscall() makes calls of the hook's own", running_name(thread));
	return -EINVAL;
}
