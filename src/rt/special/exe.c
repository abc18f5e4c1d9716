/*
 * A process may say only with a capability which file its program is (PR_SET_MM_EXE_FILE). Without it, /proc/PID/exe
 * leads to the carrier. The program itself finds its own file there all the same.
 *
 * ctx: entry, for all here.
 */
#include "rt/special/exe.h"

#include <asm/errno.h>
#include <linux/fcntl.h>

#include "core/format.h"
#include "core/string.h"
#include "rt/base/copy.h"
#include "rt/special/special.h"

#define LINK_SIZE 32 /* longer paths are no such link */

static bool is_link_of(const char *path, int id)
{
	char link[LINK_SIZE];

	core_print(link, sizeof(link), "/proc/%d/exe", id);
	return core_equal(path, link);
}

const char *rt_exe_behind(const struct rt_thread *thread, const char *path)
{
	if (rt.exe && (core_equal(path, "/proc/self/exe") || core_equal(path, "/proc/thread-self/exe") ||
		       is_link_of(path, thread->pid) || is_link_of(path, thread->tid)))
		return rt.exe;
	return NULL;
}

static const char *exe_behind_argument(const struct rt_thread *thread, uint64_t path)
{
	char link[LINK_SIZE];

	return rt.exe && rt_copy_string(link, sizeof(link), path) > 0 ? rt_exe_behind(thread, link) : NULL;
}

/* first: the index of the path among the arguments. */
static long read_link(struct rt_thread *thread, struct k23_call *call, int first)
{
	const char *exe = exe_behind_argument(thread, call->args[first]);
	int size = (int)call->args[first + 2];
	size_t length;

	if (!exe)
		return rt_gate_program(call, thread);
	if (size <= 0)
		return -EINVAL;
	length = core_strlen(exe);
	if (length > (size_t)size)
		length = (size_t)size;
	return failed(rt_copy_to(call->args[first + 1], exe, length)) ? -EFAULT : (long)length;
}

long special_readlink(struct rt_thread *thread, struct k23_call *call)
{
	return read_link(thread, call, 0);
}

long special_readlinkat(struct rt_thread *thread, struct k23_call *call)
{
	return read_link(thread, call, 1);
}

static long open_link(struct rt_thread *thread, struct k23_call *call, int first)
{
	const char *exe = call->args[first + 1] & O_NOFOLLOW ? NULL : exe_behind_argument(thread, call->args[first]);
	struct k23_call own = *call;

	if (exe)
		own.args[first] = (uint64_t)exe;
	return rt_gate_program(&own, thread);
}

long special_open(struct rt_thread *thread, struct k23_call *call)
{
	return open_link(thread, call, 0);
}

long special_openat(struct rt_thread *thread, struct k23_call *call)
{
	return open_link(thread, call, 1);
}
