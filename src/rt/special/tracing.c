#include "rt/special/tracing.h"

#include <linux/fcntl.h>

#include "core/string.h"
#include "rt/base/chain.h"
#include "rt/base/mask.h"
#include "rt/base/run_memory.h"
#include "rt/signal/action.h"
#include "rt/tracer/watch.h"

/* ctx: entry */
static void watch(struct rt_thread *thread)
{
	uint64_t mask = rt_mask_block();

	if (!failed(rt_action_enter(thread, SIGCHLD, true))) {
		rt_chain_claim();
		__atomic_fetch_or(&rt.ptraced, RT_PTRACED_TRACES, __ATOMIC_RELAXED);
		rt_watch_later(thread);
	}
	rt_mask_unblock(thread, mask);
}

/* Whether SIGCHLD enters the runtime for no tracee, and differs for the program: the kernel has to send it for children
 * that stop, and while one is pending none for a child that ends. ctx: entry */
static bool watches_in_vain(const struct rt_thread *thread)
{
	return rt.entered & SIGBIT(SIGCHLD) && thread->sighand->actions[SIGCHLD].flags & SA_NOCLDSTOP &&
	       !tracee_next(NULL);
}

/* Not while one is pending, which may not be for the program. Of a process that shares the memory the handlers may be
 * others. ctx: entry */
static void stop_watching(struct rt_thread *thread)
{
	uint64_t mask = rt_mask_block(), pending = 0;

	sys(rt_sigpending, &pending, 8);
	if (!(pending & SIGBIT(SIGCHLD)) && !thread->shares_memory && !failed(rt_action_enter(thread, SIGCHLD, false)))
		__atomic_fetch_and(&rt.ptraced, ~(uint32_t)RT_PTRACED_TRACES, __ATOMIC_SEQ_CST);
	rt_mask_unblock(thread, mask);
}

/* ctx: entry */
void tracing_begin(struct rt_thread *thread)
{
	thread->tracing = true;
}

/* ctx: entry */
void tracing_end(struct rt_thread *thread)
{
	if (!(rt.entered & SIGBIT(SIGCHLD)) && tracee_next(NULL))
		watch(thread);
	rt_watch_end(thread);
	if (!watches_in_vain(thread))
		return;
	stop_watching(thread);
	/* Another thread may have got one meanwhile. */
	if (!(rt.entered & SIGBIT(SIGCHLD)) && tracee_next(NULL)) {
		tracing_begin(thread);
		tracing_end(thread);
	}
}

/* Whether a text of /proc/PID/status names a tracer. ctx: entry */
static bool names_tracer(const char *text, size_t size)
{
	static const char key[] = "\nTracerPid:\t";
	const size_t length = sizeof(key) - 1;

	for (size_t i = 0; i + length < size; i++)
		if (memcmp(text + i, key, length) == 0)
			return text[i + length] != '0';
	return false;
}

/* Such a tracer may change calls after hooks have seen them, or make calls of its own in the process. ctx: entry */
void rt_note_tracer(void)
{
	char text[1024];
	long fd, size;

	if (!rt.bundle->memory_count || rt.ptraced & RT_PTRACED)
		return;
	fd = sys(openat, AT_FDCWD, "/proc/self/status", O_RDONLY | O_CLOEXEC);
	if (failed(fd))
		return;
	size = sys(read, fd, text, sizeof(text));
	sys(close, fd);
	if (!failed(size) && names_tracer(text, (size_t)size))
		rt_run_memories_gap_here(GAP_TRACER, 1);
}
