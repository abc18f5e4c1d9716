/*
 * Starting a program under k23: finding it as execvp does, and becoming it.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/nested.h"
#include "cli/bundle.h"
#include "cli/cli.h"
#include "cli/hook_spec.h"
#include "cli/store_use.h"
#include "core/gaps.h"
#include "core/page.h"
#include "inject/carrier.h"
#include "inject/run_memory.h"

#define HELPER_STACK (64u << 10)
#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1u << 31)
#endif
#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif

extern char **environ;

/* The bundle of the runtime that runs in this process, or NULL. */
static const struct bundle *outer_bundle(void)
{
	long address = syscall(NESTED_NR, NESTED_OPTION, NESTED_MAGIC, NESTED_BUNDLE);

	return address > 0 ? (const struct bundle *)address : NULL;
}

/* The specification of a hook of an outer k23, as it was given there. The outer k23's hooks see the calls that the
 * inner k23's hooks forward. */
static const char *outer_hook(const struct bundle *outer, const struct bundle_hook *hook)
{
	const char *options = (const char *)outer + hook->options;
	char *spec = NULL;
	size_t size;
	FILE *text = open_memstream(&spec, &size);

	if (!text)
		die(EXIT_K23, "out of memory");
	fputs((const char *)outer + hook->file, text);
	for (const char *at = options; *at; at += strlen(at) + 1)
		hook_spec_add(text, at, at == options);
	fclose(text);
	return spec;
}

void launch_hook(struct launch *launch, const char *spec)
{
	launch->hooks = reallocarray(launch->hooks, launch->hook_count + 1, sizeof(*launch->hooks));
	if (!launch->hooks)
		die(EXIT_K23, "out of memory");
	launch->hooks[launch->hook_count++] = spec;
}

enum { HOOK = 0x1000, FOREIGN, ON_FAILURE, STORE, NO_LEARN, EAGER, NO_PATCH, RETURNS, GS };

const struct option_row launch_options[] = {
	{ NULL, 0, NULL, "How the program is run", 0, NULL },
	{ "hook", 0, "FILE[:KEY=VALUE,...]",
	  "a hook; may be repeated. A FILE without a slash is one that\n"
	  "comes with k23; FILE.py is a policy in Python", HOOK, NULL },
	{ "foreign", 0, "refuse|allow",
	  "32-bit programs: refuse them with ENOEXEC (default), or let\nthem run without k23", FOREIGN, NULL },
	{ "on-failure", 0, "refuse|untraced",
	  "programs that cannot be interposed, for whatever reason:\n"
	  "refuse them (default), or let them run without k23", ON_FAILURE, NULL },
	{ "store", 0, "FILE", "where the plans for sites are kept (default: the user's own)", STORE, NULL },
	{ 0 },
};

const struct option_row launch_patch_options[] = {
	{ "no-learn", 0, NULL, "do not note the sites that the store does not have", NO_LEARN, NULL },
	{ "eager", 0, NULL, "patch sites that were never observed, too", EAGER, NULL },
	{ "no-patch", 0, NULL, "leave every site to the guard", NO_PATCH, NULL },
	{ "returns", 0, "paired|fill",
	  "how returns after calls are kept predictable (default: what\nis quicker on this machine)", RETURNS, NULL },
	{ "gs", 0, "fsgsbase|arch_prctl",
	  "how %gs is set, by which patched sites find their thread\n"
	  "(default: by fsgsbase, if this machine has it)", GS, NULL },
	{ 0 },
};

void launch_option(struct launch *launch, const char *command, int option, const char *argument)
{
	switch (option) {
	case HOOK:
		launch_hook(launch, hook_spec_of_policy(argument));
		break;
	case FOREIGN:
		if (strcmp(argument, "allow") != 0 && strcmp(argument, "refuse") != 0)
			die_usage(command, "--foreign takes allow or refuse, not %s", argument);
		launch->foreign = strcmp(argument, "allow") == 0;
		break;
	case ON_FAILURE:
		if (strcmp(argument, "untraced") != 0 && strcmp(argument, "refuse") != 0)
			die_usage(command, "--on-failure takes refuse or untraced, not %s", argument);
		launch->untraced = strcmp(argument, "untraced") == 0;
		break;
	case STORE:
		if (!*argument)
			die_usage(command, "--store takes the name of a file");
		launch->store = argument;
		break;
	case NO_LEARN:
		launch->no_learn = true;
		break;
	case EAGER:
		launch->eager = true;
		break;
	case NO_PATCH:
		launch->no_patch = true;
		break;
	case RETURNS:
		if (!returns_named(argument, &launch->returns))
			die_usage(command, "--returns takes paired or fill, not %s", argument);
		break;
	case GS:
		if (!gs_named(argument, &launch->gs))
			die_usage(command, "--gs takes fsgsbase or arch_prctl, not %s", argument);
		if (launch->gs == GS_FSGSBASE && !gs_has_fsgsbase())
			die_usage(command, "this machine has no FSGSBASE: --gs=arch_prctl");
		break;
	}
}

