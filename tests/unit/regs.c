/*
 * The registers: both orders against the C library's headers, and the conversions.
 */
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/user.h>

#include "check.h"
#include "core/regs.h"

/* The C library's names of members have an r where the kernel's have none, or the other way round. */
#define SAME(ours, member, theirs, other)                                                                    \
	_Static_assert(offsetof(ours, member) == offsetof(theirs, other), #ours " has " #member " elsewhere")

SAME(struct core_regs, r8, struct sigcontext, r8);
SAME(struct core_regs, r15, struct sigcontext, r15);
SAME(struct core_regs, rdi, struct sigcontext, rdi);
SAME(struct core_regs, rsi, struct sigcontext, rsi);
SAME(struct core_regs, rbp, struct sigcontext, rbp);
SAME(struct core_regs, rbx, struct sigcontext, rbx);
SAME(struct core_regs, rdx, struct sigcontext, rdx);
SAME(struct core_regs, rax, struct sigcontext, rax);
SAME(struct core_regs, rcx, struct sigcontext, rcx);
SAME(struct core_regs, rsp, struct sigcontext, rsp);
SAME(struct core_regs, rip, struct sigcontext, rip);
SAME(struct core_regs, eflags, struct sigcontext, eflags);
SAME(struct core_regs, cs, struct sigcontext, cs);
SAME(struct core_regs, fs, struct sigcontext, fs);

#define USER(member) SAME(struct core_user_regs, member, struct user_regs_struct, member);
#define REG(name) USER(name)
CORE_REGS(REG)
#undef REG
USER(orig_rax)
USER(cs)
USER(ss)
USER(fs_base)
USER(gs_base)
USER(ds)
USER(es)
USER(fs)
USER(gs)
_Static_assert(sizeof(struct core_user_regs) == sizeof(struct user_regs_struct), "PTRACE_GETREGS writes all of it");

int main(void)
{
	struct core_regs regs, back;
	struct core_user_regs user;

	for (size_t i = 0; i < sizeof(regs); i++)
		((unsigned char *)&regs)[i] = (unsigned char)i;
	memset(&user, 0xee, sizeof(user));
	core_regs_to_user(&user, &regs);
#define REG(name) CHECK(user.name == regs.name, "%s has another value", #name);
	CORE_REGS(REG)
#undef REG
	CHECK(user.orig_rax == 0xeeeeeeeeeeeeeeee && user.cs == user.orig_rax,
	      "a register of ptrace's alone was changed");
	memset(&back, 0xee, sizeof(back));
	core_regs_from_user(&back, &user);
	CHECK(memcmp(&back, &regs, offsetof(struct core_regs, cs)) == 0, "there and back is not the same");
	CHECK(back.cs == 0xeeee && back.ss == 0xeeee, "a selector was changed");
	return FINISH();
}
