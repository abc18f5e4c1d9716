#include "rt/special/own_thread.h"

#include <asm/errno.h>
#include <linux/sched.h>

#include "rt/base/mask.h"
#include "rt/base/message.h"
#include "rt/base/owner.h"
#include "rt/guard/guard.h"
#include "rt/signal/altstack.h"
#include "rt/world/world.h"
#include "rt/x86_64/base/gs.h"

/* Tracers of the program do not get it by following the program's threads. */
#define FLAGS \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_UNTRACED)

/* x86_64/base/own_calls.S: clone(2). The child calls begin(), on the stack. ctx: boot | entry */
long rt_clone_own(uint64_t flags, uint64_t stack, void (*begin)(void));

/* In the new thread, with all signals blocked. ctx: entry */
static __attribute__((noreturn)) void begin(void)
{
	struct rt_thread *own = rt_self();
	uint32_t *begun = (uint32_t *)own->call.sp;
	long r;

	own->tid = (int32_t)sys(gettid);
	rt_owner_began(own->slot, rt_owner_begin(own), own->tid);
	r = rt_altstack_install(own);
	rt_gs_inherit(own);
	if (!failed(r))
		r = rt_guard_arm();
	if (failed(r))
		rt_panic("cannot guard a thread of a hosted hook", r);
	/* A crash is to be reported. */
	rt_mask_restore(~RT_FAULTS);
	rt_world_begin(own, begun);
}

/* ctx: boot | entry */
long rt_own_thread_make(struct rt_thread *thread, const struct rt_world *made)
{
	struct rt_region_slot *slot;
	struct rt_thread *own;
	uint32_t begun = 0;
	uint64_t mask, owner;
	long r;

	/* Such a process could leave it behind in the memory of others. */
	if (thread->shares_memory || thread->vforked || thread->strict)
		return -EAGAIN;
	own = rt_thread_new();
	if (!own)
		return -EAGAIN;
	own->own = own->sigsys_blocked = true;
	own->blocked = ~0ul;
	own->pid = thread->pid;
	own->sighand = thread->sighand;
	own->filters = thread->filters;
	own->sigstack.flags = SS_DISABLE;
	own->runs = rt_runs_hook(rt.bundle->worlds[made->index].hook);
	own->callback = "own thread";
	own->call.sp = (uint64_t)&begun;
	own->worlds[made->index] = *made;
	own->world = &own->worlds[made->index];
	slot = own->slot;
	owner = rt_owner_begin(own);
	mask = rt_mask_block_all();
	thread->alone = false;
	/* For good: the exit of one that ends may come after that of the program's last thread. */
	rt.own_threads = true;
	r = rt_clone_own(FLAGS, own->stack_top, begin);
	if (failed(r)) {
		rt_thread_free(own);
	} else {
		rt_owner_began(slot, owner, (int)r);
		/* As when clone(2) returns, the thread's id is where the C library wants it. */
		while (!__atomic_load_n(&begun, __ATOMIC_ACQUIRE))
			sys(futex, &begun, FUTEX_WAIT, 0, NULL);
	}
	rt_mask_unblock(thread, mask);
	return r;
}
