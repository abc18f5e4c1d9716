/*
 * Descriptors of hooks. The program does not come upon them: they have high numbers, so that its own have the lowest
 * that are free; it can neither close nor duplicate them, and does not find them in /proc/PID/fd
 * (special/hidden_fds.c); and an execve closes them.
 *
 * The set belongs to the memory, as hooks do. A child of vfork shares it, and has a copy of the descriptors.
 */
#ifndef RT_BASE_HIDDEN_FDS_H
#define RT_BASE_HIDDEN_FDS_H

#include "abi/syscall.h"
#include "rt/base/image.h"

/* Whether there are any, and whether a descriptor is one. ctx: any */
bool rt_hidden_any(void);
bool rt_hidden_has(int fd);
/* The lowest that is not below `from`, or RT_HIDDEN_NONE. ctx: any */
#define RT_HIDDEN_NONE UINT32_MAX
uint32_t rt_hidden_next(uint32_t from);

/* Hides a descriptor of the calling process, and returns the number that it has now: another one, unless it was hidden
 * already, there is no room, or closing the old one would drop record locks. inherited: execve is to leave it
 * open once it is shown. -errno: it is as it was. ctx: boot | entry; no locks */
long rt_hide(int fd, bool inherited) must_check;
/* Makes it the program's: returns the lowest number that is free. -EBADF: it is not hidden. ctx: boot | entry; no
 * locks */
long rt_hidden_show(int fd) must_check;
/* close(fd), whatever it is. ctx: boot | entry; no locks */
long rt_hidden_close(int fd);
/* The program or a hook is about to call fcntl(fd, command), which may give the process a record lock.
 * ctx: boot | entry; no locks */
void rt_hidden_control(int fd, int command);
/* The program is about to close a descriptor, which drops the record locks that it has on the file.
 * ctx: boot | entry; no locks */
void rt_hidden_closes(int fd);

/* While it is locked, no descriptor is about to be moved: so a child does not get both. ctx: entry */
void rt_hidden_lock(void);
void rt_hidden_unlock(void);
/* In the child of a fork. ctx: entry */
void rt_hidden_forked(void);

#endif