static void end_helper(struct inj_exec *exec)
{
	(void)exec;
	for (;;)
		sys(exit, 0);
}

/* Lets the runtime that runs in this process carry the bundle. */
static long carry_bundle_nested(const struct bundle *bundle, const char *path, char **argv)
{
	if (syscall(NESTED_NR, NESTED_OPTION, NESTED_MAGIC, NESTED_CARRY, bundle) != 0)
		die(EXIT_K23, "the k23 that this one runs under is of another version");
	execve(path, argv, environ);
	return -errno;
}

/* Whether memory that is writable cannot become executable. */
static bool fails_to_thaw(void)
{
	void *memory = mmap(NULL, CORE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(memory, CORE_PAGE, PROT_READ | PROT_EXEC) != 0;
}

/* The same, where a seccomp filter may kill whoever tries: a child does. */
static bool is_frozen(void)
{
	int status = 0;
	pid_t child;

	if (prctl(PR_GET_SECCOMP) == 0)
		return fails_to_thaw();
	child = fork();
	if (child == 0)
		_exit(fails_to_thaw());
	return child < 0 || waitpid(child, &status, 0) != child || status != 0;
}

/* Whether a seccomp filter kills who makes some calls. */
static bool filter_kills(void (*calls)(void))
{
	int status = 0;
	pid_t child;

	if (prctl(PR_GET_SECCOMP) == 0)
		return false;
	child = fork();
	if (child == 0) {
		calls();
		_exit(0);
	}
	return child > 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status);
}

/* Helpers and hooks do it. They find another way when the calls fail. */
static void copy_nothing(void)
{
	process_vm_readv(getpid(), NULL, 0, NULL, 0, 0);
	process_vm_writev(getpid(), NULL, 0, NULL, 0, 0);
}

/* The carrier is one. */
static void create_file(void)
{
	memfd_create("k23", MFD_CLOEXEC);
}

/* The execve of this process, with the bundle, where no helper can be. Returns -errno. */
static long carry_alone(struct inj_exec *exec, const char *path, char **argv)
{
	size_t arguments = 0, variables = 0;
	char **vectors;
	long r;

	if (filter_kills(create_file))
		return -EPERM;
	while (argv[arguments])
		arguments++;
	while (environ[variables])
		variables++;
	vectors = calloc(INJ_SPARE_ARGUMENTS + arguments + 1 + variables + 1 + INJ_SPARE_ENVIRONMENT, sizeof(char *));
	if (!vectors)
		return -ENOMEM;
	memcpy(vectors + INJ_SPARE_ARGUMENTS, argv, arguments * sizeof(char *));
	memcpy(vectors + INJ_SPARE_ARGUMENTS + arguments + 1, environ, variables * sizeof(char *));
	inj_fetch_memories(exec->bundle, NULL, 0, &exec->block);
	r = inj_carry(exec, &(struct inj_program){ AT_FDCWD, path, path, 0, vectors + INJ_SPARE_ARGUMENTS,
						   vectors + INJ_SPARE_ARGUMENTS + arguments + 1 });
	inj_close_memories(&exec->block);
	free(vectors);
	return r;
}

/* Says why the program could not be started without a helper, and why there was none. done: what becomes of it. */
static void complain_alone(const struct inj_exec *exec, const char *path, const char *done, long error,
			   long helper_error)
{
	const char *helper = helper_error == -EPERM ? "ptrace is denied, or another tracer traces this process" :
						      strerror((int)-helper_error);

	if (exec->block.frozen && exec->bundle->hook_count)
		complain("%s %s: memory may not become executable here (PR_SET_MDWE, or a seccomp filter), so that "
			 "only a helper can put hooks into a program, and there can be none: %s", path, done, helper);
	else
		complain("%s %s: %s; there can be no helper: %s (`k23 doctor` tells)", path, done,
			 strerror((int)-error), helper);
}

/* Executes a program without k23. Returns -errno. */
static long execute_untraced(const struct launch *launch, enum gap gap, const char *path, char **argv)
{
	if (launch->gaps)
		core_gaps_add(launch->gaps, gap, 1, path);
	execve(path, argv, environ);
	if (launch->gaps)
		core_gaps_add(launch->gaps, gap, -1, NULL);
	return -errno;
}

/* What execve keeps of the alternate stack that this process, or who started it, once had. The kernel shows one of the
 * two flags only by whether "no stack, and enabled" would be a change, and then refuses it. */
