/*
 * memcpy and the like for freestanding images: compilers call them on their own. ctx: any
 */
#include <k23/memory.h>
