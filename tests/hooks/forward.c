/*
 * Forwards calls where a hook must not: in each function that is told something, and what is no call of the program's.
 */
#include <k23/hook.h>

/* The program would not come back from this call: the child runs what its parent is told. */
static struct k23_call kept = { .nr = SYS_vfork, .arch = K23_ARCH_X86_64, .next = 1 };

static void forward_in(const char *where)
{
	struct k23_call call = kept;

	k23_print("%s: %s\n", where, k23_error_name(k23_forward(&call)));
}

static int init(const struct k23_options *options)
{
	(void)options;
	forward_in(".init");
	return 0;
}

static void exec(void)
{
	forward_in(".exec");
}

static void exec_begin(struct k23_exec *call)
{
	(void)call;
	forward_in(".exec_begin");
}

static void exec_failed(const struct k23_exec *call)
{
	(void)call;
	forward_in(".exec_failed");
}

static void fork_child(void)
{
	forward_in(".fork_child");
}

static void thread_start(void)
{
	forward_in(".thread_start");
}

static void thread_exit(void)
{
	forward_in(".thread_exit");
}

static void process_exit(int status)
{
	(void)status;
	forward_in(".process_exit");
}

static void on_signal(const struct k23_signal *signal)
{
	(void)signal;
	forward_in(".signal");
}

static long on_getppid(struct k23_call *call)
{
	struct k23_call copy = *call, none = { .nr = SYS_getpid }, made = { .nr = SYS_getpid, .arch = K23_ARCH_X86_64 };

	kept = *call;
	kept.nr = SYS_vfork;
	copy.nr = SYS_getpid;
	k23_print("a call: %s %s %d\n", k23_error_name(k23_forward(&none)), k23_error_name(k23_forward(&made)),
		  k23_forward(&copy) == k23_pid());
	return k23_forward(call);
}

K23_HOOK(forward, .init = init, .exec = exec, .exec_begin = exec_begin, .exec_failed = exec_failed,
	 .fork_child = fork_child, .thread_start = thread_start, .thread_exit = thread_exit,
	 .process_exit = process_exit, .signal = on_signal, .calls = { { SYS_getppid, on_getppid } });
