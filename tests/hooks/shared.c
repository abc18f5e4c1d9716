/*
 * The program of state.c. usage: shared STEP...
 *
 * Each step does something that other ways to share memory do not survive, and makes getppid() a known number of times.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SELF 9 /* the descriptor of this file */
#define STACK (64 << 10)

static void must(const char *what, long r)
{
	if (r < 0) {
		dprintf(2, "%s: %s\n", what, strerror(errno));
		_exit(1);
	}
}

static void call(int times)
{
	while (times--)
		syscall(SYS_getppid);
}

static void await(pid_t child)
{
	int status;

	must("waitpid", waitpid(child, &status, __WALL));
}

static void *call_1000(void *argument)
{
	call(1000);
	return argument;
}

static void threads(void)
{
	pthread_t ids[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&ids[i], NULL, call_1000, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(ids[i], NULL);
}

static void processes(void)
{
	pid_t ids[4];

	for (int i = 0; i < 4; i++) {
		ids[i] = fork();
		if (ids[i] == 0) {
			call(1000);
			_exit(0);
		}
	}
	for (int i = 0; i < 4; i++)
		await(ids[i]);
}

static int dies(void *argument)
{
	/* The first process of a PID namespace does not die of a signal of its own. */
	pid_t child = getpid() == 1 ? fork() : 0;

	if (child)
		await(child);
	else
		syscall(5001);
	return argument != NULL;
}

/* A child of a kind dies with the lock. */
static void child_dies(int flags)
{
	char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t child = clone(dies, stack + STACK, flags | SIGCHLD, NULL);

	must("clone", child);
	await(child);
	call(1);
}

/* One that has no robust list, or one that leads nowhere. */
static void without_list(void *list)
{
	pid_t child = fork();

	if (child == 0) {
		syscall(SYS_set_robust_list, list, sizeof(struct robust_list_head));
		call(10);
		must("get_robust_list", syscall(SYS_get_robust_list, 0, &(void *){ NULL }, &(size_t){ 0 }));
		syscall(5001);
	}
	await(child);
	call(1);
}

/* The program's own robust mutexes: one is held by a child that dies with the hook's lock. */
static void robust(void)
{
	struct both {
		pthread_mutex_t one, other;
	} *both = mmap(NULL, sizeof(*both), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_t attributes;
	pid_t child;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&both->one, &attributes);
	pthread_mutex_init(&both->other, &attributes);
	child = fork();
	if (child == 0) {
		pthread_mutex_lock(&both->one);
		call(10);
		pthread_mutex_lock(&both->other);
		call(10);
		pthread_mutex_unlock(&both->one);
		call(10);
		syscall(5001);
	}
	await(child);
	call(1);
	printf("robust mutexes: %d", pthread_mutex_lock(&both->one));
	printf(" %d\n", pthread_mutex_lock(&both->other) == EOWNERDEAD);
}

static void spawn(void)
{
	char *argv[] = { (char *)"shared", (char *)"call", NULL };
	pid_t child = vfork();

	if (child == 0) {
		call(1);
		_exit(0);
	}
	await(child);
	must("posix_spawn", -posix_spawn(&child, "/proc/self/fd/9", NULL, NULL, argv, NULL));
	await(child);
}

/* Children that call all the time are killed at any moment, and the others go on. The count of calls is theirs. */
static void storm(void)
{
	pid_t ids[8] = { 0 };

	srand(1);
	for (int round = 0; round < 100; round++) {
		int i = rand() % 8;

		if (ids[i]) {
			kill(ids[i], SIGKILL);
			await(ids[i]);
		}
		/* Half of them in a PID namespace of their own: they all have the same id there. */
		ids[i] = (pid_t)syscall(SYS_clone, SIGCHLD | (geteuid() == 0 && i % 2 ? CLONE_NEWPID : 0), 0, 0, 0, 0);
		while (ids[i] == 0)
			call(1);
		usleep((useconds_t)(rand() % 2000));
	}
	for (int i = 0; i < 8; i++)
		if (ids[i]) {
			kill(ids[i], SIGKILL);
			await(ids[i]);
		}
	call(1);
}

static void no_descriptors(void)
{
	int fd;

	/* Root may not be able to raise the hard limit, in a container. */
	must("setrlimit", setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 16, 18 }));
	do
		fd = dup(SELF);
	while (fd >= 0);
}

static void step(const char *name)
{
	static const struct {
		const char *name;
		int flags;
	} namespaces[] = { { "ipc", CLONE_NEWIPC }, { "mount", CLONE_NEWNS }, { "net", CLONE_NEWNET },
			   { "children", CLONE_NEWPID } };

	for (size_t i = 0; i < sizeof(namespaces) / sizeof(namespaces[0]); i++)
		if (strcmp(name, namespaces[i].name) == 0)
			must(name, unshare(namespaces[i].flags));
	if (strcmp(name, "call") == 0)
		call(1);
	else if (strcmp(name, "threads") == 0)
		threads();
	else if (strcmp(name, "processes") == 0)
		processes();
	else if (strcmp(name, "spawn") == 0)
		spawn();
	else if (strcmp(name, "fork-dies") == 0)
		child_dies(0);
	else if (strcmp(name, "vm-dies") == 0)
		child_dies(CLONE_VM);
	else if (strcmp(name, "vfork-dies") == 0)
		child_dies(CLONE_VM | CLONE_VFORK);
	else if (strcmp(name, "pid-dies") == 0)
		child_dies(CLONE_NEWPID);
	else if (strcmp(name, "none-dies") == 0)
		without_list(NULL);
	else if (strcmp(name, "bad-dies") == 0)
		without_list((void *)8);
	else if (strcmp(name, "robust") == 0)
		robust();
	else if (strcmp(name, "storm") == 0)
		storm();
	else if (strcmp(name, "twice") == 0)
		must("twice", syscall(5003));
	else if (strcmp(name, "close") == 0)
		must("close_range",
		     syscall(SYS_close_range, SELF + 1, ~0u, 0) | syscall(SYS_close_range, 3, SELF - 1, 0));
	else if (strcmp(name, "no-descriptors") == 0)
		no_descriptors();
	else if (strcmp(name, "chroot") == 0)
		must("chroot", chroot("empty") | chdir("/"));
	else if (strcmp(name, "user") == 0)
		must("setresuid", syscall(SYS_setresuid, 65533, 65533, 65533));
	else if (strcmp(name, "print") == 0)
		printf("%ld calls, %ld died\n", syscall(5000), syscall(5002));
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	if (fcntl(SELF, F_GETFD) < 0)
		must("open", dup2(open("/proc/self/exe", O_RDONLY | O_CLOEXEC), SELF));
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "exec") == 0) {
			argv[i] = argv[0];
			must("execveat", syscall(SYS_execveat, SELF, "", argv + i, NULL, AT_EMPTY_PATH));
		}
		if (strcmp(argv[i], "run") == 0)
			must("execv", execv(argv[i + 1], argv + i + 1));
		if (strcmp(argv[i], "pid") == 0) {
			pid_t child;

			must("unshare", unshare(CLONE_NEWPID));
			child = fork();
			if (child) {
				await(child);
				return 0;
			}
		}
		step(argv[i]);
	}
	return 0;
}
