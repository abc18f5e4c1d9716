/*
 * A fuzzer: libFuzzer calls it with bytes of its own making, of exactly that size, and a sanitizer looks on.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* What must hold whatever the bytes are. */
#define MUST(condition) ((condition) ? (void)0 : abort())

#endif
