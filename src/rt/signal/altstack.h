/*
 * The alternate signal stack: the program's is kept in its thread, by the kernel's rules; the kernel knows the
 * runtime's.
 */
#ifndef RT_SIGNAL_ALTSTACK_H
#define RT_SIGNAL_ALTSTACK_H

#include "rt/base/thread.h"

/* Tells the kernel of the runtime's. ctx: boot | entry, signals blocked */
long rt_altstack_install(const struct rt_thread *thread) must_check;
/* What sigaltstack shows a program whose stack pointer is `sp`. ctx: entry */
struct rt_sigstack rt_altstack_shown(const struct rt_thread *thread, uint64_t sp);
/* 0 or -errno. ctx: entry */
long rt_altstack_set(struct rt_thread *thread, const struct rt_sigstack *wanted, uint64_t sp);

#endif
