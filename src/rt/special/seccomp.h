/*
 * Installing a filter, and strict mode, for seccomp(2) and prctl(2).
 */
#ifndef RT_SPECIAL_SECCOMP_H
#define RT_SPECIAL_SECCOMP_H

#include "rt/base/thread.h"

/* ctx: entry */
long rt_seccomp_strict(struct rt_thread *thread, struct k23_call *call);
/* A new thread has the filters of its process, once others find it by its process. ctx: entry */
void rt_seccomp_join(struct rt_thread *thread);
/* program_argument: which argument points to the struct sock_fprog. ctx: entry */
long rt_seccomp_filter(struct rt_thread *thread, struct k23_call *call, int program_argument);

#endif
