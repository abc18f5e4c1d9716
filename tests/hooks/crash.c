/*
 * Crashes at uname(), in the way that the option says; or refuses to start.
 */
#include <k23/hook.h>

static char how;

static int init(const struct k23_options *options)
{
	const char *text = k23_option(options, "how");

	how = text ? *text : 'r';
	return how == 'n' ? -EPERM : 0;
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

K23_HOOK(crash, .init = init, .calls = { { SYS_uname, on_uname } });
