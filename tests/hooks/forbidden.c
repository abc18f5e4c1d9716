/*
 * Tries calls that a hook must not make, at uname().
 */
#include <k23/hook.h>

#include <linux/prctl.h>
#include <signal.h>

static int wrong;

static void fails(long nr, unsigned long a1, unsigned long a2)
{
	wrong += k23_syscall(nr, a1, a2, 0, 8, 0, 0) != -EINVAL;
}

static long on_uname(struct k23_call *call)
{
	unsigned long action[4] = { 0 }, set = 0;

	fails(SYS_fork, 0, 0);
	fails(SYS_vfork, 0, 0);
	fails(SYS_clone, 17, 0);
	fails(SYS_clone3, (unsigned long)action, 64);
	fails(SYS_execve, (unsigned long)"/bin/true", 0);
	fails(SYS_exit, 1, 0);
	fails(SYS_exit_group, 1, 0);
	fails(SYS_rt_sigreturn, 0, 0);
	fails(SYS_rt_sigaction, SIGSYS, (unsigned long)action);
	fails(SYS_rt_sigprocmask, SIG_BLOCK, (unsigned long)&set);
	fails(SYS_sigaltstack, (unsigned long)action, 0);
	fails(SYS_arch_prctl, 0x1001, 0);
	fails(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, 0);
	fails(SYS_seccomp, 0, 0);
	wrong += k23_syscall(SYS_rt_sigaction, SIGINT, 0, (unsigned long)action, 8, 0, 0) != 0;
	wrong += k23_syscall(SYS_rt_sigprocmask, SIG_BLOCK, 0, (unsigned long)&set, 8, 0, 0) != 0;
	wrong += k23_syscall(SYS_prctl, PR_GET_DUMPABLE, 0, 0, 0, 0, 0) < 0;
	wrong += k23_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0) != k23_pid();
	k23_print("forbidden: %d wrong\n", wrong);
	return k23_forward(call);
}

K23_HOOK(forbidden, .calls = { { SYS_uname, on_uname } });
