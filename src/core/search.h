/*
 * Binary search. ctx: any
 */
#ifndef CORE_SEARCH_H
#define CORE_SEARCH_H

#include <stddef.h>

/* The index of the first of `count` sorted elements for which `before` does not hold; `count` if it holds for all.
 * `before` is an expression with the index of an element, which is named `i` in it. */
#define core_lower_bound(count, i, before)                           \
	({                                                           \
		size_t low_ = 0, high_ = (count);                    \
                                                                     \
		while (low_ < high_) {                               \
			size_t i = low_ + (high_ - low_) / 2;        \
                                                                     \
			if (before)                                  \
				low_ = i + 1;                        \
			else                                         \
				high_ = i;                           \
		}                                                    \
		low_;                                                \
	})

#endif
