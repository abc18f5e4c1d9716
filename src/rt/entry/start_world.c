/*
 * ctx: boot, for all here.
 */
#include "rt/entry/start_world.h"

#include "rt/base/message.h"
#include "rt/guard/guard.h"
#include "rt/hook/enter.h"
#include "rt/signal/sigsys.h"
#include "rt/special/own_thread.h"
#include "rt/world/world.h"

void rt_start_worlds(struct rt_thread *thread)
{
	long r;

	rt.worlds_start = rt.start + rt.bundle->worlds_start;
	rt.worlds_size = rt.bundle->worlds_end - rt.bundle->worlds_start;
	r = rt_guard_arm();
	if (failed(r))
		rt_panic("cannot switch the guard on (Syscall User Dispatch)", r);
	rt_sigsys_unblock(thread);
	rt.make_thread = rt_own_thread_make;
	for (uint32_t i = 0; i < rt.bundle->world_count; i++)
		if (failed(rt_hook_tell(thread, rt.bundle->worlds[i].hook, "start", (const void *)rt_world_start,
					(uint64_t)&thread->worlds[i])))
			for (;;)
				sys(exit_group, 125);
}
