/*
 * A SIGSYS that a process sends. The guard needs SIGSYS unblocked whenever the program's own code runs, so one that the
 * program blocks cannot stay in the kernel. It is kept here: at most one for a thread and one for its process, as in
 * the kernel.
 *
 * During a call of the program SIGSYS can really be blocked. Each call of a thread for which one is kept is made like
 * that, with what is kept queued in the kernel again. So sigtimedwait, signalfd, poll and all others find it as
 * natively. When the call is over SIGSYS is unblocked, and what is left comes back to be kept, or to be handled if the
 * program lets it through now. Such a thread's calls take the guard, as the fast path asks for nothing of this.
 */
#ifndef RT_SIGNAL_SIGSYS_H
#define RT_SIGNAL_SIGSYS_H

#include "rt/base/thread.h"

/* ctx: entry | sigsys */
static inline bool rt_sigsys_kept_by_process(const struct rt_thread *thread)
{
	return __atomic_load_n(&thread->sighand->sigsys_pending, __ATOMIC_SEQ_CST) == (uint32_t)thread->pid;
}

/* Whether one is kept that the thread could take. Strict seccomp leaves no call to do anything about it. ctx: entry
 * | sigsys */
static inline bool rt_sigsys_kept(const struct rt_thread *thread)
{
	return (thread->sigsys_pending || rt_sigsys_kept_by_process(thread)) && !thread->strict;
}

/* The kernel has given the thread a SIGSYS: before anything else is done about it. Afterwards *info may be of one that
 * stands for what is kept. ctx: entry | sigsys */
void rt_sigsys_comes(struct rt_thread *thread, siginfo_t *info);
/* Whether it is for the thread, and not for the process, as far as can be known. ctx: entry | sigsys */
bool rt_sigsys_is_own(const struct rt_thread *thread, const siginfo_t *info);
/* If it stands for what is kept: takes that. False when that has been taken already. ctx: entry | sigsys */
bool rt_sigsys_resolve(struct rt_thread *thread, siginfo_t *info);
/* Makes *info that of a SIGSYS which stands for what is kept, whoever of the threads gets it. ctx: any */
void rt_sigsys_stand(const struct rt_thread *thread, siginfo_t *info);
/* A thread of the same process is about to send one to `to`. It is kept before, as the kernel drops one that comes
 * while the guard's waits for the thread. due: the program's own comes, too; otherwise one that stands for it. False:
 * it cannot be lost, or cannot be kept. ctx: entry */
bool rt_sigsys_announce(struct rt_thread *to, const siginfo_t *info, bool due);
/* It was not sent. ctx: entry */
void rt_sigsys_withdraw(struct rt_thread *to);
/* Keeps one. rt_sigsys_settle comes after it on the way to the program. ctx: entry | sigsys */
void rt_sigsys_keep(struct rt_thread *thread, const siginfo_t *info);
/* The thread is going back to the program, which blocks SIGSYS: its next call is to find what is kept, or another
 * thread. ctx: sigsys, signals blocked */
void rt_sigsys_settle(struct rt_thread *thread);
/* Notes that one is in the kernel's queue of the thread's signals, while SIGSYS is blocked. own: it is for the thread,
 * not for its process. ctx: entry | sigsys */
void rt_sigsys_queued(struct rt_thread *thread, const siginfo_t *info, bool own);
/* Queues what is kept; to the thread itself if it is going to take it. ctx: entry | sigsys, signals blocked */
void rt_sigsys_requeue(struct rt_thread *thread, bool takes);
/* If one is kept: blocks SIGSYS until the call in flight ends, and queues what is kept. ctx: entry | sigsys */
void rt_sigsys_hold(struct rt_thread *thread, bool takes);
/* Ends that before the call is made: what is kept stays kept. ctx: entry */
void rt_sigsys_take_back(struct rt_thread *thread);
/* The program ignores it from now on. ctx: entry */
void rt_sigsys_discard(struct rt_thread *thread);
/* ctx: entry | sigsys */
void rt_sigsys_unblock(struct rt_thread *thread);

/* The call in flight ends. ctx: entry */
static inline void rt_sigsys_release(struct rt_thread *thread)
{
	if (__builtin_expect(thread->sigsys_held, 0))
		rt_sigsys_unblock(thread);
}

#endif
