/*
 * The link /proc/PID/exe of a process whose program a carrier has loaded.
 */
#ifndef RT_SPECIAL_EXE_H
#define RT_SPECIAL_EXE_H

#include "rt/base/thread.h"

/* The path of the program if `path` is that link of the calling process, and leads elsewhere; otherwise NULL.
 * ctx: entry */
const char *rt_exe_behind(const struct rt_thread *thread, const char *path);

#endif
