/*
 * The special calls' functions, as tables/special.def and tables/special_i386.def name them. Each is the end of the
 * hooks' chain for its call: it returns the result, or -K23_ERESTART with thread->signals set when a signal came before
 * the call had an effect. Nobody but the dispatcher calls them: what rows share is in headers of its own.
 */
#ifndef RT_SPECIAL_SPECIAL_H
#define RT_SPECIAL_SPECIAL_H

#include "rt/base/chain.h"
#include "rt/base/gate.h"

typedef long rt_special_fn(struct rt_thread *thread, struct k23_call *call);

/* ctx: entry, for all of these */
#define SPECIAL(name, function, why) rt_special_fn function;
#include "special.def"
#include "special_exe.def"
#include "special_hidden.def"
#undef SPECIAL
#define SPECIAL_I386(name, function, why) rt_special_fn function;
#include "special_i386.def"
#undef SPECIAL_I386

/* The function of a call, or NULL. ctx: entry */
rt_special_fn *rt_special(uint32_t arch, long nr);
/* Sets a bit for each x86-64 number that has one in this image. ctx: boot */
void rt_special_bits(uint64_t bits[K23_NUMBERS / 64]);

#endif
