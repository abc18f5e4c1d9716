/*
 * Binary search, and page arithmetic.
 */
#include "check.h"
#include "core/page.h"
#include "core/search.h"

int main(void)
{
	static const int values[] = { 1, 3, 3, 5, 9 };

	/* In arrays of every size, for values in front of, in, between and behind the elements. */
	for (size_t count = 0; count <= sizeof(values) / sizeof(values[0]); count++)
		for (int value = 0; value <= 10; value++) {
			size_t expected = 0, found = core_lower_bound(count, i, values[i] < value);

			while (expected < count && values[expected] < value)
				expected++;
			CHECK(found == expected, "%d among the first %zu is at %zu, not %zu", value, count, expected,
			      found);
		}
	CHECK(core_page_down(CORE_PAGE - 1) == 0 && core_page_down(CORE_PAGE) == CORE_PAGE, "the begin of a page");
	CHECK(core_page_up(1) == CORE_PAGE && core_page_up(CORE_PAGE) == CORE_PAGE && core_page_up(0) == 0,
	      "the next begin");
	CHECK(core_page_down(~0ul) == ~0ul - CORE_PAGE + 1, "the last page");
	return FINISH();
}
