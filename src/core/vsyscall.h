/*
 * The vsyscall page, into which old programs call: it is at the same address in all processes, the kernel answers such
 * a call itself, and nothing can catch it. So programs are looked through for the addresses of its three functions.
 */
#ifndef CORE_VSYSCALL_H
#define CORE_VSYSCALL_H

#include <stdbool.h>
#include <stddef.h>

/* An address may lie across the end of what is looked at: the next piece is to begin so many bytes before that. */
#define CORE_VSYSCALL_OVERLAP 16u

/* Whether an instruction in the bytes loads the address of such a function, or it is there as data. The bytes lie in
 * memory as in the file, modulo 8. ctx: any */
bool core_vsyscall_named(const unsigned char *bytes, size_t size);

#endif
