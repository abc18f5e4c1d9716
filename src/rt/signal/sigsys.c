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
 * which may share the handlers. ctx: entry | sigsys */
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
static bool stands(const struct rt_thread *thread, const siginfo_t *info)
{
	return info->si_code == SI_QUEUE && info->si_pid == thread->pid &&
	       info->si_ptr == &thread->sighand->sigsys_pending;
}

/* ctx: entry | sigsys */
static bool take_own(struct rt_thread *thread, siginfo_t *info)
{
	return take(&thread->sigsys_pending, &thread->sigsys_info, thread->pid, info);
}

/* ctx: entry | sigsys */
static bool take_shared(struct rt_thread *thread, siginfo_t *info)
{
	return take(&thread->sighand->sigsys_pending, &thread->sighand->sigsys_info, thread->pid, info);
}

/* ctx: entry | sigsys */
void rt_sigsys_comes(struct rt_thread *thread, siginfo_t *info)
{
	if (thread->sigsys_queued) {
		/* The queue had no room for it beside one that stands for another; or it has been discarded. */
		if (stands(thread, info) || stands(thread, &thread->sigsys_queued_info))
			*info = thread->sigsys_queued_info;
		thread->sigsys_queued = false;
		/* What it says does not show that it is for the thread. */
		if (thread->sigsys_queued_own && !stands(thread, info) &&
		    put(&thread->sigsys_pending, &thread->sigsys_info, thread->pid, info))
			rt_sigsys_stand(thread, info);
	} else if (thread->sigsys_due && info->si_code == SI_TKILL && info->si_pid == thread->pid) {
		thread->sigsys_due = false;
		rt_sigsys_stand(thread, info);
	}
}

/* ctx: entry | sigsys */
bool rt_sigsys_is_own(const struct rt_thread *thread, const siginfo_t *info)
{
	return info->si_code == SI_TKILL || (stands(thread, info) && thread->sigsys_pending);
}

/* ctx: entry | sigsys */
bool rt_sigsys_resolve(struct rt_thread *thread, siginfo_t *info)
{
	return !stands(thread, info) || take_own(thread, info) || take_shared(thread, info);
}

/* What tgkill sends is for the thread. Of what else is sent, only the sender knows. ctx: entry | sigsys */
void rt_sigsys_keep(struct rt_thread *thread, const siginfo_t *info)
{
	struct rt_sighand *sighand = thread->sighand;

	if (stands(thread, info))
		return;
	if (info->si_code == SI_TKILL || !put(&sighand->sigsys_pending, &sighand->sigsys_info, thread->pid, info))
		(void)put(&thread->sigsys_pending, &thread->sigsys_info, thread->pid, info);
}

/* ctx: entry */
bool rt_sigsys_announce(struct rt_thread *to, const siginfo_t *info, bool due)
{
	bool done = put(&to->sigsys_pending, &to->sigsys_info, to->pid, info);

	__atomic_store_n(&to->sigsys_due, due && done, __ATOMIC_SEQ_CST);
	if (!done || to->sigsys_awaited || !__atomic_load_n(&to->sigsys_held, __ATOMIC_SEQ_CST))
		return done;
	rt_sigsys_withdraw(to);
	return false;
}

/* ctx: entry */
void rt_sigsys_withdraw(struct rt_thread *to)
{
	siginfo_t info;

	to->sigsys_due = false;
	(void)take_own(to, &info);
}

/* ctx: any */
void rt_sigsys_stand(const struct rt_thread *thread, siginfo_t *info)
{
	memset(info, 0, sizeof(*info));
	info->si_signo = SIGSYS;
	info->si_code = SI_QUEUE;
	info->si_pid = thread->pid;
	info->si_ptr = &thread->sighand->sigsys_pending;
}

/* ctx: any */
static bool would_take(const struct rt_thread *thread, const void *key)
{
	const struct rt_thread *self = key;

	return thread != self && thread->sighand == self->sighand && thread->pid == self->pid &&
	       (__atomic_load_n(&thread->sigsys_awaited, __ATOMIC_RELAXED) || !rt_sigsys_blocked(thread));
}

