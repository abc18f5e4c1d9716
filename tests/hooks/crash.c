/*
 * Crashes at uname(), or where it is told something, in the way that the option says; or refuses to start.
 */
#include <k23/hook.h>

static char how;

/* Where the hook is told something: at that, or after having been busy for a while. */
static void told(char what)
{
	uint64_t begin = k23_cycles();

	if (how == what)
		*(volatile long *)0x1230 = 1; /* told */
	while (how == 'b' && k23_cycles() - begin < 100000)
		;
}

static int init(const struct k23_options *options)
{
	const char *text = k23_option(options, "how");

	how = text ? *text : 'r';
	told('I');
	if (k23_option(options, "why"))
		return k23_refuse("%s is not the way (%d)", text, -EPERM);
	return how == 'n' ? -EPERM : 0;
}

static void exec(void)
{
	told('E');
}

static void fork_child(void)
{
	told('F');
}

static void thread_start(void)
{
	told('S');
}

static void thread_exit(void)
{
	told('X');
}

static void process_exit(int status)
{
	(void)status;
	told('P');
}

static void on_signal(const struct k23_signal *signal)
{
	(void)signal;
	told('G');
}

static long on_uname(struct k23_call *call)
{
	volatile unsigned long address = 0x1230;

	if (how == 'r')
		return *(volatile long *)address;
	if (how == 'w')
		*(volatile long *)address = 1;
	if (how == 'u')
		__builtin_trap();
	if (how == 'd')
		__asm__ volatile("xor %%ecx, %%ecx; div %%ecx" ::: "eax", "ecx", "edx", "cc");
	if (how == 't')
		__asm__ volatile("int3");
	if (how == 'j') {
		void (*volatile nowhere)(void) = NULL;

		nowhere();
	}
	if (how == 'f') {
		char text[8];

		k23_format(text, sizeof(text), "%s", (const char *)address); /* in the runtime */
	}
	if (how == 's') {
		/* A stack that grows too far, a page at a time. */
		volatile char *stack = (volatile char *)&address;

		for (int page = 0; page < 64; page++)
			stack[-4096 * page] = 1;
	}
	return k23_forward(call);
}

K23_HOOK(crash, .init = init, .exec = exec, .fork_child = fork_child, .thread_start = thread_start,
	 .thread_exit = thread_exit, .process_exit = process_exit, .signal = on_signal,
	 .calls = { { SYS_uname, on_uname } });
