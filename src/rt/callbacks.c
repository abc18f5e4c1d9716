/*
 * What hooks are told besides calls: see struct k23_descriptor.
 */
#include "rt/rt.h"

#define FOR_EACH_HOOK(thread, hook)                                                                          \
	for ((thread)->hook = 1;                                                                             \
	     (thread)->hook <= rt.bundle->hook_count && ((hook) = rt_hook((thread)->hook - 1), true);         \
	     (thread)->hook++)

/* ctx: entry, signals blocked. A negative errno: the process must not run. */
long rt_callbacks_init(bool first)
{
	struct rt_thread *thread = rt_self();
	uint32_t caller = thread->hook;
	struct k23_descriptor *hook;

	FOR_EACH_HOOK (thread, hook) {
		struct k23_options options = {
			(const char *)rt.start + rt.bundle->hooks[thread->hook - 1].options,
		};
		int r = hook->init ? hook->init(&options) : 0;

		if (r < 0) {
			rt_message("hook %s refuses to start: error %d%s%s", hook->name, -r,
				   *options.text ? ", options: " : "", options.text);
			return r;
		}
		if (hook->exec && !first)
			hook->exec();
	}
	thread->hook = caller;
	return 0;
}

void rt_callbacks_fork_child(void)
{
	struct rt_thread *thread = rt_self();
	uint32_t caller = thread->hook;
	struct k23_descriptor *hook;

	FOR_EACH_HOOK (thread, hook)
		if (hook->fork_child)
			hook->fork_child();
	thread->hook = caller;
}

void rt_callbacks_thread_start(void)
{
	struct rt_thread *thread = rt_self();
	uint32_t caller = thread->hook;
	struct k23_descriptor *hook;

	FOR_EACH_HOOK (thread, hook)
		if (hook->thread_start)
			hook->thread_start();
	thread->hook = caller;
}

void rt_callbacks_thread_exit(void)
{
	struct rt_thread *thread = rt_self();
	uint32_t caller = thread->hook;
	struct k23_descriptor *hook;

	FOR_EACH_HOOK (thread, hook)
		if (hook->thread_exit)
			hook->thread_exit();
	thread->hook = caller;
}

void rt_callbacks_process_exit(int status)
{
	struct rt_thread *thread = rt_self();
	uint32_t caller = thread->hook;
	struct k23_descriptor *hook;

	FOR_EACH_HOOK (thread, hook)
		if (hook->process_exit)
			hook->process_exit(status);
	thread->hook = caller;
}
