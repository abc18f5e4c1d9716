/*
 * Included first in every freestanding file: declarations are hidden too, or compilers go through a global offset
 * table to what is defined elsewhere.
 */
#pragma GCC visibility push(hidden)
