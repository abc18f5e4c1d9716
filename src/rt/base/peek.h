/*
 * Copying memory by the processor, which is quicker than a system call: a fault makes the copy fail.
 */
#ifndef RT_BASE_PEEK_H
#define RT_BASE_PEEK_H

#include "abi/syscall.h"

/* 0, or -EFAULT after a part may have been copied. ctx: any */
long rt_peek(void *to, uint64_t from, size_t size) must_check;
/* If a fault occurs between the first two and its signal is not blocked, the thread goes on at the third. */
extern const char rt_peek_begin[], rt_peek_end[], rt_peek_fault[];

#endif
