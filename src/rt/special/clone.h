/*
 * Making a task, for the calls of both kinds.
 */
#ifndef RT_SPECIAL_CLONE_H
#define RT_SPECIAL_CLONE_H

#include "rt/base/thread.h"

/* clone. stack: the child's stack pointer, 0 for the caller's. ctx: entry */
long rt_clone(struct rt_thread *thread, uint64_t flags, uint64_t stack, uint64_t parent_tid, uint64_t child_tid,
	      uint64_t tls);

#endif
