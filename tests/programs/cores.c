/* Core files: what a debugger finds of the thread that a signal has ended. */
#include "guest.h"
#include <dirent.h>
#include <elf.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/procfs.h>
#include <sys/resource.h>
#include <sys/user.h>

/* A system call with a known place. */
extern const char call_made[];
long make_call(long nr, long a, long b, long c, long d);
__asm__(".text\n"
	"make_call:\n"
	"	mov %rdi, %rax\n"
	"	mov %rsi, %rdi\n"
	"	mov %rdx, %rsi\n"
	"	mov %rcx, %rdx\n"
	"	mov %r8, %r10\n"
	"	mov $0x5678, %r12d\n" /* it never returns */
	"	syscall\n"
	"call_made:\n"
	"	ret\n");

static void need_core_files(void)
{
	char pattern[128] = "";
	struct rlimit limit;
	int fd = open("/proc/sys/kernel/core_pattern", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, pattern, sizeof(pattern) - 1) < 5 || strncmp(pattern, "core", 4) ||
	    strchr(pattern, '/'))
		guest_skip("core files go elsewhere");
	close(fd);
	NEED(getrlimit(RLIMIT_CORE, &limit) == 0);
	if (limit.rlim_max != RLIM_INFINITY)
		guest_skip("core files are limited");
	limit.rlim_cur = limit.rlim_max;
	NEED(setrlimit(RLIMIT_CORE, &limit) == 0);
}

/* Maps the core file in the current directory, and removes it. */
static const char *take_core(void)
{
	DIR *directory = opendir(".");
	const char *core = NULL;
	struct dirent *entry;

	NEED(directory);
	while ((entry = readdir(directory))) {
		int fd;

		if (strncmp(entry->d_name, "core", 4))
			continue;
		fd = open(entry->d_name, O_RDONLY | O_CLOEXEC);
		NEED(fd >= 0 && !core);
		core = mmap(NULL, (size_t)lseek(fd, 0, SEEK_END), PROT_READ, MAP_PRIVATE, fd, 0);
		NEED(core != MAP_FAILED);
		close(fd);
		NEED(unlink(entry->d_name) == 0);
	}
	closedir(directory);
	return core;
}

/* The first note of a kind: of the thread that the signal has ended. */
static const void *find_note(const char *core, unsigned type)
{
	const Elf64_Ehdr *header = (const void *)core;
	const Elf64_Phdr *segments = (const void *)(core + header->e_phoff);

	for (unsigned i = 0; i < header->e_phnum; i++) {
		const char *at = core + segments[i].p_offset, *end = at + segments[i].p_filesz;

		while (segments[i].p_type == PT_NOTE && at < end) {
			const Elf64_Nhdr *note = (const void *)at;
			const char *contents = at + sizeof(*note) + ((note->n_namesz + 3) & ~3u);

			if (note->n_type == type)
				return contents;
			at = contents + ((note->n_descsz + 3) & ~3u);
		}
	}
	return NULL;
}

static void show_core(const char *title, pid_t pid)
{
	const char *core, *second;
	int status;
	const struct elf_prstatus *process;
	const struct user_regs_struct *regs;
	const siginfo_t *info;

	NEED(waitpid(pid, &status, 0) == pid);
	say("%s: status %#x", title, (unsigned)status);
	core = take_core();
	if (!core)
		return;
	process = find_note(core, NT_PRSTATUS);
	info = find_note(core, NT_SIGINFO);
	NEED(process && info);
	regs = (const void *)&process->pr_reg;
	/* The second argument is the signal, the thread, or an address. */
	second = (pid_t)regs->rsi == pid || regs->rsi > SIGSYS ? "other" : "signal";
	/* A call that would go on after a handler stands before or behind its instruction. */
	say("  at the call %d, rdi %s, rsi %s, rdx %lld, r12 %#llx, cs %#llx",
	    regs->rip == (uint64_t)call_made || regs->rip == (uint64_t)call_made - 2,
	    (pid_t)regs->rdi == pid ? "pid" : "other", second, regs->rdx, regs->r12, regs->cs);
	say("  signal %d, code %d, mask %#lx, pending %#lx", process->pr_cursig, info->si_code, process->pr_sighold,
	    process->pr_sigpend);
}

static const int dumping[] = { SIGQUIT, SIGABRT, SIGXCPU, SIGXFSZ, SIGSYS };

static void mask_some(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR2);
}

CASE(sent_to_itself)
{
	need_core_files();
	for (unsigned i = 0; i < ARRAY_SIZE(dumping); i++) {
		pid_t pid = fork();

		if (pid == 0) {
			mask_some();
			make_call(SYS_tgkill, getpid(), gettid(), dumping[i], 0);
		}
		show_core("tgkill", pid);
		pid = fork();
		if (pid == 0)
			make_call(SYS_kill, getpid(), dumping[i], 7, 0);
		show_core("kill", pid);
	}
}

static void *wait_here(void *id)
{
	__atomic_store_n((int *)id, gettid(), __ATOMIC_RELEASE);
	pause();
	return NULL;
}

/* Another thread, which sleeps in a call: one that makes calls could be the one that ends with the process. */
static void make_waiting_thread(void)
{
	static int id;
	pthread_t thread;
	int tid;

	NEED(pthread_create(&thread, NULL, wait_here, &id) == 0);
	do {
		sched_yield();
		tid = __atomic_load_n(&id, __ATOMIC_ACQUIRE);
	} while (!tid || state_of(tid) != 'S');
}

/* The thread sleeps in a call. */
CASE(sent_from_outside)
{
	need_core_files();
	for (unsigned i = 0; i < ARRAY_SIZE(dumping); i++) {
		pid_t pid = fork();

		if (pid == 0) {
			mask_some();
			make_call(SYS_pause, 1, 2, 3, 4);
		}
		while (state_of(pid) != 'S')
			sched_yield();
		kill(pid, dumping[i]);
		show_core("pause", pid);
	}
}

static void on_signal(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info, (void)context;
}

/* What handlers of crashes do in the end. */
CASE(default_again)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT };

	need_core_files();
	for (unsigned i = 0; i < ARRAY_SIZE(signals); i++) {
		pid_t pid = fork();

		if (pid == 0) {
			set_handler(signals[i], on_signal, 0);
			NEED(raise(signals[i]) == 0 && signal(signals[i], SIG_DFL) != SIG_ERR);
			make_call(SYS_tgkill, getpid(), gettid(), signals[i], 0);
		}
		show_core("raised", pid);
	}
}

/* Blocked first: it ends the process in the call that lets it through. */
CASE(let_through)
{
	need_core_files();
	for (unsigned i = 0; i < ARRAY_SIZE(dumping); i++) {
		pid_t pid = fork();

		if (pid == 0) {
			uint64_t set = 1ul << (dumping[i] - 1);

			sigprocmask(SIG_BLOCK, (sigset_t *)&set, NULL);
			make_waiting_thread();
			raw(SYS_tgkill, getpid(), gettid(), dumping[i]);
			make_call(SYS_rt_sigprocmask, SIG_UNBLOCK, (long)&set, 0, 8);
		}
		show_core("blocked", pid);
	}
}

CASE(trapped)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { ARRAY_SIZE(code), code };
	pid_t pid;

	need_core_files();
	pid = fork();
	if (pid == 0) {
		NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
		NEED(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
		make_call(SYS_getppid, 1, 2, 3, 4);
	}
	show_core("trapped", pid);
}
