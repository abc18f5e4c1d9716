/*
 * For programs that make calls to be shown: raw ones, as the kernel has them. What they return does not matter.
 */
#ifndef CALLS_H
#define CALLS_H

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

/* A sixth argument must be a long: it goes over the stack, where an int would leave the upper half as it was. */
#define CALL(name, ...) syscall(SYS_##name, ##__VA_ARGS__)
#define BAD ((void *)0x10) /* memory that is not there */
#define POISON 0xdeadbeefcafe1234ul

#endif
