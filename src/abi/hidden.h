/*
 * Makes declarations hidden: the build includes this first in every freestanding file. Without it, compilers reach what
 * is defined in another file through a global offset table.
 */
#pragma GCC visibility push(hidden)
