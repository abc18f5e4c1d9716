/* Seccomp filters: those that a program starts with, and those that judge calls of which k23 makes something else. */
#include "report.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <time.h>

#define LOAD(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define RETURN(action) BPF_STMT(BPF_RET | BPF_K, action)

static void install(struct sock_filter *code, size_t length)
{
	struct sock_fprog prog = { (unsigned short)length, code };

	NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	NEED(raw(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) == 0);
}

/* As systemd's MemoryDenyWriteExecute= */
static void deny_executable(unsigned action)
{
	struct sock_filter code[] = {
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pkey_mprotect, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_shmat, 5, 7),
		LOAD(args[2]),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 6, 5),
		LOAD(args[2]),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, PROT_WRITE | PROT_EXEC),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PROT_WRITE | PROT_EXEC, 3, 2),
		LOAD(args[2]),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, SHM_EXEC, 1, 0),
		RETURN(SECCOMP_RET_ALLOW),
		RETURN(action),
	};

	install(code, ARRAY_SIZE(code));
}

/* Goes on as the command that follows. */
static void go_on(void)
{
	execv(guest_argv[1], guest_argv + 1);
	_exit(9);
}

HELPER(under_denial)
{
	deny_executable(SECCOMP_RET_ERRNO | EPERM);
	go_on();
}

HELPER(under_death)
{
	deny_executable(SECCOMP_RET_KILL_PROCESS);
	go_on();
}

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#endif

HELPER(under_mdwe)
{
	if (prctl(PR_SET_MDWE, 1, 0, 0, 0) != 0)
		guest_skip("no PR_SET_MDWE");
	go_on();
}

HELPER(executed)
{
	report_arguments();
	no_children();
	EXPECT(raw(SYS_getppid), getppid());
	if (guest_argc > 1)
		execl(self_path(), "zero", "executed", NULL);
}

static void execute(void)
{
	execl(self_path(), "zero", "executed", "again", NULL);
	_exit(3);
}

/* What runs under a filter or a setting that it has not made. */
CASE(inherited)
{
	struct timespec now;
	int i;

	say("filters: %ld", raw(SYS_prctl, PR_GET_SECCOMP));
	for (i = 0; i < 3; i++)
		say("-> %d", in_child(execute));
	EXPECT(clock_gettime(CLOCK_REALTIME, &now), 0);
	CHECK(now.tv_sec > 1000000000);
}
