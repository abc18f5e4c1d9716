#include "rt/tracer/watch.h"

#include <linux/wait.h>

#include "core/string.h"

/* The last child of whose end the program was told. */
static int32_t last_ended;

/* What one thread sends to another whose tracees may have stopped: SI_QUEUE, with this address. ctx: any */
static bool is_nudge(const struct rt_thread *thread, const siginfo_t *info)
{
	return info->si_code == SI_QUEUE && info->si_pid == thread->pid && info->si_ptr == &rt.entered;
}

/* ctx: entry | sigsys */
static void send(const struct rt_thread *thread, int tid, siginfo_t *info)
{
	sys(rt_tgsigqueueinfo, thread->pid, tid, SIGCHLD, info);
}

/* ctx: entry | sigsys */
static void make_nudge(const struct rt_thread *thread, siginfo_t *info)
{
	memset(info, 0, sizeof(*info));
	info->si_signo = SIGCHLD;
	info->si_code = SI_QUEUE;
	info->si_pid = thread->pid;
	info->si_ptr = &rt.entered;
}

/* ctx: entry | sigsys */
static void look_at(int tid)
{
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	sys(waitid, P_PID, tid, &info, WSTOPPED | WNOHANG | WNOWAIT | __WALL, 0);
	if (info.si_pid && info.si_code == CLD_TRAPPED)
		tracee_stopped(info.si_pid, (uint32_t)info.si_status, true);
}

/* Looks at each tracee of this thread that runs, as far as the program knows. The runtime of another thread must look
 * at that thread's. ctx: entry | sigsys */
static void look(const struct rt_thread *thread, bool nudged)
{
	int told = 0;

	for (struct tracee *tracee = tracee_next(NULL); tracee; tracee = tracee_next(tracee)) {
		int owner = tracee->owner;

		if (tracee->flags & TRACEE_SHOWN)
			continue;
		if (owner == thread->tid) {
			look_at(tracee->tid);
		} else if (!nudged && owner != told) {
			siginfo_t info;

			make_nudge(thread, &info);
			send(thread, owner, &info);
			told = owner;
		}
	}
}

/* A stop that the program is to see and has not been told of. about: of this tracee, if it is one.
 * ctx: entry | sigsys */
static struct tracee *find_untold(const struct rt_thread *thread, struct tracee *about)
{
	if (about && (about->flags & (TRACEE_SHOWN | TRACEE_TOLD)) == TRACEE_SHOWN)
		return about;
	for (struct tracee *tracee = tracee_next(NULL); tracee; tracee = tracee_next(tracee))
		if (tracee->owner == thread->tid &&
		    (tracee->flags & (TRACEE_SEEN | TRACEE_TOLD)) == TRACEE_SEEN)
			return tracee;
	return NULL;
}

/* The kernel keeps one SIGCHLD at a time: that of the end of a child may have been dropped because that of a stop was
 * waiting. ctx: entry | sigsys */
static bool find_ended(const struct rt_thread *thread, siginfo_t *info)
{
	siginfo_t ended;
	uint64_t pending = 0;

	memset(&ended, 0, sizeof(ended));
	sys(waitid, P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT, 0);
	/* Looked at afterwards: the signal of an end is sent before the end can be found. */
	sys(rt_sigpending, &pending, 8);
	if (pending & SIGBIT(SIGCHLD) || __atomic_load_n(&thread->child_kept, __ATOMIC_RELAXED))
		return false;
	/* The kernel reports the stop of a tracee, too. */
	if (!ended.si_pid || ended.si_code == CLD_TRAPPED || ended.si_pid == last_ended)
		return false;
	*info = ended;
	last_ended = info->si_pid;
	return true;
}

/* ctx: entry | sigsys */
static bool is_due(const struct rt_thread *thread, siginfo_t *info)
{
	const struct rt_sigaction *action = &thread->sighand->actions[SIGCHLD];
	bool nudge = is_nudge(thread, info), stops = action->flags & SA_NOCLDSTOP;
	bool trapped = !nudge && info->si_code == CLD_TRAPPED;
	struct tracee *about, *untold;

	/* One that has asked for it by PTRACE_TRACEME, and stops for the first time. */
	if (trapped && !tracee_find(info->si_pid))
		look_at(info->si_pid);
	look(thread, nudge);
	if (action->handler <= (uint64_t)SIG_IGN)
		return false;
	about = trapped ? tracee_find(info->si_pid) : NULL;
	if (!nudge && info->si_code != CLD_TRAPPED && info->si_code != CLD_STOPPED && info->si_code != CLD_CONTINUED) {
		last_ended = info->si_pid;
		return true;
	}
	if (!nudge && !about && !stops)
		return true;
	untold = stops ? NULL : find_untold(thread, about);
	if (!untold)
		return find_ended(thread, info);
	untold->flags |= TRACEE_TOLD;
	if (untold != about) {
		memset(info, 0, sizeof(*info));
		info->si_signo = SIGCHLD;
		info->si_code = CLD_TRAPPED;
		info->si_pid = untold->tid;
		info->si_uid = (uint32_t)sys(getuid);
	}
	info->si_status = (int)(untold->seen & 0x7f);
	return true;
}

/* The first stop of the first tracee may be one of which the program is not to know, too. ctx: sigsys; no locks */
bool rt_watch_concerns(const struct rt_thread *thread, const siginfo_t *info)
{
	return rt.entered & SIGBIT(SIGCHLD) || thread->child_due || info->si_code == CLD_TRAPPED ||
	       is_nudge(thread, info);
}

/* ctx: sigsys */
bool rt_watch_signal(struct rt_thread *thread, siginfo_t *info, bool reported)
{
	/* The kernel may have dropped what the thread has sent itself, as another one was waiting. */
	if (thread->child_due) {
		thread->child_due = false;
		look(thread, false);
		*info = thread->child_decided;
		return true;
	}
	if (thread->tracing || reported) {
		thread->child_info = *info;
		thread->child_kept = true;
		return false;
	}
	return is_due(thread, info);
}

/* ctx: entry */
void rt_watch_later(struct rt_thread *thread)
{
	if (!thread->child_kept)
		make_nudge(thread, &thread->child_info);
	thread->child_kept = true;
}

/* ctx: entry */
void rt_watch_end(struct rt_thread *thread)
{
	siginfo_t info;

	while (__atomic_exchange_n(&thread->child_kept, false, __ATOMIC_ACQ_REL)) {
		info = thread->child_info;
		if (is_due(thread, &info)) {
			thread->child_decided = info;
			thread->child_due = true;
			send(thread, thread->tid, &info);
		}
	}
	__atomic_store_n(&thread->tracing, false, __ATOMIC_RELEASE);
	/* One may have come in between. */
	if (__atomic_load_n(&thread->child_kept, __ATOMIC_ACQUIRE)) {
		thread->tracing = true;
		rt_watch_end(thread);
	}
}
