/* What p2a.c packs: position-independent, without a C library and without relocations. */
#include "tiny.h"

__attribute__((noreturn)) void unpacked_main(unsigned long *stack);

/* in: the stack as execve leaves it */
__asm__(".globl _start\n"
	"_start:\n\t"
	"mov %rsp, %rdi\n\t"
	"and $-16, %rsp\n\t"
	"call unpacked_main\n\t"
	"hlt");

void unpacked_main(unsigned long *stack)
{
	int i;

	tiny_show("argc", stack[0]);
	for (i = 0; i < 5; i++)
		tiny_show("beyond", (unsigned long)tiny_call(600 + i, 0, 0, 0));
	tiny_show("close", (unsigned long)tiny_call(__NR_close, -1, 0, 0));
	tiny_call(__NR_exit_group, 9, 0, 0);
	__builtin_unreachable();
}
