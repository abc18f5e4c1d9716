/* P1a: programs started in ways that lose what an environment variable injects. */
#include "library.h"
#include <pthread.h>
#include <spawn.h>
#include <sys/stat.h>

extern char **environ;

/* What the started program is given: its whole environment; and calls that a tracer can count. */
HELPER(report)
{
	char **v;
	int i;

	for (v = environ; *v; v++)
		say("env %s", *v);
	for (i = 0; i < 3; i++)
		EXPECT(raw(600 + i), -ENOSYS);
	say("reported");
}

static char *const arguments[] = { "zero", "report", NULL };
static char *const nothing[] = { NULL };

static void exec_without(void)
{
	execve(self_path(), arguments, nothing);
}

static void exec_null(void)
{
	raw(SYS_execve, self_path(), arguments, NULL);
}

static void exec_unset(void)
{
	NEED(unsetenv("LD_PRELOAD") == 0 && unsetenv("LD_AUDIT") == 0 && unsetenv("HOME") == 0);
	unsetenv("PATH"), unsetenv("LC_ALL"), unsetenv("TMPDIR"), unsetenv("PWD"), unsetenv("OLDPWD"), unsetenv("_");
	execv(self_path(), arguments);
}

static void exec_cleared(void)
{
	NEED(clearenv() == 0);
	execv(self_path(), arguments);
}

/* Variables that are there twice, malformed, or the program's own. */
static void exec_odd(void)
{
	static char *const odd[] = { "LD_PRELOAD=", "LD_PRELOAD", "=", "A=1", "A=2", "", NULL };

	execve(self_path(), arguments, odd);
}

CASE(environment)
{
	say("-> %d", in_child(exec_without));
	say("-> %d", in_child(exec_null));
	say("-> %d", in_child(exec_unset));
	say("-> %d", in_child(exec_cleared));
	say("-> %d", in_child(exec_odd));
}

/* The program preloads something itself: that is loaded, and nothing else. */
static void exec_preloading(void)
{
	char variable[4300];
	char *const envp[] = { variable, NULL };

	snprintf(variable, sizeof(variable), "LD_PRELOAD=%s", beside("libearly.so"));
	execve(self_path(), (char *const[]){ "zero", "preloaded", NULL }, envp);
}

HELPER(preloaded)
{
	int *calls = dlsym(RTLD_DEFAULT, "early_calls");
	struct link_map *map;

	NEED(calls);
	EXPECT(*calls, 2);
	NEED(dlinfo(dlopen(NULL, RTLD_NOW), RTLD_DI_LINKMAP, &map) == 0);
	for (; map; map = map->l_next)
		say("loaded %s", strrchr(map->l_name, '/') ? strrchr(map->l_name, '/') + 1 : map->l_name);
}

CASE(own_preload)
{
	say("-> %d", in_child(exec_preloading));
}

CASE(spawned)
{
	pid_t pid = vfork();

	if (pid == 0) {
		execve(self_path(), arguments, nothing);
		_exit(127);
	}
	EXPECT(wait_for(pid), 0);
	NEED(posix_spawn(&pid, self_path(), NULL, NULL, arguments, nothing) == 0);
	EXPECT(wait_for(pid), 0);
}

static void *thread(void *arg)
{
	(void)arg;
	execve(self_path(), arguments, nothing);
	return NULL;
}

static void exec_in_thread(void)
{
	pthread_t t;

	NEED(pthread_create(&t, NULL, thread, NULL) == 0);
	pthread_join(t, NULL);
}

CASE(threads)
{
	say("-> %d", in_child(exec_in_thread));
}

/* Nothing to inject into: a program without a C library, and one without an interpreter. */
static void exec_entry(void)
{
	execve(beside("entry"), arguments, nothing);
}

static void exec_static(void)
{
	execve(beside("p1b-static"), (char *const[]){ "zero", "off", NULL }, nothing);
}

CASE(without_interpreter)
{
	EXPECT(in_child(exec_entry), 7);
	EXPECT(in_child(exec_static), 0);
}

/* The interpreter is given the program itself, by name and with a variable of its own. */
static void exec_interpreter(void)
{
	execve("/lib64/ld-linux-x86-64.so.2",
	       (char *const[]){ "zero", "--inhibit-cache", (char *)(long)self_path(), "interpreted", NULL }, nothing);
}

HELPER(interpreted)
{
	EXPECT(raw(600), -ENOSYS);
	say("in %s", strrchr(self_path(), '/'));
}

CASE(interpreter)
{
	say("-> %d", in_child(exec_interpreter));
}

/* Neither descriptors, nor the working directory, nor names are needed. */
static void exec_bare(void)
{
	int fd = open(self_path(), O_RDONLY | O_CLOEXEC);

	NEED(mkdir("gone", 0755) == 0 && chdir("gone") == 0 && rmdir("../gone") == 0);
	raw(SYS_close, 0);
	raw(SYS_close, 2);
	raw(SYS_execveat, fd, "", arguments, nothing, 0x1000 /* AT_EMPTY_PATH */);
}

CASE(bare)
{
	say("-> %d", in_child(exec_bare));
}
