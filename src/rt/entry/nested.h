/*
 * k23 in k23: what the inner tool asks of this runtime (abi/nested.h).
 */
#ifndef RT_ENTRY_NESTED_H
#define RT_ENTRY_NESTED_H

#include "rt/base/thread.h"

/* Makes the call by which it asks, which no hook sees. ctx: entry */
long rt_nested(struct rt_thread *thread, const struct k23_call *call);

#endif
