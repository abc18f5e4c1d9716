#include "calls.h"

#include <asm/prctl.h>
#include <linux/capability.h>
#include <linux/ioprio.h>
#include <linux/kcmp.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <sys/wait.h>

struct sched_attr {
	uint32_t size, sched_policy;
	uint64_t sched_flags;
	int32_t sched_nice;
	uint32_t sched_priority;
	uint64_t sched_runtime, sched_deadline, sched_period;
	uint32_t sched_util_min, sched_util_max;
};

static pid_t child(int how)
{
	pid_t pid = (pid_t)CALL(clone, SIGCHLD, NULL, NULL, NULL, NULL);

	if (pid)
		return pid;
	if (how == 1)
		raise(SIGKILL);
	if (how == 2)
		raise(SIGSTOP);
	_exit(how == 3 ? 77 : 0);
}

static void waits(void)
{
	struct rusage usage;
	siginfo_t info;
	pid_t pid;
	int status;

	for (int how = 0; how < 4; how++) {
		pid = child(how);
		CALL(waitid, P_PID, pid, &info, WEXITED | WSTOPPED | WNOWAIT, NULL);
		CALL(wait4, pid, &status, WUNTRACED, &usage);
		if (how == 2) {
			kill(pid, SIGCONT);
			CALL(wait4, -1, &status, __WALL, NULL);
		}
	}
	CALL(wait4, -1, &status, WNOHANG | WCONTINUED, NULL);
	CALL(wait4, -1, NULL, 0, NULL);
	CALL(waitid, P_ALL, 0, &info, WEXITED | WNOHANG, &usage);
	pid = child(2);
	CALL(wait4, pid, &status, WUNTRACED, NULL);
	CALL(wait4, pid, &status, WNOHANG, NULL);
	CALL(waitid, P_PID, pid, &info, WEXITED | WNOHANG, NULL);
	kill(pid, SIGKILL);
	CALL(wait4, pid, NULL, 0, NULL);
}

/* Arguments that no NULL ends, but the end of memory. */
static void cut_off(void)
{
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char **last = (char **)(pages + 4096) - 3;

	munmap(pages + 4096, 4096);
	last[0] = "one";
	last[1] = BAD;
	last[2] = "three";
	CALL(execve, "nowhere", last, last);
	CALL(execve, "nowhere", last + 3, NULL);
}

static void clones(void)
{
	struct clone_args args = { .flags = CLONE_VFORK, .exit_signal = SIGCHLD };
	long parent = 0, pid;

	pid = CALL(clone, CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD, NULL,
		   &parent, &parent, 0);
	if (!pid)
		_exit(0);
	waitpid((pid_t)pid, NULL, 0);
	pid = CALL(clone3, &args, sizeof(args));
	if (!pid)
		_exit(0);
	waitpid((pid_t)pid, NULL, 0);
	args.flags = 0x100000000000;
	CALL(clone3, &args, sizeof(args));
	CALL(clone3, BAD, sizeof(args));
	CALL(clone3, &args, 3);
	CALL(unshare, CLONE_FS | CLONE_FILES);
	CALL(unshare, 0x77);
	CALL(setns, -1, CLONE_NEWNET);
	CALL(setns, -1, CLONE_NEWNET | CLONE_NEWNS | CLONE_VM);
	CALL(execve, "nowhere", (char *[]){ "one", "two", NULL }, (char *[]){ "A=1", NULL });
	CALL(execve, "nowhere", NULL, NULL);
	CALL(execve, BAD, BAD, BAD);
	cut_off();
	CALL(execveat, AT_FDCWD, "nowhere", (char *[]){ "one", NULL }, (char *[]){ NULL }, AT_SYMLINK_NOFOLLOW);
}

static void limits(void)
{
	struct rlimit limit;
	struct rusage usage;
	struct sysinfo info;
	struct utsname name;
	struct tms tms;

	CALL(getrlimit, RLIMIT_NOFILE, &limit);
	CALL(setrlimit, RLIMIT_CORE, &limit);
	CALL(getrlimit, RLIMIT_STACK, &limit);
	CALL(getrlimit, 99, &limit);
	CALL(prlimit64, 0, RLIMIT_AS, NULL, &limit);
	CALL(prlimit64, 0, RLIMIT_AS, &limit, NULL);
	CALL(prlimit64, 0, RLIMIT_FSIZE, BAD, NULL);
	CALL(getrusage, RUSAGE_SELF, &usage);
	CALL(getrusage, RUSAGE_CHILDREN, &usage);
	CALL(getrusage, 55, &usage);
	CALL(sysinfo, &info);
	CALL(uname, &name);
	CALL(uname, BAD);
	CALL(times, &tms);
	CALL(getpriority, PRIO_PROCESS, 0);
	CALL(setpriority, PRIO_USER, 99999, 3);
	CALL(ioprio_get, IOPRIO_WHO_PROCESS, 0);
	CALL(ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 3));
}

static void scheduling(void)
{
	struct sched_param param = { 0 };
	struct sched_attr attr = { .size = sizeof(attr), .sched_policy = SCHED_BATCH, .sched_nice = 1 };
	struct timespec interval;
	unsigned long mask[16] = { 0 };

	CALL(sched_getscheduler, 0);
	CALL(sched_setscheduler, 0, SCHED_OTHER, &param);
	CALL(sched_setscheduler, 0, SCHED_BATCH | SCHED_RESET_ON_FORK, &param);
	CALL(sched_getscheduler, 0);
	CALL(sched_getparam, 0, &param);
	CALL(sched_setparam, 0, &param);
	CALL(sched_get_priority_max, SCHED_FIFO);
	CALL(sched_get_priority_min, SCHED_RR);
	CALL(sched_rr_get_interval, 0, &interval);
	CALL(sched_getaffinity, 0, sizeof(mask), mask);
	CALL(sched_setaffinity, 0, 8, mask);
	CALL(sched_setaffinity, 0, 8, BAD);
	CALL(sched_setattr, 0, &attr, 0);
	CALL(sched_getattr, 0, &attr, sizeof(attr), 0);
	CALL(sched_yield);
}

