/*
 * ctx: boot | entry, for all here.
 */
#include "rt/hook/api.h"

#include <asm/errno.h>
#include <linux/fcntl.h>

#include "core/describe.h"
#include "core/error_name.h"
#include "core/format.h"
#include "core/path.h"
#include "core/string.h"
#include "rt/base/copy.h"
#include "rt/base/entry_points.h"
#include "rt/base/thread.h"
#include "rt/text/text.h"

static long api_syscall(long nr, unsigned long a1, unsigned long a2, unsigned long a3, unsigned long a4,
			unsigned long a5, unsigned long a6)
{
	return raw_syscall(nr, a1, a2, a3, a4, a5, a6);
}

static long api_copy_from(void *to, unsigned long from, size_t size)
{
	return rt_copy_from(to, from, size);
}

static long api_copy_to(unsigned long to, const void *from, size_t size)
{
	return rt_copy_to(to, from, size);
}

static long api_copy_string(char *to, size_t size, unsigned long from)
{
	return rt_copy_string(to, size, from);
}

/* options->text has KEY=VALUE strings, one after the other. An empty string ends them. */
static const char *api_option(const struct k23_options *options, const char *key)
{
	size_t length = core_strlen(key);

	for (const char *at = options->text; *at; at += core_strlen(at) + 1) {
		size_t size = core_strlen(at);

		if (size < length || memcmp(at, key, length) != 0)
			continue;
		if (size == length)
			return at + length;
		if (at[length] == '=')
			return at + length + 1;
	}
	return NULL;
}

static long api_format(char *to, size_t size, const char *format, va_list args)
{
	return core_format(to, size, format, args);
}

static long api_print(const char *text, size_t size)
{
	return sys(write, 2, text, size);
}

/* Gives the path of the directory that relative paths start from. Returns 0 or -errno. */
static long directory_path(char *to, size_t size, int dirfd)
{
	char link[40];
	long r;

	if (dirfd == AT_FDCWD) {
		r = sys(getcwd, to, size);
		return failed(r) ? r : 0;
	}
	if (dirfd < 0)
		return -EBADF;
	{
		static const char prefix[] = "/proc/self/fd/";
		char digits[12];
		int n = 0, at = sizeof(prefix) - 1;

		memcpy(link, prefix, sizeof(prefix));
		do
			digits[n++] = (char)('0' + dirfd % 10);
		while (dirfd /= 10);
		while (n)
			link[at++] = digits[--n];
		link[at] = '\0';
	}
	r = sys(readlink, link, to, size - 1);
	if (r == -ENOENT)
		return -EBADF;
	if (failed(r))
		return r;
	to[r] = '\0';
	return to[0] == '/' ? 0 : -ENOTDIR;
}

static long api_path_absolute(char *to, size_t size, int dirfd, const char *path)
{
	char base[K23_PATH_MAX] = "";

	if (*path != '/') {
		long r = directory_path(base, sizeof(base), dirfd);

		if (failed(r))
			return r;
	}
	return core_path_normalise(to, size, base, path);
}

static int api_path_under(const char *path, const char *root)
{
	char absolute[K23_PATH_MAX], absolute_root[K23_PATH_MAX];

	return !failed(api_path_absolute(absolute, sizeof(absolute), AT_FDCWD, path)) &&
	       !failed(api_path_absolute(absolute_root, sizeof(absolute_root), AT_FDCWD, root)) &&
	       core_path_under(absolute, absolute_root);
}

static void *api_thread_state(uint32_t offset)
{
	return (char *)rt_self() - RT_HOOK_STATE_SIZE + offset;
}

static int api_pid(void)
{
	return rt_self()->pid;
}

static int api_tid(void)
{
	return rt_self()->tid;
}

static const struct k23_syscall_info *api_describe(uint32_t arch, long nr)
{
	struct rt_thread *thread = rt_self();

	return core_describe(arch, nr, &thread->described) ? &thread->described : NULL;
}

static const char *api_error_name(long error)
{
	return core_error_name(error);
}

static long api_site(const struct k23_call *call, char *path, size_t size, unsigned long *offset)
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

void rt_api_fill(struct k23_api *api)
{
	api->version = K23_HOOK_VERSION;
	api->size = sizeof(*api);
	api->forward = (long (*)(struct k23_call *))rt_forward;
	api->syscall = api_syscall;
	api->copy_from = api_copy_from;
	api->copy_to = api_copy_to;
	api->copy_string = api_copy_string;
	api->option = api_option;
	api->format = api_format;
	api->print = api_print;
	api->path_absolute = api_path_absolute;
	api->path_under = api_path_under;
	api->thread_state = api_thread_state;
	api->pid = api_pid;
	api->tid = api_tid;
	api->describe = api_describe;
	api->error_name = api_error_name;
	api->site = api_site;
	api->unmapped = &rt_texts_unmapped;
}
