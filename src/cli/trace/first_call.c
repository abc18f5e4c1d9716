#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <k23/hook.h>

#include "abi/run_memory.h"
#include "cli/trace/first_call.h"
#include "core/describe.h"

extern char **environ;

/* What the hook's code is to forward. */
static struct {
	const struct launch *launch;
	launch_carry_fn *carry;
	const struct bundle *bundle;
	const char *path;
	char **argv;
} first;

/* --- what the hook's code is given: struct k23_api for a program that is not interposed */

static long host_forward(struct k23_call *call)
{
	(void)call;
	return first.carry(first.launch, first.bundle, first.path, first.argv);
}

static long host_syscall(long nr, unsigned long a1, unsigned long a2, unsigned long a3, unsigned long a4,
			 unsigned long a5, unsigned long a6)
{
	long result = syscall(nr, a1, a2, a3, a4, a5, a6);

	return result == -1 ? -errno : result;
}

static long host_copy_from(void *to, unsigned long from, size_t size)
{
	memcpy(to, (const void *)from, size);
	return 0;
}

static long host_copy_string(char *to, size_t size, unsigned long from)
{
	size_t length = strlen((const char *)from);

	if (!size)
		return -ENAMETOOLONG;
	memcpy(to, (const char *)from, length < size ? length + 1 : size);
	to[size - 1] = '\0';
	return length < size ? (long)length : -ENAMETOOLONG;
}

static const char *host_option(const struct k23_options *options, const char *key)
{
	size_t length = strlen(key);
	const char *at = options->text;

	while (at && (strncmp(at, key, length) != 0 || at[length] != '=')) {
		at = strchr(at, ',');
		if (at)
			at++;
	}
	return at ? strndup(at + length + 1, strcspn(at + length + 1, ",")) : NULL;
}

static void *host_thread_state(uint32_t offset)
{
	static char state[4096] __attribute__((aligned(64)));

	return state + offset;
}

static int host_pid(void)
{
	return getpid();
}

static const struct k23_syscall_info *host_describe(uint32_t arch, long nr)
{
	static struct k23_syscall_info info;

	return core_describe(arch, nr, &info) ? &info : NULL;
}

static const char *host_error_name(long error)
{
	return strerrorname_np(error < 0 ? (int)-error : (int)error);
}

static long host_format(char *to, size_t size, const char *format, va_list args)
{
	return vsnprintf(to, size, format, args);
}

static long host_print(const char *text, size_t size)
{
	return write(STDERR_FILENO, text, size);
}

static long host_run_memory(uint64_t cookie, void **address, size_t *size)
{
	const struct run_memory *memory = first.launch->memory;

	if (!memory || memory->cookie != cookie)
		return -ENOENT;
	*address = (char *)memory + RUN_MEMORY_CONTENTS;
	*size = memory->size - RUN_MEMORY_CONTENTS;
	return 0;
}

static void host_registers(struct k23_registers *registers)
{
	memset(registers, 0, sizeof(*registers));
}

static const uint32_t no_texts;

static const struct k23_api host_api = {
	.version = K23_HOOK_VERSION,
	.size = sizeof(host_api),
	.forward = host_forward,
	.syscall = host_syscall,
	.copy_from = host_copy_from,
	.copy_string = host_copy_string,
	.option = host_option,
	.thread_state = host_thread_state,
	.pid = host_pid,
	.tid = host_pid,
	.describe = host_describe,
	.error_name = host_error_name,
	.format = host_format,
	.print = host_print,
	.run_memory = host_run_memory,
	.unmapped = &no_texts,
	.texts_added = &no_texts,
	.registers = host_registers,
};

static k23_call_fn *execve_of(const struct k23_descriptor *hook)
{
	const struct k23_entry *entry = hook->calls;

	while (entry->fn && entry->nr != SYS_execve)
		entry++;
	return entry->fn;
}

long first_call(const struct launch *launch, launch_carry_fn *carry, const struct bundle *bundle, const char *path,
		char **argv)
{
	struct k23_options options = { strchr(launch->hooks[0], ':') + 1 };
	struct k23_call call = {
		.nr = SYS_execve,
		.args = { (unsigned long)path, (unsigned long)argv, (unsigned long)environ },
		.arch = K23_ARCH_X86_64,
	};

	first.launch = launch;
	first.carry = carry;
	first.bundle = bundle;
	first.path = path;
	first.argv = argv;
	k23_api = &host_api;
	if (k23_hook.init(&options) < 0)
		return carry(launch, bundle, path, argv);
	return execve_of(&k23_hook)(&call);
}
