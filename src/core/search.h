/*
 * Binary search. ctx: any
 */
#ifndef CORE_SEARCH_H
#define CORE_SEARCH_H

#include <stddef.h>

/* How many of `count` elements, which are sorted, `before` holds for: that is the index of the first one for which it
 * does not. `before` is an expression of an index, whose name is `i`. */
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
