/*
 * Tries calls that a hook must not make, at uname().
 */
#include <k23/hook.h>

#include <linux/prctl.h>
#include <signal.h>
#include <sys/mman.h>

static int wrong;

static void fails(long nr, unsigned long a1, unsigned long a2)
{
	wrong += k23_syscall(nr, a1, a2, 0, 8, 0, 0) != -EINVAL;
}

/* Memory of the runtime's, and of this hook. */
static void take_memory(void)
{
	static char own[8192];
	unsigned long theirs = (unsigned long)k23_thread_state() & ~4095ul;
	unsigned long mine = ((unsigned long)own + 4095) & ~4095ul, made;

	wrong += k23_syscall(SYS_munmap, theirs, 4096, 0, 0, 0, 0) != -EINVAL;
	wrong += k23_syscall(SYS_munmap, theirs - 4096, ~0ul - theirs, 0, 0, 0, 0) != -EINVAL;
	wrong += k23_syscall(SYS_mprotect, theirs, 1, PROT_READ, 0, 0, 0) != -EINVAL;
	wrong += k23_syscall(SYS_mremap, theirs, 4096, 8192, MREMAP_MAYMOVE, 0, 0) != -EINVAL;
	wrong += k23_syscall(SYS_mmap, theirs, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1ul, 0) !=
		 -EINVAL;
	wrong += k23_syscall(SYS_mprotect, mine, 4096, PROT_READ, 0, 0, 0) != 0;
	wrong += k23_syscall(SYS_mprotect, mine, 4096, PROT_READ | PROT_WRITE, 0, 0, 0) != 0;
	made = (unsigned long)k23_syscall(SYS_mmap, 0, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1ul, 0);
	wrong += k23_syscall(SYS_mremap, made, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, theirs, 0) != -EINVAL;
	wrong += k23_syscall(SYS_munmap, made, 8192, 0, 0, 0, 0) != 0;
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
	fails(SYS_ptrace, 0, 0);
	take_memory();
	wrong += k23_syscall(SYS_rt_sigaction, SIGINT, 0, (unsigned long)action, 8, 0, 0) != 0;
	wrong += k23_syscall(SYS_rt_sigprocmask, SIG_BLOCK, 0, (unsigned long)&set, 8, 0, 0) != 0;
	wrong += k23_syscall(SYS_prctl, PR_GET_DUMPABLE, 0, 0, 0, 0, 0) < 0;
	wrong += k23_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0) != k23_pid();
	k23_print("forbidden: %d wrong\n", wrong);
	return k23_forward(call);
}

K23_HOOK(forbidden, .thread_size = 8, .calls = { { SYS_uname, on_uname } });
