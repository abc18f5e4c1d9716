/*
 * exit and exit_group: hooks are told, and a thread gives its region back.
 *
 * ctx: entry, for all here.
 */
#include "rt/base/gate.h"
#include "rt/base/mask.h"
#include "rt/base/owner.h"
#include "rt/hook/callbacks.h"
#include "rt/special/special.h"
#include "rt/special/tracing.h"
#include "rt/special/world_end.h"

static __attribute__((noreturn)) void leave(long nr, uint64_t status)
{
	for (;;)
		raw_syscall(nr, status, 0, 0, 0, 0, 0);
}

/* The call where a filter of the program has to judge it, and may let the thread go on. Until the thread is gone,
 * its region is its own; then others find it (base/thread.c). counted: whether the thread was among those that use
 * the handlers. */
static long leave_judged(struct rt_thread *thread, struct k23_call *call, bool counted)
{
	long r;

	thread->exits = thread->slot->mortal = true;
	r = rt_gate_any(call, thread);
	thread->exits = false;
	if (counted && !thread->counted) {
		thread->counted = true;
		__atomic_fetch_add(&thread->sighand->threads, 1, __ATOMIC_RELAXED);
	}
	return r;
}

long special_exit(struct rt_thread *thread, struct k23_call *call)
{
	uint32_t others;
	bool counted = thread->counted;

	rt_mask_block_kept(thread, RT_ALL_BLOCKED);
	if (thread->signals) {
		rt_mask_unblock(thread, rt_mask_kept(thread));
		return -K23_ERESTART;
	}
	others = rt_sighand_leave(thread);
	rt_callbacks_thread_exit();
	if (!others) {
		rt_note_tracer();
		rt_callbacks_process_exit((int)call->args[0]);
	}
	rt_end_worlds(thread, others);
	/* Threads of hooks do not keep the process. Its status is the last thread's, as in Linux since 5.17. */
	if (!others && rt.own_threads && !thread->shares_memory)
		leave(__NR_exit_group, call->args[0]);
	/* From now on the process's signals are for others (signal/hand_over.h). */
	thread->blocked = ~0ul;
	if (thread->sighand->seccomp) {
		long r = leave_judged(thread, call, counted);

		thread->blocked = thread->kept_mask;
		return rt_go_on(thread, r, rt_mask_kept(thread));
	}
	/* Threads that go on use what is in the leader's region; a vfork child's is freed by its parent. */
	if (thread->vforked || (thread->leads && others))
		leave(__NR_exit, call->args[0]);
	rt_thread_leaves();
	/* Not even a signal that cannot be blocked for long may find the stack that is no longer this thread's. */
	rt_mask_block_all();
	rt_thread_end(rt_thread_slot_state(thread), __NR_exit, (long)call->args[0]);
}

long special_exit_group(struct rt_thread *thread, struct k23_call *call)
{
	rt_mask_block_kept(thread, RT_ALL_BLOCKED);
	if (thread->signals) {
		rt_mask_unblock(thread, rt_mask_kept(thread));
		return -K23_ERESTART;
	}
	rt_note_tracer();
	rt_callbacks_process_exit((int)call->args[0]);
	rt_end_worlds_of_all(thread);
	if (thread->sighand->seccomp)
		return rt_go_on_all(thread, leave_judged(thread, call, thread->counted));
	/* A child that shares its creator's memory must not leave its region behind there, unless other processes
	 * use the signal handlers in it. There may be threads of the kernel's beside this one, so that it is
	 * exit_group all the same. */
	if (thread->alone && !thread->vforked && !(rt_sighand_leave(thread) && thread->leads)) {
		rt_thread_leaves();
		rt_mask_block_all();
		rt_thread_end(rt_thread_slot_state(thread), __NR_exit_group, (long)call->args[0]);
	}
	leave(__NR_exit_group, call->args[0]);
}
