/*
 * Something for a debugger to look at: a call goes through some functions of the hook. One that reads a byte waits in
 * there, with a system call of the hook's own, until a signal comes.
 */
#include <k23/hook.h>

static __attribute__((noinline)) long deeper(struct k23_call *call, long number)
{
	long result;

	if (call->nr == SYS_read && call->args[2] == 1)
		while (k23_syscall(SYS_pause, 0, 0, 0, 0, 0, 0) != -EINTR)
			;
	result = k23_forward(call);
	__asm__ volatile("" : : "r"(number)); /* it is kept, and the call is not the last thing done */
	return result;
}

static __attribute__((noinline)) long deep(struct k23_call *call)
{
	long result = deeper(call, call->nr + 23);

	__asm__ volatile("" : "+r"(result));
	return result;
}

K23_HOOK(deep, .calls = { { SYS_read, deep }, { SYS_getppid, deep } });
