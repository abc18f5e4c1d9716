#include "rt/signal/sigsys.h"

#include "abi/syscall.h"
#include "core/string.h"
#include "rt/x86_64/base/gs.h"

#define CHANGING UINT32_MAX

static const uint64_t sigsys = SIGBIT(SIGSYS);

/* pid: whose signal is kept in `pending`. False if none is. ctx: entry | sigsys */
static bool take(uint32_t *pending, const siginfo_t *from, int32_t pid, siginfo_t *info)
{
	uint32_t expected = (uint32_t)pid;

	if (!__atomic_compare_exchange_n(pending, &expected, CHANGING, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		return false;
	*info = *from;
	__atomic_store_n(pending, 0, __ATOMIC_RELEASE);
	return true;
}

/* A second one is the same as the first, also while another thread takes that. False if it is another process's,
 * which may share the handlers. ctx: sigsys */
static bool put(uint32_t *pending, siginfo_t *to, int32_t pid, const siginfo_t *info)
{
	uint32_t expected = 0;

	if (!__atomic_compare_exchange_n(pending, &expected, CHANGING, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return expected == CHANGING || expected == (uint32_t)pid;
	*to = *info;
	__atomic_store_n(pending, (uint32_t)pid, __ATOMIC_SEQ_CST);
	return true;
}

/* ctx: entry | sigsys */
bool rt_sigsys_stands(const struct rt_thread *thread, const siginfo_t *info)
{
	return info->si_code == SI_QUEUE && info->si_pid == thread->pid &&
	       info->si_ptr == &thread->sighand->sigsys_pending;
}

/* ctx: entry | sigsys */
bool rt_sigsys_blocked(const struct rt_thread *thread)
{
	return thread->temporary ? thread->temporary_mask & sigsys : thread->sigsys_blocked;
}

/* ctx: entry | sigsys */
bool rt_sigsys_resolve(struct rt_thread *thread, siginfo_t *info)
{
	struct rt_sighand *sighand = thread->sighand;

	return !rt_sigsys_stands(thread, info) ||
	       take(&sighand->sigsys_pending, &sighand->sigsys_info, thread->pid, info);
}

/* What tgkill sends is for the thread. Of what else is sent, only the sender knows. ctx: sigsys, signals blocked */
void rt_sigsys_keep(struct rt_thread *thread, const siginfo_t *info)
{
	struct rt_sighand *sighand = thread->sighand;

	if (rt_sigsys_stands(thread, info))
		return;
	if (info->si_code == SI_TKILL || !put(&sighand->sigsys_pending, &sighand->sigsys_info, thread->pid, info))
		(void)put(&thread->sigsys_pending, &thread->sigsys_info, thread->pid, info);
}

/* ctx: any */
static bool would_take(const struct rt_thread *self, const struct rt_thread *thread)
{
	return thread != self && thread->sighand == self->sighand && thread->pid == self->pid &&
	       (__atomic_load_n(&thread->sigsys_awaited, __ATOMIC_RELAXED) || !rt_sigsys_blocked(thread));
}

/* ctx: sigsys, signals blocked */
static void pass_on(struct rt_thread *thread)
{
	struct rt_thread *other = rt_thread_find(thread, would_take);
	siginfo_t info;

	if (!other)
		return;
	memset(&info, 0, sizeof(info));
	info.si_signo = SIGSYS;
	info.si_code = SI_QUEUE;
	info.si_pid = thread->pid;
	info.si_ptr = &thread->sighand->sigsys_pending;
	sys(rt_tgsigqueueinfo, thread->pid, other->tid, SIGSYS, &info);
}

/* ctx: sigsys, signals blocked */
void rt_sigsys_settle(struct rt_thread *thread)
{
	if (!rt_sigsys_kept(thread))
		return;
	if (!thread->sigsys_blocked) {
		rt_sigsys_requeue(thread, true);
		return;
	}
	rt_gs_give_up();
	if (rt_sigsys_kept_by_process(thread))
		pass_on(thread);
}

/* ctx: entry | sigsys, signals blocked */
void rt_sigsys_requeue(struct rt_thread *thread, bool takes)
{
	struct rt_sighand *sighand = thread->sighand;
	siginfo_t info;

	if (take(&thread->sigsys_pending, &thread->sigsys_info, thread->pid, &info)) {
		sys(rt_tgsigqueueinfo, thread->pid, thread->tid, SIGSYS, &info);
		takes = false; /* it has room for one */
	}
	if (!take(&sighand->sigsys_pending, &sighand->sigsys_info, thread->pid, &info))
		return;
	/* By its own id a thread may queue what kill sent, too; it is the process's all the same. */
	if (takes)
		sys(rt_tgsigqueueinfo, thread->pid, thread->tid, SIGSYS, &info);
	else
		sys(rt_sigqueueinfo, thread->tid, SIGSYS, &info);
}

/* ctx: entry | sigsys */
void rt_sigsys_hold(struct rt_thread *thread, bool takes)
{
	if (!rt_sigsys_kept(thread))
		return;
	sys(rt_sigprocmask, SIG_BLOCK, &sigsys, 0, 8);
	thread->sigsys_held = true;
	rt_sigsys_requeue(thread, takes);
	if (!thread->dispatch.on)
		rt_gs_take(thread);
}

/* ctx: entry */
void rt_sigsys_discard(struct rt_thread *thread)
{
	static const uint64_t now[2];
	struct rt_sighand *sighand = thread->sighand;
	siginfo_t info;

	(void)take(&thread->sigsys_pending, &thread->sigsys_info, thread->pid, &info);
	(void)take(&sighand->sigsys_pending, &sighand->sigsys_info, thread->pid, &info);
	while (thread->sigsys_held && sys(rt_sigtimedwait, &sigsys, 0, now, 8) == SIGSYS)
		;
}

/* ctx: entry | sigsys */
void rt_sigsys_unblock(struct rt_thread *thread)
{
	thread->sigsys_held = false;
	sys(rt_sigprocmask, SIG_UNBLOCK, &sigsys, 0, 8);
}
