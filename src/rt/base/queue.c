#include "rt/base/queue.h"

#include <asm/errno.h>

#include "abi/syscall.h"
#include "core/string.h"

/* ctx: entry | sigsys */
void rt_queue_signal(struct rt_thread *thread, int sig, siginfo_t *info)
{
	siginfo_t plain;

	if (!info) {
		memset(&plain, 0, sizeof(plain));
		plain.si_signo = sig;
		plain.si_code = SI_KERNEL;
		info = &plain;
	}
	/* At RLIMIT_SIGPENDING only what comes from kill(2) still gets through. */
	if (sys(rt_tgsigqueueinfo, thread->pid, thread->tid, sig, info) == -EAGAIN)
		sys(kill, thread->pid, sig);
}
