/*
 * Says what it is told of the program's life.
 */
#include <k23/hook.h>

static int here; /* a copy of the parent's after fork, new after execve */

static int init(const struct k23_options *options)
{
	(void)options;
	here = 1;
	k23_print("life: init\n");
	return 0;
}

static void exec(void)
{
	k23_print("life: exec\n");
}

static void fork_child(void)
{
	k23_print("life: fork_child %d\n", here);
}

static void thread_start(void)
{
	k23_print("life: thread_start %d\n", k23_pid() != k23_tid());
}

static void thread_exit(void)
{
	k23_print("life: thread_exit\n");
}

static void process_exit(int status)
{
	k23_print("life: process_exit %d\n", status);
}

K23_HOOK(life, .init = init, .exec = exec, .fork_child = fork_child, .thread_start = thread_start,
	 .thread_exit = thread_exit, .process_exit = process_exit);
