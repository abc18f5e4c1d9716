/* The machine state at the entry point of a program without any C library. */
#include "tiny.h"
#include <asm/prctl.h>

extern unsigned long entry_gprs[18];
extern unsigned char entry_fxsave[512];
__attribute__((noreturn)) void entry_main(unsigned long *stack);

/* no pointers: a static PIE without a C library has nobody to relocate them */
static const char names[18][12] = {
	"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "r8", "r9", "r10", "r11", "r12", "r13",
	"r14", "r15", "flags", "ds-es-fs-gs", "cs-ss",
};

void entry_main(unsigned long *stack)
{
	unsigned long base[2] = { 1, 1 }, vector = 0, rsp = (unsigned long)stack;
	int i;

	for (i = 0; i < 18; i++)
		tiny_show(names[i], entry_gprs[i]);
	for (i = 160; i < 416; i++)
		vector |= entry_fxsave[i];
	tiny_show("xmm", vector);
	for (vector = 0, i = 32; i < 160; i++)
		vector |= entry_fxsave[i];
	tiny_show("x87", vector);
	tiny_show("fcw", *(unsigned short *)entry_fxsave);
	tiny_show("fsw", *(unsigned short *)(entry_fxsave + 2));
	tiny_show("ftw", entry_fxsave[4]);
	tiny_show("mxcsr", *(unsigned int *)(entry_fxsave + 24));
	tiny_show("alignment", rsp % 16);
	tiny_show("argc", stack[0]);
	tiny_show("fs", tiny_call(__NR_arch_prctl, ARCH_GET_FS, (long)&base[0], 0));
	tiny_show("gs", tiny_call(__NR_arch_prctl, ARCH_GET_GS, (long)&base[1], 0));
	tiny_show("fs base", base[0]);
	tiny_show("gs base", base[1]);
	tiny_show("brk moves", tiny_call(__NR_brk, 0, 0, 0) > 0);
	tiny_call(__NR_exit_group, 7, 0, 0);
	__builtin_unreachable();
}
