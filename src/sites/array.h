/*
 * Arrays that grow. ARRAY(type) a = { 0 }; then array_push(&a, value) until free(a.at).
 */
#ifndef SITES_ARRAY_H
#define SITES_ARRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define ARRAY(type)                   \
	struct {                      \
		type *at;             \
		size_t count, room;   \
	}

/* Room for one more element. */
static inline bool array_grow(void **at, size_t count, size_t *room, size_t size)
{
	size_t wanted = *room ? 2 * *room : 16;
	void *grown;

	if (count < *room)
		return true;
	grown = reallocarray(*at, wanted, size);
	if (!grown)
		return false;
	*at = grown;
	*room = wanted;
	return true;
}

/* Appends an element. False: out of memory, and the array has not changed. */
#define array_push(array, ...)                                                                             \
	(array_grow((void **)&(array)->at, (array)->count, &(array)->room, sizeof(*(array)->at)) &&        \
	 ((array)->at[(array)->count++] = (__VA_ARGS__), true))

#endif
