#include "rt/hook/exec_callbacks.h"

#include "rt/base/chain.h"
#include "rt/hook/enter.h"

/* ctx: entry, signals blocked */
bool rt_callbacks_exec_begin(const char *path, uint64_t *values, const char **interpreter)
{
	struct rt_thread *thread = rt_self();
	bool any = false;

	*interpreter = NULL;
	for (uint32_t i = 0; i < rt.bundle->hook_count; i++) {
		const struct k23_descriptor *hook = rt_chain_hook(i);
		struct k23_exec exec = { .path = path };

		if (hook->exec_begin)
			rt_hook_tell(thread, i, ".exec_begin", hook->exec_begin, (uint64_t)&exec);
		values[i] = exec.value;
		any |= exec.value != 0;
		if (exec.interpreter)
			*interpreter = exec.interpreter;
	}
	return any;
}

/* ctx: entry, signals blocked */
void rt_callbacks_exec_failed(const char *path, const uint64_t *values, long error)
{
	struct rt_thread *thread = rt_self();

	for (uint32_t i = 0; i < rt.bundle->hook_count; i++) {
		const struct k23_descriptor *hook = rt_chain_hook(i);
		struct k23_exec exec = { .path = path, .value = values[i], .error = error };

		if (hook->exec_failed)
			rt_hook_tell(thread, i, ".exec_failed", hook->exec_failed, (uint64_t)&exec);
	}
}