static void prctls(void)
{
	void *tid_address;
	char name[16];
	int value;

	CALL(prctl, PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0l, 0l, 0l);
	CALL(prctl, PR_SET_PTRACER, 0l, 0l, 0l, 0l);
	CALL(prctl, PR_GET_TID_ADDRESS, &tid_address, 0l, 0l, 0l);
	CALL(prctl, PR_GET_TID_ADDRESS, NULL, 0l, 0l, 0l);
	CALL(prctl, PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0l, 0l);
	CALL(prctl, PR_MCE_KILL, PR_MCE_KILL_CLEAR, 0l, 0l, 0l);
	CALL(prctl, PR_MCE_KILL_GET, 0l, 0l, 0l, 0l);
	CALL(prctl, PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0l, 0l, 0l);
	CALL(prctl, PR_SET_SYSCALL_USER_DISPATCH, 7l, 1l, 2l, 3l);
	CALL(prctl, PR_GET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS, 0l, 0l, 0l);
	CALL(prctl, PR_SET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS, PR_SPEC_ENABLE, 0l, 0l);
	CALL(prctl, PR_SET_NAME, "a name", POISON, POISON, POISON);
	CALL(prctl, PR_SET_NAME, "fifteen letters", POISON, POISON, POISON);
	CALL(prctl, PR_SET_NAME, "more than fifteen letters", POISON, POISON, POISON);
	CALL(prctl, PR_GET_NAME, name, 0, 0, 0);
	CALL(prctl, PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
	CALL(prctl, PR_GET_PDEATHSIG, &value, 0, 0, 0);
	CALL(prctl, PR_SET_PDEATHSIG, 0, 0, 0, 0);
	CALL(prctl, PR_GET_DUMPABLE, 0, 0, 0, 0);
	CALL(prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);
	CALL(prctl, PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0);
	CALL(prctl, PR_GET_SECUREBITS, 0, 0, 0, 0);
	CALL(prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	CALL(prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
	CALL(prctl, PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
	CALL(prctl, PR_GET_CHILD_SUBREAPER, &value, 0, 0, 0);
	CALL(prctl, PR_GET_TIMERSLACK, 0, 0, 0, 0);
	CALL(prctl, PR_SET_TIMERSLACK, 50000, 0, 0, 0);
	CALL(prctl, PR_GET_SECCOMP, 0, 0, 0, 0);
	CALL(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_CHOWN, 0, 0);
	CALL(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	CALL(prctl, PR_GET_TSC, &value, 0, 0, 0);
	CALL(prctl, PR_SET_MM, PR_SET_MM_BRK, 5, 0, 0);
	CALL(prctl, PR_GET_THP_DISABLE, 0, 0, 0, 0);
	CALL(prctl, 0x12345, 1, 2, 3, 4);
	CALL(arch_prctl, ARCH_GET_FS, name);
	CALL(arch_prctl, 0x3001, 5);
	CALL(personality, 0xffffffff);
	CALL(personality, PER_LINUX);
	CALL(personality, ADDR_NO_RANDOMIZE | PER_LINUX32);
	CALL(personality, PER_LINUX);
}

static void identities(void)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];
	unsigned one, two, three, list[64];

	CALL(getuid);
	CALL(getegid);
	CALL(getresuid, &one, &two, &three);
	CALL(getresgid, &one, &two, &three);
	CALL(getresgid, BAD, &two, &three);
	CALL(setresuid, -1, -1, -1);
	CALL(setreuid, -1, 0);
	CALL(getgroups, 0, NULL);
	CALL(getgroups, 64, list);
	list[0] = 5, list[1] = 6;
	CALL(setgroups, 2, list);
	CALL(getgroups, 64, list);
	CALL(setfsuid, 0);
	CALL(capget, &head, data);
	CALL(capget, &head, NULL);
	CALL(capset, &head, data);
	CALL(getpgid, 0);
	CALL(setpgid, 0, 0);
	CALL(getsid, 0);
	CALL(kcmp, getpid(), getpid(), KCMP_FILE, 0, 1);
	CALL(kcmp, getpid(), getpid(), KCMP_VM, 0l, 0l);
	CALL(kcmp, getpid(), getpid(), 77, 1l, 2l);
	CALL(pidfd_open, getpid(), 0);
	CALL(pidfd_send_signal, -1, 0, NULL, 0);
	CALL(getcpu, &one, &two, NULL);
	CALL(get_robust_list, 0, BAD, BAD);
	CALL(membarrier, 0, 0, 0);
	CALL(membarrier, 16, 0, 0);
	CALL(setdomainname, BAD, 3);
	CALL(sethostname, BAD, 3);
	CALL(vhangup);
	CALL(iopl, 0);
	CALL(reboot, 1, 2, 3, NULL);
	CALL(mount, "source", "nowhere", "type", MS_RDONLY | MS_NOSUID, "data");
	CALL(umount2, "nowhere", 2);
}

int main(void)
{
	waits();
	clones();
	limits();
	scheduling();
	prctls();
	identities();
	return 0;
}
