#include "rt/base/message.h"

#include "abi/syscall.h"
#include "core/format.h"
#include "rt/base/raised.h"

/* ctx: boot | entry | sigsys */
void rt_message(const char *format, ...)
{
	char text[512] = "k23: ";
	struct rt_thread *thread = rt_self();
	struct rt_raised raised;
	va_list args;
	long length;

	va_start(args, format);
	length = 5 + core_format(text + 5, sizeof(text) - 6, format, args);
	va_end(args);
	if ((size_t)length > sizeof(text) - 2)
		length = sizeof(text) - 2;
	text[length] = '\n';
	raised = rt_raised_hold(thread);
	rt_raised_drop(thread, raised, __NR_write, (uint64_t)length + 1, sys(write, 2, text, length + 1));
}

/* ctx: boot | entry | sigsys */
void rt_panic(const char *what, long detail)
{
	rt_message("%s (%ld); the program cannot go on", what, detail);
	for (;;)
		sys(exit_group, 125);
}
