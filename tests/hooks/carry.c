/*
 * Carries a number over execve, one more each time; says so before, after, and when it has failed.
 */
#include <k23/hook.h>

static uint64_t begun;

static const char *name_of(const char *path)
{
	const char *name = path;

	for (; *path; path++)
		if (*path == '/')
			name = path + 1;
	return name;
}

static int init(const struct k23_options *options)
{
	(void)options;
	if (k23_exec_value())
		k23_print("carry: init %d\n", (int)k23_exec_value());
	return 0;
}

static void exec(void)
{
	k23_print("carry: exec %d\n", (int)k23_exec_value());
}

static void exec_begin(struct k23_exec *exec)
{
	k23_print("carry: begin %s\n", name_of(exec->path));
	begun = exec->value = k23_exec_value() + 1;
}

static void exec_failed(const struct k23_exec *exec)
{
	k23_print("carry: failed %s %s%s\n", name_of(exec->path), k23_error_name(exec->error),
		  exec->value == begun ? "" : ", another value");
}

K23_HOOK(carry, .init = init, .exec = exec, .exec_begin = exec_begin, .exec_failed = exec_failed);
