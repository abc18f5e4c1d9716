#include "rt/base/image.h"

#include "abi/kernel.h"
#include "abi/syscall.h"

struct rt_image rt;
struct start_block rt_start_block;

extern const char rt_start_needs[], rt_start_needs_end[]; /* rt.lds */

/* ctx: boot | entry */
void rt_image_populate(void)
{
	uintptr_t needs = core_page_down((uintptr_t)rt_start_needs);

	if (rt.bundle->shared_id >= 0)
		sys(madvise, needs, (uintptr_t)rt_start_needs_end - needs, MADV_POPULATE_READ);
}
