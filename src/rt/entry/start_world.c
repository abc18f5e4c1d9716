/*
 * ctx: boot, for all here.
 */
#include "rt/entry/start_world.h"

#include "rt/base/message.h"
#include "rt/guard/guard.h"
#include "rt/hook/enter.h"
#include "rt/signal/sigsys.h"
#include "rt/world/world.h"

void rt_start_world(struct rt_thread *thread)
{
	const struct bundle_hook *hook = &rt.bundle->hooks[rt.bundle->world.hook - 1];
	long r;

	rt.world_start = rt.start + hook->start;
	rt.world_size = hook->end - hook->start;
	r = rt_guard_arm();
	if (failed(r))
		rt_panic("cannot switch the guard on (Syscall User Dispatch)", r);
	rt_sigsys_unblock(thread);
	if (failed(rt_hook_tell(thread, rt.bundle->world.hook - 1, "start", (const void *)rt_world_start,
				(uint64_t)thread)))
		for (;;)
			sys(exit_group, 125);
}
