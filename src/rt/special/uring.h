/*
 * io_uring_enter waits with a mask of its own, and submits what is to be counted.
 */
#ifndef RT_SPECIAL_URING_H
#define RT_SPECIAL_URING_H

#include "rt/special/special.h"

/* Makes the call with the program's mask (sigmask.c). ctx: entry */
rt_special_fn rt_io_uring_enter;

#endif
