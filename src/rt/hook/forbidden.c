#include "rt/hook/forbidden.h"

#include <asm/errno.h>
#include <asm/unistd.h>
#include <linux/prctl.h>

#include "core/describe.h"
#include "rt/base/chain.h"
#include "rt/base/message.h"

/* What makes a call harmless. */
enum harmless { NEVER, WITHOUT_FIRST, WITHOUT_SECOND, OTHER_OPTION };

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
	{ __NR_prctl, OTHER_OPTION },
};

/* ctx: any */
static bool is_harmless(enum harmless how, uint64_t a1, uint64_t a2)
{
	switch (how) {
	case NEVER:
		return false;
	case WITHOUT_FIRST:
		return !a1;
	case WITHOUT_SECOND:
		return !a2;
	case OTHER_OPTION:
		return (int)a1 != PR_SET_SYSCALL_USER_DISPATCH && (int)a1 != PR_SET_SECCOMP;
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
bool rt_hook_forbids(const struct rt_thread *thread, long nr, uint64_t a1, uint64_t a2)
{
	static bool told;
	struct k23_syscall_info info;
	unsigned i = 0;

	while (i < sizeof(forbidden) / sizeof(forbidden[0]) && forbidden[i].nr != nr)
		i++;
	if (i == sizeof(forbidden) / sizeof(forbidden[0]) || is_harmless(forbidden[i].harmless, a1, a2))
		return false;
	if (!__atomic_exchange_n(&told, true, __ATOMIC_RELAXED) && core_describe(K23_ARCH_X86_64, nr, &info))
		rt_message("hook %s: k23_syscall(SYS_%s) fails with EINVAL: hooks do not create, end or replace "
			   "processes and threads, nor change how signals are handled",
			   running_name(thread), info.name);
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
