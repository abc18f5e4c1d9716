/*
 * ctx: boot, for all here.
 */
#include "rt/entry/start_world.h"

#include <linux/futex.h>

#include "rt/base/message.h"
#include "rt/guard/guard.h"
#include "rt/hook/callbacks.h"
#include "rt/hook/enter.h"
#include "rt/signal/sigsys.h"
#include "rt/special/own_thread.h"
#include "rt/world/template.h"
#include "rt/world/world.h"

/* The call by which a world forks is where its images begin. */
static long become_template(struct rt_thread *thread, void *argument)
{
	struct bundle_template *template = argument;

	template->threads = (uint64_t)thread->worlds;
	template->threads_size = rt.bundle->world_count * sizeof(thread->worlds[0]);
	rt_template_says(BUNDLE_TEMPLATE_READY);
	/* The command reads what there is, and kills it. */
	for (;;)
		sys(futex, &template->state, FUTEX_WAIT, BUNDLE_TEMPLATE_READY, 0);
	__builtin_unreachable();
}

static __attribute__((noreturn)) void run_template(struct rt_thread *thread)
{
	for (uint32_t i = 0; i < rt.bundle->world_count; i++)
		if (failed(rt_callbacks_prepare(rt.bundle->worlds[i].hook)))
			rt_template_give_up();
	rt_worlds_fork(thread, become_template, (void *)rt.bundle->template);
	rt_template_give_up();
}

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
		if (failed(rt_hook_tell(thread, rt.bundle->worlds[i].hook, "start",
					(const void *)(rt.ready ? rt_world_go_on_ready : rt_world_start),
					(uint64_t)&thread->worlds[i])))
			for (;;)
				sys(exit_group, 125);
	if (rt.bundle->template)
		run_template(thread);
}
