/*
 * The general registers, in the two orders in which the kernel hands them over. ctx: any
 */
#ifndef CORE_REGS_H
#define CORE_REGS_H

#include <stdint.h>

/* In the order of struct sigcontext. */
#define CORE_REGS(reg)                                                                                       \
	reg(r8) reg(r9) reg(r10) reg(r11) reg(r12) reg(r13) reg(r14) reg(r15) reg(rdi) reg(rsi) reg(rbp)     \
	reg(rbx) reg(rdx) reg(rax) reg(rcx) reg(rsp) reg(rip) reg(eflags)

/* The registers as a signal frame has them: the begin of the kernel's struct sigcontext. */
struct core_regs {
#define REG(name) uint64_t name;
	CORE_REGS(REG)
#undef REG
	uint16_t cs, gs, fs, ss;
};

/* The registers as ptrace has them: the kernel's struct user_regs_struct. */
struct core_user_regs {
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi, orig_rax, rip, cs,
		eflags, rsp, ss, fs_base, gs_base, ds, es, fs, gs;
};

/* Both copy the registers of CORE_REGS, and leave the others of `to` as they are. */
static inline void core_regs_to_user(struct core_user_regs *to, const struct core_regs *from)
{
#define REG(name) to->name = from->name;
	CORE_REGS(REG)
#undef REG
}

static inline void core_regs_from_user(struct core_regs *to, const struct core_user_regs *from)
{
#define REG(name) to->name = from->name;
	CORE_REGS(REG)
#undef REG
}

#endif
