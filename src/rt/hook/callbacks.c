#include "rt/hook/callbacks.h"

#include <asm/errno.h>

#include "rt/base/chain.h"
#include "rt/base/message.h"
#include "rt/hook/enter.h"
#include "rt/hook/options.h"

/* ctx: boot, signals blocked */
static long init_hook(struct rt_thread *thread, uint32_t index, bool first)
{
	const struct k23_descriptor *hook = rt_chain_hook(index);
	struct k23_options options = { (const char *)rt.start + rt.bundle->hooks[index].options };
	int r;

	r = (int)rt_callbacks_prepare(index);
	if (r < 0)
		return r;
	rt_options_begin(hook->name);
	r = hook->init ? (int)rt_hook_tell(thread, index, ".init", hook->init, (uint64_t)&options) : 0;
	if (r < 0 && !rt_options_refused())
		rt_message("hook %s refuses to start: error %d%s%s", hook->name, -r, *options.text ? ", options: " : "",
			   options.text);
	if (r >= 0 && first && !rt_options_known(&options))
		r = -EINVAL;
	if (r < 0)
		return r;
	if (hook->exec && !first)
		rt_hook_tell(thread, index, ".exec", hook->exec, 0);
	return 0;
}

/* ctx: boot, signals blocked */
long rt_callbacks_init(bool first)
{
	struct rt_thread *thread = rt_self();
	long r = 0;

	for (uint32_t i = 0; i < rt.bundle->hook_count && !failed(r); i++)
		r = init_hook(thread, i, first);
	return r;
}

/* Calls one function of each hook that has it. callback: the offset of the function's pointer in a descriptor.
 * ctx: entry, signals blocked */
static void tell_hooks(const char *name, size_t callback, uint64_t argument)
{
	struct rt_thread *thread = rt_self();

	for (uint32_t i = 0; i < rt.bundle->hook_count; i++) {
		const void *function = *(void **)((char *)rt_chain_hook(i) + callback);

		if (function)
			rt_hook_tell(thread, i, name, function, argument);
	}
}
#define TELL_HOOKS(member, argument) tell_hooks("." #member, offsetof(struct k23_descriptor, member), argument)

/* ctx: entry, signals blocked */
void rt_callbacks_fork_child(void)
{
	TELL_HOOKS(fork_child, 0);
}

/* ctx: entry, signals blocked */
void rt_callbacks_thread_start(void)
{
	TELL_HOOKS(thread_start, 0);
}

/* ctx: entry, signals blocked */
void rt_callbacks_thread_exit(void)
{
	TELL_HOOKS(thread_exit, 0);
}

/* ctx: boot */
bool rt_callbacks_hear(void)
{
	bool hears = false;

	for (uint32_t i = 0; i < rt.bundle->hook_count; i++) {
		uintptr_t function = (uintptr_t)rt_chain_hook(i)->signal;

		hears |= function != 0;
		rt.tells_apart |= rt_in_world(function);
	}
	return hears;
}

/* ctx: entry, signals blocked */
void rt_callbacks_process_exit(int status)
{
	TELL_HOOKS(process_exit, (uint32_t)status);
	rt_worlds_flush(rt_self());
}
