/*
 * ctx: entry, for all here.
 */
#include "rt/hook/where.h"

#include <asm/errno.h>

#include "abi/kernel.h"
#include "rt/base/thread.h"
#include "rt/text/text.h"
#include "rt/x86_64/arch.h"

long rt_where_site(const struct k23_call *call, char *path, size_t size, unsigned long *offset)
{
	struct rt_text text;
	uint64_t ip = call->ip - 2;
	long r;

	if (!rt_text_find(ip, &text))
		return -ENOENT;
	*offset = text.offset + (ip - text.start);
	r = rt_text_path(&text, path, size);
	return r == -ENAMETOOLONG || !failed(r) ? r : -ENOENT;
}

long rt_where_text(unsigned long address, struct k23_text *found, char *path, size_t size)
{
	struct rt_text text;
	long r;

	if (!rt_text_next(address, &text))
		return -ENOENT;
	*found = (struct k23_text){ text.start, text.end, text.offset };
	r = rt_text_path(&text, path, size);
	return r == -ENOENT ? -ENODATA : r; /* where there is no /proc */
}

void rt_where_registers(struct k23_registers *registers)
{
	const struct core_regs *regs = &rt_self()->regs;

#define COPY(name) registers->name = regs->name;
	CORE_REGS(COPY)
#undef COPY
}
