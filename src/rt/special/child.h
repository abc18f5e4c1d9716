/*
 * A child that shares its creator's memory.
 */
#ifndef RT_SPECIAL_CHILD_H
#define RT_SPECIAL_CHILD_H

#include "rt/base/thread.h"

/* Called by rt_child_entry, on the stack of the child's region: the rest of its way to the program. ctx: entry */
struct rt_thread *rt_child_start(void);

#endif
