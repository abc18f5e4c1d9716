#include "rt/base/chain.h"
#include "rt/base/message.h"
#include "rt/hook/callbacks.h"
#include "rt/hook/enter.h"

/* Lets the signals of faults through that are blocked, unless one of the program's waits for that. One that comes
 * meanwhile is kept by entry/signal.c. ctx: boot | entry | sigsys */
static void lend_faults(struct rt_thread *thread)
{
	uint64_t mask = 0, pending = 0;

	/* In strict seccomp the call would kill. */
	if (!thread->strict)
		sys(rt_sigprocmask, SIG_BLOCK, 0, &mask, 8);
	mask &= RT_FAULTS;
	if (mask)
		sys(rt_sigpending, &pending, 8);
	thread->lent = mask & ~pending;
	if (!thread->lent)
		return;
	__atomic_fetch_add(&rt.lends, 1, __ATOMIC_SEQ_CST);
	sys(rt_sigprocmask, SIG_UNBLOCK, &thread->lent, 0, 8);
}

/* ctx: boot | entry | sigsys */
static void take_faults_back(struct rt_thread *thread)
{
	if (!thread->lent)
		return;
	sys(rt_sigprocmask, SIG_BLOCK, &thread->lent, 0, 8);
	__atomic_fetch_add(&rt.lends_ended, 1, __ATOMIC_SEQ_CST);
}

/* ctx: boot | entry | sigsys */
long rt_hook_tell(struct rt_thread *thread, uint32_t index, const char *name, const void *function, uint64_t argument)
{
	const char *outer = thread->callback;
	uint64_t outer_lent = thread->lent;
	long result;

	lend_faults(thread);
	thread->callback = name;
	result = rt_hook_run(thread, index, function, argument);
	thread->callback = outer;
	take_faults_back(thread);
	thread->lent = outer_lent;
	return result;
}

/* ctx: boot, signals blocked */
long rt_callbacks_prepare(uint32_t index)
{
	const struct k23_descriptor *hook = rt_chain_hook(index);
	bool done = !hook->prepare || (rt.ready && rt.bundle->hooks[index].world);
	int r = done ? 0 : (int)rt_hook_tell(rt_self(), index, ".prepare", hook->prepare, 0);

	if (r < 0)
		rt_message("hook %s refuses to start: .prepare: error %d", hook->name, -r);
	return r < 0 ? r : 0;
}

/* ctx: sigsys, signals blocked */
void rt_callbacks_signal(struct rt_thread *thread, int sig, const void *info, bool handled)
{
	struct k23_signal signal = { sig, handled, info };

	for (uint32_t i = 0; i < rt.bundle->hook_count; i++)
		if (rt_chain_hook(i)->signal)
			rt_hook_tell(thread, i, ".signal", rt_chain_hook(i)->signal, (uint64_t)&signal);
}
