/*
 * exit and exit_group: hooks are told, and a thread gives its region back.
 *
 * ctx: entry, for all here.
 */
#include "rt/base/mask.h"
#include "rt/hook/callbacks.h"
#include "rt/special/special.h"

static __attribute__((noreturn)) void leave(long nr, uint64_t status)
{
	for (;;)
		raw_syscall(nr, status, 0, 0, 0, 0, 0);
}

long special_exit(struct rt_thread *thread, struct k23_call *call)
{
	uint32_t others;
	uint64_t mask = rt_mask_block();

	if (thread->signals) {
		rt_mask_unblock(thread, mask);
		return -K23_ERESTART;
	}
	others = rt_sighand_leave(thread);
	rt_callbacks_thread_exit();
	if (!others)
		rt_callbacks_process_exit((int)call->args[0]);
	/* Threads that go on use what is in the leader's region; a vfork child's is freed by its parent. */
	if (thread->vforked || (thread->leads && others))
		leave(__NR_exit, call->args[0]);
	/* Not even a signal that cannot be blocked for long may find the stack that is no longer this thread's. */
	rt_mask_block_all();
	rt_thread_end(rt_thread_slot_state(thread), __NR_exit, (long)call->args[0]);
}

long special_exit_group(struct rt_thread *thread, struct k23_call *call)
{
	uint64_t mask = rt_mask_block();

	if (thread->signals) {
		rt_mask_unblock(thread, mask);
		return -K23_ERESTART;
	}
	rt_callbacks_process_exit((int)call->args[0]);
	/* A child that shares its creator's memory must not leave its region behind there, unless other processes use the signal
	 * handlers in it. There may be threads of the kernel's beside this one, so that it is exit_group all the same. */
	if (thread->alone && !thread->vforked && !(rt_sighand_leave(thread) && thread->leads)) {
		rt_mask_block_all();
		rt_thread_end(rt_thread_slot_state(thread), __NR_exit_group, (long)call->args[0]);
	}
	leave(__NR_exit_group, call->args[0]);
}
