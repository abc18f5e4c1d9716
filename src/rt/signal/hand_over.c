#include "rt/signal/hand_over.h"

/* Only its first thread may send the process a signal in the kernel's name, or in another process's. So meanwhile such
 * a signal has an si_code of the runtime's, which nobody else has a use for. */
#define HANDED_OVER (-0x6b323300)

/* What the kernel sends to the process, and not for the sake of the thread that runs: of a terminal, and of a timer of
 * real time. */
#define OF_KERNEL (SIGBIT(SIGHUP) | SIGBIT(SIGINT) | SIGBIT(SIGQUIT) | SIGBIT(SIGALRM) | SIGBIT(SIGWINCH))
/* What the kernel sends to a thread as if that had sent it; and what would be another act: to send SIGCONT again would
 * take back a stop. */
#define NEVER \
	(SIGBIT(SIGPIPE) | SIGBIT(SIGXFSZ) | SIGBIT(SIGCONT) | SIGBIT(SIGTSTP) | SIGBIT(SIGTTIN) | SIGBIT(SIGTTOU))

/* The first thread has to get a processor. Where it does not take the signal in this time, it cannot. */
#define TRIES 200
static const struct __kernel_timespec moment = { .tv_nsec = 50000 };

/* ctx: any */
int rt_handed_over_code(int code)
{
	return code >= HANDED_OVER && code <= HANDED_OVER + SI_KERNEL ? code - HANDED_OVER : code;
}

/* Whether a signal was sent to the process. What is not known counts as sent to the thread. A real-time signal could
 * not go back to its place among others. ctx: any */
static bool is_shared(const struct rt_thread *thread, int sig, int code)
{
	if (sig >= SIGRTMIN || SIGBIT(sig) & (NEVER | RT_NOT_BLOCKED))
		return false;
	if (code == SI_KERNEL)
		return SIGBIT(sig) & OF_KERNEL;
	return code == SI_USER || (code == SI_QUEUE && !(thread->queued & SIGBIT(sig)));
}

/* ctx: any */
static bool is_first(const struct rt_thread *thread, const void *key)
{
	int32_t pid = *(const int32_t *)key;

	return thread->pid == pid && thread->tid == pid;
}

/* Whether the first thread is there to take a signal. ctx: any */
static bool first_takes(const struct rt_thread *thread, int sig)
{
	const struct rt_thread *first = rt_thread_find(is_first, &thread->pid);

	return first && !((first->temporary ? first->temporary_mask : first->blocked) & SIGBIT(sig));
}

/* ctx: sigsys, signals blocked */
bool rt_hand_over(const struct rt_thread *thread, int sig, siginfo_t *info)
{
	static const struct __kernel_timespec now;
	const uint64_t set = SIGBIT(sig);
	uint64_t pending;
	siginfo_t sent;

	if (thread->tid == thread->pid || thread->strict || rt.ptraced ||
	    thread->sighand->actions[sig].handler <= (uint64_t)SIG_IGN || !is_shared(thread, sig, info->si_code) ||
	    !first_takes(thread, sig))
		return false;
	sent = *info;
	if (sent.si_code >= 0)
		sent.si_code += HANDED_OVER;
	if (failed(sys(rt_sigqueueinfo, thread->pid, sig, &sent)))
		return false;
	for (int i = 0; i < TRIES && first_takes(thread, sig); i++) {
		if (failed(sys(rt_sigpending, &pending, 8)) || !(pending & set))
			return true;
		sys(nanosleep, &moment, 0);
	}
	if (failed(sys(rt_sigtimedwait, &set, info, &now, 8)))
		return true;
	info->si_code = rt_handed_over_code(info->si_code);
	return false;
}
