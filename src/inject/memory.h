/*
 * Memory of a traced process that is stopped.
 *
 * ctx: entry | helper, for all here.
 */
#ifndef INJECT_MEMORY_H
#define INJECT_MEMORY_H

#include "abi/syscall.h"

/* Copy `size` bytes from and to the process. 0 or -errno. A seccomp filter may deny process_vm_readv and
 * process_vm_writev: then the words go one by one, as those of a debugger. */
long inj_read_memory(int pid, void *to, uint64_t from, size_t size) must_check;
long inj_write_memory(int pid, uint64_t to, const void *from, size_t size) must_check;

/* Writes word by word, as a debugger does: also where the process may not write. */
long inj_write_words(int pid, uint64_t to, const void *from, size_t size) must_check;

#endif
