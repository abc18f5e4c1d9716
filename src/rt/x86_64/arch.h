/*
 * What the C code of the runtime knows of the processor: the registers of a call's number, arguments and result.
 *
 * ctx: any, for all here.
 */
#ifndef RT_ARCH_H
#define RT_ARCH_H

#include <asm/sigcontext.h>
#include <linux/signal.h>
#include <asm/ucontext.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <k23/types.h>

#include "abi/kernel.h"
#include "core/regs.h"

_Static_assert(offsetof(struct core_regs, ss) == offsetof(struct sigcontext, ss),
	       "struct core_regs is the beginning of struct sigcontext");

/* The bytes of an instruction that makes a call: `syscall`, `sysenter` and `int $0x80` have two each. */
#define RT_SYSCALL_SIZE 2u

/* The time stamp counter. */
static inline uint64_t rt_cycles(void)
{
	return __builtin_ia32_rdtsc();
}

static inline void rt_copy_regs(void *to, const void *from)
{
	/* Word by word, which is quicker than memcpy: its string instruction takes long to start. */
	for (size_t i = 0; i < sizeof(struct core_regs) / 8; i++)
		((volatile uint64_t *)to)[i] = ((const volatile uint64_t *)from)[i];
}

/* RF, which the processor clears when it has executed an instruction. Where the program goes on after a call, RF tells
 * that it has not gone on yet. */
#define RT_NOT_YET 0x10000ul

/* Whether both are the same, and those of 64-bit code; but for RF. */
static inline bool rt_regs_same(const struct core_regs *a, const struct core_regs *b)
{
	bool same = a->cs == KERNEL_USER_CS && a->ss == KERNEL_USER_SS && a->cs == b->cs && a->ss == b->ss;

#define REG(name) same = same && ((a->name ^ b->name) & ~(&a->name == &a->eflags ? RT_NOT_YET : 0)) == 0;
	CORE_REGS(REG)
#undef REG
	return same;
}

/* Fills in a call from the registers with which the program makes it. call->arch says by which instruction. */
static inline void rt_regs_call(const struct core_regs *regs, struct k23_call *call)
{
	call->nr = (int32_t)regs->rax;
	call->ip = regs->rip;
	call->sp = regs->rsp;
	call->next = 0;
	if (call->arch == K23_ARCH_X86_64) {
		call->args[0] = regs->rdi;
		call->args[1] = regs->rsi;
		call->args[2] = regs->rdx;
		call->args[3] = regs->r10;
		call->args[4] = regs->r8;
		call->args[5] = regs->r9;
	} else {
		call->args[0] = (uint32_t)regs->rbx;
		call->args[1] = (uint32_t)regs->rcx;
		call->args[2] = (uint32_t)regs->rdx;
		call->args[3] = (uint32_t)regs->rsi;
		call->args[4] = (uint32_t)regs->rdi;
		call->args[5] = (uint32_t)regs->rbp;
	}
}

static inline void rt_regs_set_result(struct core_regs *regs, long result)
{
	regs->rax = (uint64_t)result;
}

/* Puts the result of a call into the registers. */
static inline void rt_regs_return(struct core_regs *regs, uint32_t arch, long result)
{
	rt_regs_set_result(regs, result);
	/* `syscall` changes these two, too. */
	if (arch == K23_ARCH_X86_64) {
		regs->rcx = regs->rip;
		regs->r11 = regs->eflags;
	}
}

/* Makes the program make its call again, with the number nr. */
static inline void rt_regs_again(struct core_regs *regs, uint64_t nr)
{
	regs->rip -= RT_SYSCALL_SIZE;
	regs->rax = nr;
}

/* Whether the registers are as after a `syscall`, made or not. */
static inline bool rt_regs_behind_call(const struct core_regs *regs)
{
	return regs->rcx == regs->rip && regs->r11 == (regs->eflags & ~RT_NOT_YET);
}

/* Whether they are as after a `syscall` that was not made. */
static inline bool rt_regs_missed(const struct core_regs *regs)
{
	return rt_regs_behind_call(regs) && !(regs->eflags & RT_NOT_YET);
}

