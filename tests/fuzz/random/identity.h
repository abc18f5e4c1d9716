/*
 * Who the process is and what it may do: ids, capabilities, limits, namespaces, attributes, as far as they last over
 * fork and execve.
 */
#ifndef FUZZ_RANDOM_IDENTITY_H
#define FUZZ_RANDOM_IDENTITY_H

#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/fsuid.h>
#include <sys/personality.h>
#include <sys/resource.h>

static void show_status(void)
{
	static const char *const wanted[] = { "Uid:",	  "Gid:",     "SigP",	"Shd",	  "Cap",       "NoNewPrivs:",
					      "Seccomp:", "Threads:", "Umask:", "NSpid:", "TracerPid:" };
	FILE *status = fopen("/proc/self/status", "re");
	char line[512];

	if (!status) {
		say("no status: %d", errno);
		return;
	}
	while (fgets(line, sizeof(line), status))
		for (unsigned i = 0; i < ARRAY_SIZE(wanted); i++)
			if (!strncmp(line, wanted[i], strlen(wanted[i]))) {
				line[strcspn(line, "\n")] = 0;
				if (strncmp(line, "NSpid:", 6))
					say("%s", line);
				else
					say("namespaces: %d", (int)strlen(line) > 0);
			}
	fclose(status);
}

static void show_attributes(void)
{
	static const int asked[] = {
		PR_GET_DUMPABLE,   PR_GET_KEEPCAPS, PR_GET_SECUREBITS, PR_GET_NO_NEW_PRIVS, PR_GET_THP_DISABLE,
		PR_GET_TIMERSLACK, PR_MCE_KILL_GET, PR_GET_SECCOMP,    PR_GET_IO_FLUSHER,   66
	};
	int number = 0;
	char name[17] = "";

	for (unsigned i = 0; i < ARRAY_SIZE(asked); i++)
		say("attribute %d: %ld", asked[i], raw(SYS_prctl, asked[i], 0, 0, 0, 0));
	say("death %ld, %d", raw(SYS_prctl, PR_GET_PDEATHSIG, &number, 0, 0, 0), number);
	say("subreaper %ld, %d", raw(SYS_prctl, PR_GET_CHILD_SUBREAPER, &number, 0, 0, 0), number);
	say("tsc %ld, %d", raw(SYS_prctl, PR_GET_TSC, &number, 0, 0, 0), number);
	say("name %ld, %s", raw(SYS_prctl, PR_GET_NAME, name, 0, 0, 0), name);
	say("personality %lx, priority %ld, scheduler %ld", raw(SYS_personality, ~0u), raw(SYS_getpriority, 0, 0),
	    raw(SYS_sched_getscheduler, 0));
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		struct rlimit limit;

		NEED(getrlimit(i, &limit) == 0);
		say("limit %d: %lx %lx", i, (long)limit.rlim_cur, (long)limit.rlim_max);
	}
}

HELPER(identity)
{
	show_status();
	show_attributes();
}

static long set_caps(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	memset(data, 0, sizeof(data));
	if (raw(SYS_capget, &header, data) != 0)
		return -1;
	for (int i = 0; i < 2; i++) {
		uint32_t away = 1u << draw(32) | 1u << draw(32);

		data[i].effective &= ~away;
		if (draw(2))
			data[i].permitted &= ~away;
		if (draw(3) == 0)
			data[i].inheritable |= data[i].permitted;
		data[i].effective &= data[i].permitted;
	}
	return raw(SYS_capset, &header, data);
}

