/*
 * Names of calls and errors: the tables against the headers of the system.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/syscall.h>

#include "core/describe.h"
#include "core/error_name.h"
#include "unit/check.h"

static void check_calls(uint32_t arch)
{
	struct k23_syscall_info info;
	int count = 0;

	for (long nr = -5; nr < 5000; nr++) {
		if (!core_describe(arch, nr, &info))
			continue;
		count++;
		CHECK(nr >= 0 && nr < 512, "%s", info.name);
		CHECK(info.args <= 6, "%s", info.name);
		for (int i = 0; i < 6; i++)
			CHECK((info.kind[i] == K23_NONE) == (i >= info.args), "%s, argument %d", info.name, i);
		/* The size of a buffer follows it. */
		for (int i = 0; i < info.args; i++)
			if (info.kind[i] == K23_BUF || info.kind[i] == K23_OUTBUF)
				CHECK(i + 1 < info.args &&
				      (info.kind[i + 1] == K23_ULONG || info.kind[i + 1] == K23_INT),
				      "%s, argument %d", info.name, i);
		CHECK(info.result != K23_NONE, "%s", info.name);
		CHECK(core_syscall_number(arch, info.name) == nr, "%s", info.name);
	}
	CHECK(count > 350, "%d", count);
	CHECK(!core_describe(arch, LONG_MAX, &info) && !core_describe(arch, LONG_MIN, &info), "it is none");
	CHECK(core_syscall_number(arch, "") == -1 && core_syscall_number(arch, "nonsense") == -1, "it is none");
}

static void check_errors(void)
{
	int count = 0;

	for (long error = -6000; error < 6000; error++) {
		const char *name = core_error_name(error);
		const char *wanted = strerrorname_np((int)(error < 0 ? -error : error));

		if (error == 0)
			wanted = NULL;
		/* Two of the C library's names are not Linux's. */
		if (wanted && strcmp(wanted, "ENOTSUP") == 0)
			wanted = "EOPNOTSUPP";
		count += name != NULL;
		CHECK(!name == !wanted && (!name || strcmp(name, wanted) == 0), "%ld: %s, not %s", error,
		      name ? name : "none", wanted ? wanted : "none");
	}
	CHECK(count > 260, "%d", count);
	CHECK(!core_error_name(LONG_MAX) && !core_error_name(LONG_MIN), "none");
}

int main(void)
{
	struct k23_syscall_info info;

	check_calls(K23_ARCH_X86_64);
	check_calls(K23_ARCH_I386);
	check_errors();
	CHECK(core_describe(K23_ARCH_X86_64, SYS_mmap, &info) && info.result == K23_PTR && info.args == 6, "mmap");
	CHECK(core_describe(K23_ARCH_X86_64, SYS_openat, &info) && info.kind[0] == K23_DIRFD, "openat");
	CHECK(info.kind[1] == K23_PATH, "openat");
	CHECK(core_describe(K23_ARCH_I386, 90, &info) && info.args == 1, "the old mmap");
	return FINISH();
}