/* rt_sigreturn takes these flags from the frame, and leaves the others as they were: CF PF AF ZF SF TF DF OF RF AC. */
#define RT_FRAME_FLAGS 0x50dd5ul

/* Puts into the registers of a frame the flags that stay. flags: those of the program at the rt_sigreturn. */
static inline void rt_regs_keep_flags(struct core_regs *regs, uint64_t flags)
{
	regs->eflags = (regs->eflags & RT_FRAME_FLAGS) | (flags & ~RT_FRAME_FLAGS);
}

/* The program goes on with these registers, which may be those after a call. */
static inline void rt_regs_go_on(struct core_regs *regs)
{
	if (rt_regs_behind_call(regs))
		regs->eflags |= RT_NOT_YET;
}

/* The program goes on as in `regs`. */
static inline void rt_context_go_on(struct ucontext *uc, const struct core_regs *regs)
{
	rt_copy_regs(&uc->uc_mcontext, regs);
	rt_regs_go_on((struct core_regs *)&uc->uc_mcontext);
}

/* As the program is to see them. */
static inline void rt_regs_show(struct core_regs *regs)
{
	if (rt_regs_behind_call(regs))
		regs->eflags &= ~RT_NOT_YET;
}

/* Sets the registers that a program starts with. */
static inline void rt_regs_start(struct core_regs *regs, uint64_t entry, uint64_t stack, uint64_t eflags)
{
	regs->rip = entry;
	regs->rsp = stack;
	regs->eflags = eflags;
	regs->cs = KERNEL_USER_CS;
	regs->ss = KERNEL_USER_SS;
}

/* Sets the registers with which a function of the runtime begins that has one argument and does not return. */
static inline void rt_regs_enter(struct core_regs *regs, uint64_t function, uint64_t argument, uint64_t stack)
{
	rt_regs_start(regs, function, stack, 0x202);
	regs->rdi = argument;
}

/* Makes a child's registers of its creator's. stack: the child's stack pointer, or 0: the same as its creator's. */
static inline void rt_regs_child(struct core_regs *regs, uint32_t arch, uint64_t stack)
{
	rt_regs_return(regs, arch, 0);
	if (stack)
		regs->rsp = stack;
}

static inline bool rt_is_syscall(const uint8_t code[RT_SYSCALL_SIZE])
{
	return code[0] == 0x0f && code[1] == 0x05;
}

static inline bool rt_is_int80(const uint8_t code[RT_SYSCALL_SIZE])
{
	return code[0] == 0xcd && code[1] == 0x80;
}

/* The code that makes a call in the kernel's trampolines for probes: mov $nr, %rax; syscall. */
#define RT_TRAMPOLINE_SIZE 9u

static inline bool rt_is_trampoline(const uint8_t code[RT_TRAMPOLINE_SIZE])
{
	return code[0] == 0x48 && code[1] == 0xc7 && code[2] == 0xc0 && rt_is_syscall(code + 7);
}

/* Whether the program is to be stopped after its next instruction. */
static inline void rt_regs_step(struct core_regs *regs, bool step)
{
	regs->eflags = step ? regs->eflags | 0x100 : regs->eflags & ~0x100ul; /* TF */
}

static inline struct core_regs *rt_context_regs(struct ucontext *uc)
{
	return (struct core_regs *)&uc->uc_mcontext;
}

static inline uint64_t rt_regs_ip(const struct core_regs *regs)
{
	return regs->rip;
}

static inline uint64_t rt_regs_flags(const struct core_regs *regs)
{
	return regs->eflags;
}

static inline void rt_regs_set_ip(struct core_regs *regs, uint64_t ip)
{
	regs->rip = ip;
}

static inline uint64_t rt_regs_sp(const struct core_regs *regs)
{
	return regs->rsp;
}

/* The call's result; before the call has one, its number. */
static inline uint64_t rt_regs_result(const struct core_regs *regs)
{
	return regs->rax;
}

/* Changes the number of the call: to that of restart_syscall, by which the kernel goes on with an interrupted sleep. */
static inline void rt_regs_set_nr(struct core_regs *regs, uint64_t nr)
{
	regs->rax = nr;
}

#endif
