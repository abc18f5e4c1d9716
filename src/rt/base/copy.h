/*
 * Reading and writing the program's memory. Where the program would fault, these functions return -EFAULT.
 */
#ifndef RT_BASE_COPY_H
#define RT_BASE_COPY_H

#include "abi/syscall.h"

/* 0 or -EFAULT; -ENOMEM when the kernel has no memory for the copy. ctx: entry | sigsys */
long rt_copy_from(void *to, uint64_t from, size_t size) must_check;
long rt_copy_to(uint64_t to, const void *from, size_t size) must_check;
/* The length of the string, or -EFAULT; -ENAMETOOLONG when the string and its NUL do not fit. ctx: entry | sigsys */
long rt_copy_string(char *to, size_t size, uint64_t from) must_check;
/* The same by another function than rt_copy_from. ctx: entry | sigsys */
typedef long rt_copy_fn(void *to, uint64_t from, size_t size);
long rt_copy_string_by(rt_copy_fn *copy, char *to, size_t size, uint64_t from) must_check;

/* The same two, where a filter denies the calls that do it at once. 0 or -EFAULT. ctx: entry | sigsys */
long rt_copy_pages_from(void *to, uint64_t from, size_t size) must_check;
long rt_copy_pages_to(uint64_t to, const void *from, size_t size) must_check;

#endif
