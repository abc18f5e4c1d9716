/*
 * A call whose begin is shown to a tracer under k23, which may change it, or take it away.
 */
#ifndef RT_ENTRY_TRACED_CALL_H
#define RT_ENTRY_TRACED_CALL_H

#include "rt/base/gate.h"

/* Makes the stop at the begin of the thread's call. ctx: entry */
struct rt_stopped rt_traced_call(struct rt_thread *thread);

#endif
