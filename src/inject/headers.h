/*
 * The headers of the ELF files that a carrier loads.
 */
#ifndef INJECT_HEADERS_H
#define INJECT_HEADERS_H

#include "abi/carrier.h"
#include "abi/syscall.h"

/* Reads the headers of a file: 0 or -errno; -ENOEXEC if it is not for 64-bit x86, or has more of them than there is
 * room for. ctx: boot | entry */
long inj_read_headers(long fd, struct carrier_headers *headers) must_check;
/* The first part of a type, or NULL. ctx: boot | entry */
const Elf64_Phdr *inj_find_part(const struct carrier_headers *headers, uint32_t type);
/* Opens the ELF interpreter of a program, whose file is `fd`: that at `path`, or if that is NULL the one that the
 * program names. Returns a descriptor, or -errno: -ENOENT if the program names none. ctx: entry */
long inj_open_interpreter(long fd, const struct carrier_headers *program, const char *path) must_check;

#endif
