/*
 * Copying by the processor, where a fault is an answer.
 */
#ifndef RT_BASE_PEEK_H
#define RT_BASE_PEEK_H

#include "abi/syscall.h"

/* 0 or -EFAULT; then part of it may have been copied. ctx: any */
long rt_peek(void *to, uint64_t from, size_t size) must_check;
/* A fault between these, if its signal is not blocked, goes on at the third. */
extern const char rt_peek_begin[], rt_peek_end[], rt_peek_fault[];

#endif
