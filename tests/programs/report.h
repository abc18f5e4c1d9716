/* What a freshly started program can learn about itself, printed without pids, addresses or times. */
#ifndef REPORT_H
#define REPORT_H

#include "guest.h"
#include <dirent.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

static inline void report_arguments(void)
{
	int i;

	for (i = 0; i < guest_argc; i++)
		say("argv[%d] = %s", i, guest_argv[i]);
}

static inline void report_exe(void)
{
	char text[4096];
	ssize_t n = readlink("/proc/self/exe", text, sizeof(text) - 1);
	FILE *f;

	text[n < 0 ? 0 : n] = 0;
	say("exe %s", text);
	say("execfn %s", (const char *)getauxval(AT_EXECFN));
	f = fopen("/proc/self/comm", "r");
	if (f && fgets(text, sizeof(text), f))
		say("comm %s", text);
	if (f)
		fclose(f);
	f = fopen("/proc/self/cmdline", "r");
	if (f) {
		int c;

		for (n = 0; n < (ssize_t)sizeof(text) - 1 && (c = getc(f)) != EOF;)
			text[n++] = c ? (char)c : '|';
		text[n] = 0;
		say("cmdline %s", text);
		fclose(f);
	}
}

/* Numbers by trying each: the list must not contain the descriptor that reading a list takes. */
static inline void report_fds(void)
{
	char text[512];
	int fd, n = 0;

	for (fd = 0; fd < 1024; fd++) {
		long flags = raw(SYS_fcntl, fd, 1 /* F_GETFD */);

		if (flags >= 0 && n < 480)
			n += snprintf(text + n, sizeof(text) - (size_t)n, " %d%s", fd, flags ? "c" : "");
	}
	text[n] = 0;
	say("open fds:%s", text);
}

/* The signal sets are shown without SIGSYS, whose real state need not be the program's; which signals
 * have a handler is asked of rt_sigaction. */
static inline void report_status(void)
{
	static const char *const wanted[] = {
		"Umask:", "State:", "TracerPid:", "Uid:", "Gid:", "FDSize:", "Groups:", "Threads:",
		"SigPnd:", "ShdPnd:", "SigBlk:", "SigIgn:", "CapInh:", "CapPrm:", "CapEff:",
		"CapBnd:", "CapAmb:", "NoNewPrivs:", "Seccomp:", "Seccomp_filters:", "Cpus_allowed:",
		"Mems_allowed_list:",
	};
	char line[1024];
	FILE *f = fopen("/proc/self/status", "r");
	size_t i;

	if (!f) {
		say("no /proc");
		return;
	}
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		for (i = 0; i < ARRAY_SIZE(wanted); i++) {
			if (strncmp(line, wanted[i], strlen(wanted[i])))
				continue;
			if (!strncmp(wanted[i], "Sig", 3))
				say("%s %lx", wanted[i], strtoul(line + 7, NULL, 16) & ~(1UL << (SIGSYS - 1)));
			else
				say("%s", line);
		}
	}
	fclose(f);
}

static inline void report_tasks(void)
{
	DIR *d = opendir("/proc/self/task");
	struct dirent *e;
	int n = 0;

	while (d && (e = readdir(d)))
		n += e->d_name[0] != '.';
	if (d)
		closedir(d);
	say("tasks %d", n);
	no_children();
}

static inline void report_process(void)
{
	struct rlimit lim;
	cpu_set_t cpus;
	int sig = 0, i, affinity;
	mode_t mask = umask(0);

	umask(mask);
	say("umask %o", mask);
	say("dumpable %ld", raw(SYS_prctl, PR_GET_DUMPABLE, 0, 0, 0, 0));
	say("no_new_privs %ld", raw(SYS_prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	say("keepcaps %ld", raw(SYS_prctl, PR_GET_KEEPCAPS, 0, 0, 0, 0));
	EXPECT(raw(SYS_prctl, PR_GET_CHILD_SUBREAPER, &sig, 0, 0, 0), 0);
	say("subreaper %d", sig);
	sig = -1;
	EXPECT(raw(SYS_prctl, PR_GET_PDEATHSIG, &sig, 0, 0, 0), 0);
	say("death signal %d", sig);
	say("timer slack %ld", raw(SYS_prctl, PR_GET_TIMERSLACK, 0, 0, 0, 0));
	say("nice %ld, policy %ld", raw(SYS_getpriority, PRIO_PROCESS, 0), raw(SYS_sched_getscheduler, 0));
	say("personality %lx", raw(SYS_personality, 0xffffffff));
	affinity = sched_getaffinity(0, sizeof(cpus), &cpus);
	say("affinity %d, %d cpus", affinity, CPU_COUNT(&cpus));
	for (i = 0; i < RLIM_NLIMITS; i++)
		if (raw(SYS_prlimit64, 0, i, 0, &lim) == 0)
			say("limit %d: %llx %llx", i, (long long)lim.rlim_cur, (long long)lim.rlim_max);
}

static inline void report_signals(void)
{
	unsigned long blocked = 0, pending = 0;
	stack_t ss;
	int sig;

	raw(SYS_rt_sigprocmask, SIG_BLOCK, 0, &blocked, 8);
	raw(SYS_rt_sigpending, &pending, 8);
	say("blocked %lx, pending %lx", blocked, pending);
	for (sig = 1; sig <= 64; sig++) {
		unsigned long act[4] = { 1, 1, 1, 1 };
		long r = raw(SYS_rt_sigaction, sig, 0, act, 8);

		if (r || act[0] || act[1] || act[2] || act[3])
			say("signal %d: %ld %s %lx %lx %lx", sig, r, act[0] == 1 ? "ignored" : "caught",
			    act[1], act[2], act[3]);
	}
	memset(&ss, 0xff, sizeof(ss));
	say("altstack %ld: %d", raw(SYS_sigaltstack, 0, &ss), ss.ss_flags);
}

static inline void report_all(void)
{
	report_fds();
	report_arguments();
	report_exe();
	report_status();
	report_tasks();
	report_process();
	report_signals();
}

#endif