/* ctx: sigsys, signals blocked */
void rt_sigsys_settle(struct rt_thread *thread)
{
	struct rt_thread *other;
	siginfo_t info;

	if (!rt_sigsys_kept(thread) || !thread->sigsys_blocked)
		return;
	rt_gs_give_up();
	if (!rt_sigsys_kept_by_process(thread))
		return;
	other = rt_thread_find(would_take, thread);
	if (!other)
		return;
	rt_sigsys_stand(thread, &info);
	sys(rt_tgsigqueueinfo, thread->pid, other->tid, SIGSYS, &info);
}

/* ctx: entry | sigsys */
void rt_sigsys_queued(struct rt_thread *thread, const siginfo_t *info, bool own)
{
	thread->sigsys_queued_info = *info;
	thread->sigsys_queued_own = own;
	thread->sigsys_queued = true;
}

/* Queues one that was kept to the thread itself. The queue has room for one SIGSYS: if one that stands for another is
 * there already, rt_sigsys_comes finds this one nevertheless. ctx: entry | sigsys */
static void queue(struct rt_thread *thread, siginfo_t *info, bool own)
{
	rt_sigsys_queued(thread, info, own);
	sys(rt_tgsigqueueinfo, thread->pid, thread->tid, SIGSYS, info);
}

/* ctx: entry | sigsys, signals blocked */
void rt_sigsys_requeue(struct rt_thread *thread, bool takes)
{
	siginfo_t info;

	if (take_own(thread, &info)) {
		queue(thread, &info, true);
		takes = false;
	}
	if (!take_shared(thread, &info))
		return;
	/* By its own id a thread may queue what kill sent, too; it is the process's all the same. */
	if (takes)
		queue(thread, &info, false);
	else
		sys(rt_sigqueueinfo, thread->tid, SIGSYS, &info);
}

/* What stands for one that is noted is not to come once more. ctx: entry | sigsys */
void rt_sigsys_hold(struct rt_thread *thread, bool takes)
{
	if (!rt_sigsys_kept(thread) || rt_thread_has_noted(thread, SIGSYS))
		return;
	sys(rt_sigprocmask, SIG_BLOCK, &sigsys, 0, 8);
	__atomic_store_n(&thread->sigsys_held, true, __ATOMIC_SEQ_CST);
	rt_sigsys_requeue(thread, takes);
	if (!thread->dispatch.on)
		rt_gs_take(thread);
}

/* What a thread keeps, or has queued to itself for its call in flight: that stands for nothing from now on. ctx: any */
static bool discard_own(const struct rt_thread *other, const void *key)
{
	struct rt_thread *thread = (struct rt_thread *)other;
	siginfo_t info;

	if (thread->pid != ((const struct rt_thread *)key)->pid)
		return false;
	(void)take_own(thread, &info);
	if (thread->sigsys_queued)
		rt_sigsys_stand(thread, &thread->sigsys_queued_info);
	return false;
}

/* ctx: entry */
void rt_sigsys_discard(struct rt_thread *thread)
{
	static const uint64_t now[2];
	siginfo_t info;

	rt_thread_find(discard_own, thread);
	(void)take_shared(thread, &info);
	while (thread->sigsys_held && sys(rt_sigtimedwait, &sigsys, 0, now, 8) == SIGSYS)
		;
	thread->sigsys_queued = false;
}

/* ctx: entry */
void rt_sigsys_take_back(struct rt_thread *thread)
{
	static const uint64_t now[2];
	siginfo_t info;

	if (!thread->sigsys_held)
		return;
	while (sys(rt_sigtimedwait, &sigsys, &info, now, 8) == SIGSYS) {
		rt_sigsys_comes(thread, &info);
		rt_sigsys_keep(thread, &info);
	}
	rt_sigsys_unblock(thread);
}

/* ctx: entry | sigsys */
void rt_sigsys_unblock(struct rt_thread *thread)
{
	thread->sigsys_held = false;
	sys(rt_sigprocmask, SIG_UNBLOCK, &sigsys, 0, 8);
	/* What the call in flight has not taken has come now. */
	thread->sigsys_queued = false;
}
