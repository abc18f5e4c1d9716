/*
 * Names and arguments of the system calls: lookups in the tables made of tables/syscalls.tsv.
 *
 * The tables hold offsets instead of pointers, as the runtime's image has no relocations.
 */
#include "core/describe.h"

#include <stddef.h>

#include "core/string.h"
#include "syscalls.inc"

struct calls {
	const uint16_t *names;
	const uint8_t *signatures;
	size_t count;
};

static struct calls calls_of(uint32_t arch)
{
	struct calls calls = { x86_64_names, x86_64_signatures, sizeof(x86_64_signatures) };

	if (arch == K23_ARCH_I386) {
		calls.names = i386_names;
		calls.signatures = i386_signatures;
		calls.count = sizeof(i386_signatures);
	}
	return calls;
}

bool core_describe(uint32_t arch, long nr, struct k23_syscall_info *info)
{
	const struct calls calls = calls_of(arch);
	const uint8_t *signature;

	if ((unsigned long)nr >= calls.count || !calls.names[nr])
		return false;
	signature = signatures[calls.signatures[nr]];
	info->name = call_names + calls.names[nr];
	info->args = signature[0];
	info->result = signature[1];
	for (size_t i = 0; i < sizeof(info->kind); i++)
		info->kind[i] = signature[2 + i];
	return true;
}

long core_syscall_number(uint32_t arch, const char *name)
{
	const struct calls calls = calls_of(arch);

	for (size_t nr = 0; nr < calls.count; nr++)
		if (calls.names[nr] && core_equal(call_names + calls.names[nr], name))
			return (long)nr;
	return -1;
}
