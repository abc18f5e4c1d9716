#include "rt/entry/nested.h"

#include <asm/errno.h>

#include "abi/nested.h"
#include "rt/base/copy.h"

/* ctx: entry */
long rt_nested(struct rt_thread *thread, const struct k23_call *call)
{
	struct bundle head;

	if (call->args[2] == NESTED_BUNDLE)
		return (long)rt.bundle;
	if (call->args[2] == NESTED_MEMORY)
		return call->args[3] < BUNDLE_MAX_MEMORIES ? (long)rt.memories[call->args[3]] : -EINVAL;
	if (call->args[2] != NESTED_CARRY || failed(rt_copy_from(&head, call->args[3], sizeof(head))) ||
	    head.magic != BUNDLE_MAGIC || head.version != BUNDLE_VERSION)
		return -EINVAL;
	thread->sighand->next = (const struct bundle *)call->args[3];
	return 0;
}
