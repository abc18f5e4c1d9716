#include "rt/base/sighand.h"

#include "rt/base/thread.h"

/* ctx: entry | helper */
uint32_t rt_sighand_leave(struct rt_thread *thread)
{
	uint32_t *threads = &thread->sighand->threads;

	if (!thread->counted)
		return __atomic_load_n(threads, __ATOMIC_RELAXED);
	thread->counted = false;
	return __atomic_sub_fetch(threads, 1, __ATOMIC_RELAXED);
}
