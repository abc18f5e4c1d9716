/*
 * memcpy and the like, which compilers call on their own, for freestanding images. ctx: any
 */
#include <k23/memory.h>
