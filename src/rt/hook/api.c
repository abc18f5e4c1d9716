/*
 * ctx: boot | entry, for all here.
 */
#include "rt/hook/api.h"

#include <asm/errno.h>
#include <linux/fcntl.h>

#include "core/describe.h"
#include "core/error_name.h"
#include "core/format.h"
#include "core/string.h"
#include "rt/base/copy.h"
#include "rt/base/entry_points.h"
#include "rt/base/gate.h"
#include "rt/base/hidden_fds.h"
#include "rt/base/peek.h"
#include "rt/base/raised.h"
#include "rt/base/run_memory.h"
#include "rt/base/thread.h"
#include "rt/hook/faults.h"
#include "rt/hook/forbidden.h"
#include "rt/hook/options.h"
#include "rt/hook/path.h"
#include "rt/hook/run_lock.h"
#include "rt/hook/where.h"
#include "rt/text/text.h"

/* 0, or why a hook cannot make a call. */
static long may_call(const struct rt_thread *thread, const struct k23_call *call)
{
	if (rt_hook_forbids(thread, call))
		return -EINVAL;
	/* The kernel would end the process. */
	if (thread->strict && call->nr != __NR_read && call->nr != __NR_write)
		return -EPERM;
	return 0;
}

static long api_syscall(long nr, unsigned long a1, unsigned long a2, unsigned long a3, unsigned long a4,
			unsigned long a5, unsigned long a6)
{
	const struct k23_call call = { .nr = nr, .args = { a1, a2, a3, a4, a5, a6 } };
	struct rt_thread *thread = rt_self();
	long r = may_call(thread, &call);

	if (failed(r))
		return r;
	if (rt_raises(nr)) {
		struct rt_raised raised = rt_raised_hold(thread);

		return rt_raised_drop(thread, raised, nr, a3, raw_syscall(nr, a1, a2, a3, a4, a5, a6));
	}
	if (nr == __NR_close)
		return rt_hidden_close((int)a1);
	if (nr == __NR_fcntl && rt.hides)
		rt_hidden_control((int)a1, (int)a2);
	return raw_syscall(nr, a1, a2, a3, a4, a5, a6);
}

/* Before the program begins, it has no handlers. What it does not block may end or stop it. ctx: boot */
static long wait_at_start(const struct k23_call *call)
{
	const uint64_t *args = call->args;
	uint64_t wanted = (rt_start_block.sigmask | (rt_raises(call->nr) ? RT_RAISED : 0)) & ~SIGBIT(SIGSYS), mask;
	long r;

	sys(rt_sigprocmask, SIG_SETMASK, &wanted, &mask, 8);
	r = raw_syscall(call->nr, args[0], args[1], args[2], args[3], args[4], args[5]);
	sys(rt_sigprocmask, SIG_SETMASK, &mask, 0, 8);
	return r;
}

static long api_wait(long nr, unsigned long a1, unsigned long a2, unsigned long a3, unsigned long a4,
		     unsigned long a5, unsigned long a6)
{
	struct k23_call call = { .nr = nr, .args = { a1, a2, a3, a4, a5, a6 } };
	struct rt_thread *thread = rt_self();
	bool raises = rt_raises(nr);
	struct rt_raised raised;
	long r = may_call(thread, &call);

	if (failed(r))
		return r;
	if (raises)
		raised = rt_raised_hold(thread);
	r = rt.begun ? rt_gate_wait(&call, thread) : wait_at_start(&call);
	return raises ? rt_raised_drop(thread, raised, nr, a3, r) : r;
}

/* Blocks that are larger are copied by a system call. */
#define SMALL 2048u

static long api_copy_from(void *to, unsigned long from, size_t size)
{
	if (size <= SMALL && rt_catches_faults(rt_self()))
		return rt_peek(to, from, size);
	return rt_copy_from(to, from, size);
}

static long api_copy_to(unsigned long to, const void *from, size_t size)
{
	return rt_copy_to(to, from, size);
}

static long api_copy_string(char *to, size_t size, unsigned long from)
{
	return rt_copy_string_by(api_copy_from, to, size, from);
}

static long api_format(char *to, size_t size, const char *format, va_list args)
{
	return core_format(to, size, format, args);
}

static long api_print(const char *text, size_t size)
{
	return api_syscall(__NR_write, 2, (unsigned long)text, size, 0, 0, 0);
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

static uint64_t api_exec_value(uint32_t index)
{
	return rt.values ? rt.values->values[index] : 0;
}

static long api_hide(int fd)
{
	long flags;

	if (!rt.hides || rt_self()->strict)
		return -EPERM;
	flags = sys(fcntl, fd, F_GETFD);
	return failed(flags) ? flags : rt_hide(fd, !(flags & FD_CLOEXEC));
}

static long api_show(int fd)
{
	return rt_self()->strict ? -EPERM : rt_hidden_show(fd);
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
	api->option = rt_options_find;
	api->format = api_format;
	api->print = api_print;
	api->path_absolute = rt_path_absolute;
	api->path_under = rt_path_under;
	api->thread_state = api_thread_state;
	api->pid = api_pid;
	api->tid = api_tid;
	api->describe = api_describe;
	api->error_name = api_error_name;
	api->site = rt_where_site;
	api->unmapped = &rt_texts_unmapped;
	api->run_memory = rt_run_memory_get;
	api->texts_added = &rt_texts_added;
	api->text = rt_where_text;
	api->registers = rt_where_registers;
	api->refuse = rt_options_refuse;
	api->run_state = rt_run_memory_state;
	api->lock = rt_run_lock;
	api->unlock = rt_run_unlock;
	api->exec_value = api_exec_value;
	api->wait = api_wait;
	api->run_directory = rt_run_memory_directory;
	api->hide = api_hide;
	api->show = api_show;
}