static void keep_altstack(struct start_block *block)
{
	stack_t stack, none = { 0 };

	/* C libraries have opinions of their own. */
	if (failed(sys(sigaltstack, 0, &stack)))
		return;
	none.ss_flags = stack.ss_flags & (int)SS_AUTODISARM;
	block->autodisarm = none.ss_flags != 0;
	block->disarmed = !stack.ss_size && failed(sys(sigaltstack, &none, 0));
}

/* The execve of this process, with the bundle. Returns -errno. */
static long carry_bundle(const struct launch *launch, const struct bundle *bundle, const char *path, char **argv)
{
	bool impossible = false;
	char *memory;
	struct inj_exec *exec;
	struct sigaction action;
	/* Of the kernel's: a C library keeps some signals to itself. */
	const uint64_t all = ~(1ul << (SIGTRAP - 1));
	uint64_t old = 0;
	int dumpable = prctl(PR_GET_DUMPABLE);
	long r, helper_error;

	if (outer_bundle())
		return carry_bundle_nested(bundle, path, argv);
	memory = mmap(NULL, HELPER_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return -ENOMEM;
	exec = (struct inj_exec *)memory;
	sys(rt_sigprocmask, SIG_SETMASK, &all, &old, 8);
	sigaction(SIGSYS, NULL, &action);
	exec->bundle = bundle;
	exec->caller = (int32_t)getpid();
	exec->end = end_helper;
	exec->block.first = 1;
	exec->block.frozen = is_frozen();
	keep_altstack(&exec->block);
	exec->block.sigmask = old;
	exec->block.sigsys_blocked = old >> (SIGSYS - 1) & 1;
	exec->block.sigsys_ignored = action.sa_handler == SIG_IGN;
	if (dumpable != 1)
		prctl(PR_SET_DUMPABLE, 1);
	r = inj_begin(exec, (uint64_t)(memory + HELPER_STACK));
	if (failed(r)) {
		helper_error = r;
		r = carry_alone(exec, path, argv);
		impossible = launch->untraced && !inj_is_program_error(r);
		complain_alone(exec, path, impossible ? "runs without k23" : "cannot be started", r, helper_error);
	} else {
		r = sys(execve, path, argv, environ);
		inj_cancel(exec);
	}
	if (dumpable != 1)
		prctl(PR_SET_DUMPABLE, 0);
	sys(rt_sigprocmask, SIG_SETMASK, &old, 0, 8);
	munmap(memory, HELPER_STACK);
	return impossible ? execute_untraced(launch, GAP_UNTRACED, path, argv) : r;
}

static bool is_elf(const char *path)
{
	char magic[SELFMAG] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	if (read(fd, magic, sizeof(magic)) < 0)
		magic[0] = '\0';
	close(fd);
	return memcmp(magic, ELFMAG, SELFMAG) == 0;
}

static long carry(const struct launch *launch, const struct bundle *bundle, const char *path, char **argv)
{
	return launch->carry ? launch->carry(launch, carry_bundle, bundle, path, argv)
			     : carry_bundle(launch, bundle, path, argv);
}

static long start_file(const struct bundle *bundle, const struct launch *launch, const char *path)
{
	struct inj_check check = inj_check(AT_FDCWD, path, 0);
	long r = check.error;

	if (check.verdict == INJ_FOREIGN && launch->foreign)
		return execute_untraced(launch, GAP_FOREIGN, path, launch->argv);
	if (launch->untraced && (check.verdict == INJ_FOREIGN || check.verdict == INJ_SECRET)) {
		bool foreign = check.verdict == INJ_FOREIGN;

		complain("%s runs without k23: it %s", path,
			 foreign ? "is not a 64-bit x86 program" : "cannot be read by this user");
		return execute_untraced(launch, foreign ? GAP_FOREIGN : GAP_UNTRACED, path, launch->argv);
	}
	if (check.verdict == INJ_FOREIGN)
		die(EXIT_CANNOT_RUN, "%s is not a 64-bit x86 program and cannot be interposed "
				     "(--foreign=allow runs it without k23)", path);
	if (check.verdict == INJ_SECRET)
		die(EXIT_CANNOT_RUN, "%s may be executed but not read by this user, and so not be interposed", path);
	if (check.verdict == INJ_TRY)
		r = carry(launch, bundle, path, launch->argv);
	if (r == -ENOEXEC && !is_elf(path)) {
		/* A script without #!: the shell runs it, as with execvp. */
		struct launch script = *launch;
		size_t count = 0;

		while (launch->argv[count])
			count++;
		script.argv = calloc(count + 2, sizeof(char *));
		if (!script.argv)
			die(EXIT_K23, "out of memory");
		script.argv[0] = (char *)"/bin/sh";
		script.argv[1] = (char *)path;
		memcpy(script.argv + 2, launch->argv + 1, count * sizeof(char *));
		r = carry(launch, bundle, "/bin/sh", script.argv);
		free(script.argv);
	}
	return r;
}

/* Tries each directory of PATH. Returns -errno, EACCES rather than ENOENT when one of them said so. */
static long search_path(const struct bundle *bundle, const struct launch *launch)
{
	const char *path = getenv("PATH"), *name = launch->argv[0];
	long result = -ENOENT;

	if (!path)
		path = "/bin:/usr/bin";
	for (;;) {
		size_t length = strcspn(path, ":");
		char *candidate;
		long r;

		if (asprintf(&candidate, "%.*s%s%s", (int)length, path, length ? "/" : "", name) < 0)
			die(EXIT_K23, "out of memory");
		r = start_file(bundle, launch, candidate);
		free(candidate);
		if (r == -EACCES)
			result = r;
		else if (r != -ENOENT && r != -ENOTDIR)
			return r;
		if (!path[length])
			return result;
		path += length + 1;
	}
}

/* Becomes the program without k23. Returns -errno. */
static long search_untraced(const struct launch *launch)
{
	if (launch->gaps)
		core_gaps_add(launch->gaps, GAP_UNTRACED, 1, launch->argv[0]);
	execvp(launch->argv[0], launch->argv);
	if (launch->gaps)
		core_gaps_add(launch->gaps, GAP_UNTRACED, -1, NULL);
	return -errno;
}

const char *launch_no_dispatch(void)
{
	static char text[160];

	/* The kernel itself says EINVAL when it does not know a request. */
	if (errno == EINVAL)
		return "this kernel has no Syscall User Dispatch (Linux 5.11 or later)";
	snprintf(text, sizeof(text), "prctl(PR_SET_SYSCALL_USER_DISPATCH) is denied (%s), as by a seccomp filter",
		 strerror(errno));
	return text;
}

struct passwd *launch_user(const char *name)
{
	struct passwd *user = getpwnam(name);

	if (!user)
		die(EXIT_K23, "there is no user %s", name);
	return user;
}

static void become_user(const struct passwd *user)
{
	if (initgroups(user->pw_name, user->pw_gid) != 0 || setresgid(user->pw_gid, user->pw_gid, user->pw_gid) != 0 ||
	    setresuid(user->pw_uid, user->pw_uid, user->pw_uid) != 0)
		die(EXIT_K23, "cannot become the user %s: %s", user->pw_name, strerror(errno));
}

/* Why no program at all can be interposed here; NULL: none of the reasons that can be known before. */
static const char *nothing_works(void)
{
	if (prctl(PR_SET_SYSCALL_USER_DISPATCH, 0, 0, 0, 0) != 0)
		return launch_no_dispatch();
	if (filter_kills(copy_nothing))
		return "a seccomp filter kills who calls process_vm_readv or process_vm_writev (if the calls only "
		       "failed, k23 would do without them)";
	return NULL;
}

int launch_exec(const struct launch *launch)
{
	const char *name = launch->argv[0], *named = getenv("K23_RETURNS");
	const struct bundle *bundle, *outer = outer_bundle();
	struct launch merged = *launch;
	const char *problem;
	long r;

	merged.hooks = NULL;
	merged.hook_count = 0;
	for (size_t i = 0; i < launch->hook_count; i++)
		launch_hook(&merged, launch->hooks[i]);
	for (uint32_t i = 0; outer && i < outer->hook_count; i++)
		launch_hook(&merged, outer_hook(outer, &outer->hooks[i]));
	if (named && *named && launch->returns == RETURNS_MEASURED && !returns_named(named, &merged.returns))
		die(EXIT_K23, "K23_RETURNS is paired or fill, not %s", named);
	store_use_prepare(&merged);
	bundle = bundle_build(&merged, outer);
	free((char *)merged.store);
	free(merged.store_bytes);
	for (size_t i = launch->hook_count; i < merged.hook_count; i++)
		free((char *)merged.hooks[i]);
	free(merged.hooks);
	problem = nothing_works();
	if (problem && !launch->untraced)
		die(EXIT_K23, "nothing can be interposed: %s", problem);
	if (problem)
		complain("%s runs without k23: %s", name, problem);
	if (launch->user)
		become_user(launch_user(launch->user));
	if (!*name)
		r = -ENOENT;
	else if (problem)
		r = search_untraced(launch);
	else
		r = strchr(name, '/') ? start_file(bundle, launch, name) : search_path(bundle, launch);
	complain("cannot run %s: %s", name, strerror((int)-r));
	return r == -ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
}