static long set_attribute(void)
{
	switch (draw(14)) {
	case 0: return raw(SYS_prctl, PR_SET_DUMPABLE, draw(3), 0, 0, 0);
	case 1: return raw(SYS_prctl, PR_SET_KEEPCAPS, draw(2), 0, 0, 0);
	case 2: return raw(SYS_prctl, PR_SET_SECUREBITS, draw(64), 0, 0, 0);
	case 3: return raw(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	case 4: return raw(SYS_prctl, PR_SET_THP_DISABLE, draw(2), 0, 0, 0);
	case 5: return raw(SYS_prctl, PR_SET_TIMERSLACK, 1000 * draw(4), 0, 0, 0);
	case 6: return raw(SYS_prctl, PR_SET_PDEATHSIG, draw(3) ? SIGWINCH : 99, 0, 0, 0);
	case 7: return raw(SYS_prctl, PR_SET_CHILD_SUBREAPER, draw(2), 0, 0, 0);
	case 8: return raw(SYS_prctl, PR_SET_NAME, draw(2) ? "a name" : "one that is longer than it may be", 0, 0, 0);
	case 9: return raw(SYS_prctl, PR_CAPBSET_DROP, draw(41), 0, 0, 0);
	case 10: return raw(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, draw(41), 0, 0);
	case 11: return raw(SYS_prctl, PR_MCE_KILL, PR_MCE_KILL_SET, draw(3), 0, 0);
	case 12: return raw(SYS_personality, draw(2) ? ADDR_NO_RANDOMIZE : READ_IMPLIES_EXEC | SHORT_INODE);
	default: return raw(SYS_prctl, PR_SET_MM, draw(14), 0, 0, 0);
	}
}

static long set_ids(void)
{
	int id = draw(3) ? 1000 + (int)draw(3) : 0;

	switch (draw(7)) {
	case 0: return raw(SYS_setuid, id);
	case 1: return raw(SYS_setgid, id);
	case 2: return raw(SYS_setresuid, id, -1, draw(2) ? 0 : id);
	case 3: return raw(SYS_setresgid, -1, id, draw(2) ? 0 : id);
	case 4: return raw(SYS_setreuid, id, draw(2) ? 0 : id);
	case 5: return raw(SYS_setfsuid, id);
	default: return raw(SYS_setgroups, 0, NULL);
	}
}

static long set_limit(void)
{
	static const int limits[] = { RLIMIT_CORE,    RLIMIT_NOFILE,	 RLIMIT_STACK,	  RLIMIT_FSIZE,
				      RLIMIT_MEMLOCK, RLIMIT_SIGPENDING, RLIMIT_MSGQUEUE, RLIMIT_NICE,
				      RLIMIT_AS,      RLIMIT_DATA,	 RLIMIT_NPROC };
	static const rlim_t values[] = { 0, 64, 1 << 16, 1 << 23, 1 << 28, 1ul << 32, RLIM_INFINITY };
	int which = PICK(limits);
	struct rlimit limit = { PICK(values), RLIM_INFINITY };

	if (which == RLIMIT_AS || which == RLIMIT_DATA || which == RLIMIT_STACK)
		limit.rlim_cur = draw(2) ? 1ul << 30 : 1ul << 33;
	if (which == RLIMIT_NOFILE)
		limit.rlim_cur = limit.rlim_max = 100;
	if (which == RLIMIT_NPROC)
		limit.rlim_cur = 100000;
	if (draw(2))
		limit.rlim_max = limit.rlim_cur;
	return raw(SYS_prlimit64, 0, which, &limit, NULL);
}

static long new_namespaces(void)
{
	static const int flags[] = { CLONE_NEWUSER, CLONE_NEWUTS,    CLONE_NEWIPC,
				     CLONE_NEWNS,   CLONE_NEWCGROUP, CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWUTS,
				     CLONE_FILES,   CLONE_FS,	     CLONE_SYSVSEM,
				     CLONE_NEWNET };

	return raw(SYS_unshare, PICK(flags));
}

static void do_identity(void)
{
	pid_t pid;

	if (depth >= MAX_DEPTH || nested)
		return;
	pid = fork();
	if (pid == 0) {
		const char *words[] = { "random", "identity", NULL };

		depth = MAX_DEPTH;
		for (uint32_t steps = 1 + draw(8); steps; steps--) {
			uint32_t kind = draw(6);
			long r;

			switch (kind) {
			case 0: r = set_caps(); break;
			case 1: r = set_ids(); break;
			case 2: r = set_limit(); break;
			case 3: r = draw(2) ? new_namespaces() : 1; break;
			default: r = set_attribute(); break;
			}
			say("identity %u: %ld", kind, r);
		}
		show_status();
		if (draw(2)) {
			pid = fork();
			if (pid)
				await(pid);
		}
		show_attributes();
		if (draw(4)) {
			execv(program, (char **)words);
			say("not executed: %d", errno);
		}
		raw(SYS_exit_group, 0);
	}
	(void)draw(5);
	await(pid);
}

/* What limits do when they are met. */
static void do_limits(void)
{
	pid_t pid;

	if (depth >= MAX_DEPTH || nested)
		return;
	pid = fork();
	if (pid == 0) {
		struct rlimit limit = { 0, RLIM_INFINITY };
		sigset_t set;
		long r = 0, count = 0;
		int fd;

		sigfillset(&set);
		sigprocmask(SIG_SETMASK, &set, NULL);
		switch (draw(5)) {
		case 0:
			limit.rlim_cur = draw(100);
			setrlimit(RLIMIT_FSIZE, &limit);
			fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);
			for (uint32_t n = 3; n && fd >= 0; n--)
				say("file: %ld", raw(SYS_write, fd, program, 60));
			sigpending(&set);
			say("SIGXFSZ: %d", sigismember(&set, SIGXFSZ));
			break;
		case 1:
			limit.rlim_cur = 5;
			setrlimit(RLIMIT_SIGPENDING, &limit);
			raw(SYS_setresuid, 3217, 3217, 3217);
			while (count < 100 && r == 0) {
				union sigval value = { .sival_int = 1 };

				r = sigqueue(getpid(), 40, value);
				count += r == 0;
			}
			say("queued %ld", count);
			break;
		case 2:
			limit.rlim_cur = 1ul << 30;
			setrlimit(RLIMIT_AS, &limit);
			say("address space: %d",
			    mmap(NULL, 1ul << 30, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
			break;
		case 3:
			limit.rlim_cur = 4 * PAGE;
			setrlimit(RLIMIT_MEMLOCK, &limit);
			raw(SYS_setresuid, 3217, 3217, 3217);
			say("locked: %ld, %ld", raw(SYS_mlock, scratch, 2 * PAGE), raw(SYS_mlock, scratch, 1ul << 20));
			say("all: %ld", raw(SYS_mlockall, MCL_CURRENT | MCL_FUTURE));
			break;
		default:
			limit.rlim_cur = limit.rlim_max = 0;
			setrlimit(RLIMIT_NPROC, &limit);
			raw(SYS_setresuid, 3218, 3218, 3218);
			say("fork: %ld", raw(SYS_fork));
			if (draw(2)) {
				const char *words[] = { "random", "identity", NULL };

				execv(program, (char **)words);
				say("not executed: %d", errno);
			}
			break;
		}
		raw(SYS_exit_group, 0);
	}
	(void)draw(5);
	await(pid);
}

#endif
