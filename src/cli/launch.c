/*
 * Starting a program under k23: finding it as execvp does, and becoming it.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/nested.h"
#include "cli/bundle.h"
#include "cli/cli.h"
#include "cli/store_use.h"
#include "core/page.h"
#include "inject/carrier.h"

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
	long address = syscall(NESTED_NR, NESTED_MAGIC, NESTED_BUNDLE);

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
	for (const char *at = options; *at; at += strlen(at) + 1) {
		fputc(at == options ? ':' : ',', text);
		for (const char *c = at; *c; c++) {
			if (*c == ',' || *c == '\\')
				fputc('\\', text);
			fputc(*c, text);
		}
	}
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

void launch_option(struct launch *launch, const char *command, int option, const char *value)
{
	switch (option) {
	case 0x1000:
		launch_hook(launch, value);
		break;
	case 0x1001:
		if (strcmp(value, "allow") != 0 && strcmp(value, "refuse") != 0)
			die_usage(command, "--foreign takes allow or refuse, not %s", value);
		launch->foreign = strcmp(value, "allow") == 0;
		break;
	case 0x1002:
		if (!*value)
			die_usage(command, "--store takes the name of a file");
		launch->store = value;
		break;
	case 0x1003:
		launch->no_learn = true;
		break;
	case 0x1004:
		launch->eager = true;
		break;
	case 0x1005:
		launch->no_patch = true;
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
	if (syscall(NESTED_NR, NESTED_MAGIC, NESTED_CARRY, bundle) != 0)
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

/* The execve of this process, with the bundle, where no helper can be. Returns -errno. */
static long carry_alone(const struct inj_exec *exec, const char *path, char **argv)
{
	size_t arguments = 0, variables = 0;
	char **vectors;
	long r;

	while (argv[arguments])
		arguments++;
	while (environ[variables])
		variables++;
	vectors = calloc(INJ_SPARE_ARGUMENTS + arguments + 1 + variables + 1 + INJ_SPARE_ENVIRONMENT, sizeof(char *));
	if (!vectors)
		return -ENOMEM;
	memcpy(vectors + INJ_SPARE_ARGUMENTS, argv, arguments * sizeof(char *));
	memcpy(vectors + INJ_SPARE_ARGUMENTS + arguments + 1, environ, variables * sizeof(char *));
	r = inj_carry(exec, &(struct inj_program){ AT_FDCWD, path, path, 0, vectors + INJ_SPARE_ARGUMENTS,
						   vectors + INJ_SPARE_ARGUMENTS + arguments + 1 });
	free(vectors);
	return r;
}

/* What execve keeps of the alternate stack that this process, or who started it, once had. The kernel shows one of the
 * two flags only by whether "no stack, and enabled" would be a change, and then refuses it. */
static void keep_altstack(struct start_block *block)
{
	stack_t stack, none = { 0 };

	if (sigaltstack(NULL, &stack) != 0)
		return;
	none.ss_flags = stack.ss_flags & (int)SS_AUTODISARM;
	block->autodisarm = none.ss_flags != 0;
	block->disarmed = !stack.ss_size && sigaltstack(&none, NULL) != 0;
}

/* The execve of this process, with the bundle. Returns -errno. */
static long carry_bundle(const struct bundle *bundle, const char *path, char **argv)
{
	char *memory;
	struct inj_exec *exec;
	struct sigaction action;
	sigset_t all, old;
	unsigned long mask = 0;
	int dumpable = prctl(PR_GET_DUMPABLE);
	long r, helper_error;

	if (outer_bundle())
		return carry_bundle_nested(bundle, path, argv);
	memory = mmap(NULL, HELPER_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return -ENOMEM;
	exec = (struct inj_exec *)memory;
	sigfillset(&all);
	sigdelset(&all, SIGTRAP);
	sigprocmask(SIG_SETMASK, &all, &old);
	memcpy(&mask, &old, sizeof(mask));
	sigaction(SIGSYS, NULL, &action);
	exec->bundle = bundle;
	exec->caller = (int32_t)getpid();
	exec->end = end_helper;
	exec->block.first = 1;
	exec->block.frozen = is_frozen();
	keep_altstack(&exec->block);
	exec->block.sigmask = mask;
	exec->block.sigsys_blocked = sigismember(&old, SIGSYS) == 1;
	exec->block.sigsys_ignored = action.sa_handler == SIG_IGN;
	if (dumpable != 1)
		prctl(PR_SET_DUMPABLE, 1);
	r = inj_begin(exec, (uint64_t)(memory + HELPER_STACK));
	if (failed(r)) {
		helper_error = r;
		r = carry_alone(exec, path, argv);
		complain("cannot start %s: %s; there can be no helper: %s (`k23 doctor` tells)", path,
			 strerror((int)-r), strerror((int)-helper_error));
	} else {
		r = sys(execve, path, argv, environ);
		inj_cancel(exec);
	}
	if (dumpable != 1)
		prctl(PR_SET_DUMPABLE, 0);
	sigprocmask(SIG_SETMASK, &old, NULL);
	munmap(memory, HELPER_STACK);
	return r;
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

static long start_file(const struct bundle *bundle, const struct launch *launch, const char *path)
{
	struct inj_check check = inj_check(AT_FDCWD, path, 0);
	long r = check.error;

	if (check.verdict == INJ_FOREIGN && launch->foreign)
		return execve(path, launch->argv, environ), -errno;
	if (check.verdict == INJ_FOREIGN)
		die(EXIT_CANNOT_RUN, "%s is not a 64-bit x86 program and cannot be interposed "
				     "(--foreign=allow runs it without k23)", path);
	if (check.verdict == INJ_SECRET)
		die(EXIT_CANNOT_RUN, "%s may be executed but not read by this user, and so not be interposed", path);
	if (check.verdict == INJ_TRY)
		r = carry_bundle(bundle, path, launch->argv);
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
		r = carry_bundle(bundle, "/bin/sh", script.argv);
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

int launch_exec(const struct launch *launch)
{
	const char *name = launch->argv[0];
	const struct bundle *bundle, *outer = outer_bundle();
	struct launch merged = *launch;
	long r;

	merged.hooks = NULL;
	merged.hook_count = 0;
	for (size_t i = 0; i < launch->hook_count; i++)
		launch_hook(&merged, launch->hooks[i]);
	for (uint32_t i = 0; outer && i < outer->hook_count; i++)
		launch_hook(&merged, outer_hook(outer, &outer->hooks[i]));
	store_use_prepare(&merged);
	bundle = bundle_build(&merged);
	free((char *)merged.store);
	free(merged.store_bytes);
	for (size_t i = launch->hook_count; i < merged.hook_count; i++)
		free((char *)merged.hooks[i]);
	free(merged.hooks);
	if (prctl(PR_SET_SYSCALL_USER_DISPATCH, 0, 0, 0, 0) != 0)
		die(EXIT_K23,
		    "this kernel has no Syscall User Dispatch (Linux 5.11 or later): nothing can be interposed");
	if (!*name)
		r = -ENOENT;
	else
		r = strchr(name, '/') ? start_file(bundle, launch, name) : search_path(bundle, launch);
	complain("cannot run %s: %s", name, strerror((int)-r));
	return r == -ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
}
