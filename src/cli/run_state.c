/*
 * The keeper is a process, since the one that starts the run becomes the program. It is not the program's: it has no
 * descriptor of it, is in another session, and no wait finds it. It is a child of the one that collects orphans, or, if
 * that is the program itself, a child without an exit signal, as the helper of an execve is.
 */
#include "cli/run_state.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/run_state.h"
#include "cli/run_directory.h"
#include "cli/run_memory.h"

enum { LINK = 3, FILE_IN_MEMORY }; /* the keeper's descriptors */

/* What the keeper says when it is ready. The texts are the same in both processes. */
struct answer {
	uint64_t cookie; /* 0: it cannot be */
	const char *problem;
};

/* Leaves nothing that a program could wait for, see or hold: but for the two descriptors. Returns whether these have
 * their places. */
static bool leave(int link, int file)
{
	int first = link < file ? link : file, second = link < file ? file : link;
	struct rlimit limit;
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setsid();
	if (chdir("/") != 0)
		_exit(1);
	prctl(PR_SET_NAME, "k23-keeper");
	for (int fd = first + 1; fd < second; fd++)
		close(fd);
	syscall(SYS_close_range, second + 1, ~0u, 0);
	/* The program's limit, of which a few descriptors may be all, is not the keeper's. */
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	/* Neither is where the other is to be: they are moved out of the way first. */
	link = fcntl(link, F_DUPFD_CLOEXEC, FILE_IN_MEMORY + 1);
	file = fcntl(file, F_DUPFD_CLOEXEC, FILE_IN_MEMORY + 1);
	if (link < 0 || file < 0)
		return false;
	dup2(link, LINK);
	dup2(file, FILE_IN_MEMORY);
	syscall(SYS_close_range, FILE_IN_MEMORY + 1, ~0u, 0);
	syscall(SYS_close_range, 0, LINK - 1, 0);
	return true;
}

static void __attribute__((noreturn)) keep(int link, int file, size_t size, bool directory)
{
	struct answer answer = { .problem = RUN_MEMORY_NO_DESCRIPTOR };
	struct run_memory *memory;
	bool reopens;
	char byte;

	if (!leave(link, file)) {
		if (write(link, &answer, sizeof(answer)) != sizeof(answer))
			_exit(2);
		_exit(1);
	}
	reopens = access("/proc/thread-self/fd", F_OK) == 0;
	memory = run_memory_keep(size, FILE_IN_MEMORY, reopens, &answer.problem);
	if (memory)
		memory->vsyscall = 0; /* that is for those who give a verdict */
	if (memory && directory) {
		if (run_directory_enter(&answer.problem))
			memory->directory = (uint32_t)getpid();
		else
			memory = NULL;
	}
	answer.cookie = memory ? memory->cookie : 0;
	if (write(LINK, &answer, sizeof(answer)) != sizeof(answer) || !memory)
		_exit(1);
	/* The end of the link says that the other side has the memory. */
	while (read(LINK, &byte, 1) > 0)
		;
	close(LINK);
	if (reopens)
		flock(FILE_IN_MEMORY, LOCK_EX);
	else
		while (run_memory_is_shared(memory))
			sleep(1);
	_exit(0);
}

/* Whether this process gets the children of those of its descendants that have ended. */
static bool collects_orphans(void)
{
	int subreaper = 0;

	return getpid() == 1 || (prctl(PR_GET_CHILD_SUBREAPER, &subreaper) == 0 && subreaper);
}

/* Without exit signals: none is to be pending when the program starts. */
static bool start_keeper(int link, int file, size_t size, bool directory)
{
	bool own = collects_orphans();
	pid_t child = (pid_t)syscall(SYS_clone, 0, NULL, NULL, NULL, 0);
	int status = 0;

	if (child == 0) {
		pid_t keeper = own ? 0 : fork();

		if (keeper)
			_exit(keeper < 0);
		keep(link, file, size, directory);
	}
	if (child < 0 || own)
		return child > 0;
	return waitpid(child, &status, __WALL) == child && status == 0;
}

/* Maps the file as the keeper would let another process map it. */
static struct run_memory *map_memory(int file, size_t size)
{
	int own = run_memory_reopen(file); /* -1: without /proc, as the keeper does */
	struct run_memory *memory = mmap(NULL, run_memory_size(size), PROT_READ | PROT_WRITE, MAP_SHARED,
					 own < 0 ? file : own, 0);

	if (own >= 0)
		close(own);
	return memory == MAP_FAILED ? NULL : memory;
}

const struct run_memory *run_state_create(size_t size, bool directory, const char **problem)
{
	struct run_memory *memory = NULL;
	struct answer answer = { 0 };
	int file, link[2];

	size += RUN_STATE_PARTS;
	file = run_memory_file(size, problem);
	if (file < 0)
		return NULL;
	*problem = RUN_MEMORY_NO_DESCRIPTOR;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, link) != 0) {
		close(file);
		return NULL;
	}
	*problem = start_keeper(link[1], file, size, directory) ? "its keeper does not start" :
								  "no process can be created for it";
	close(link[1]);
	if (read(link[0], &answer, sizeof(answer)) == sizeof(answer))
		*problem = answer.problem;
	if (answer.cookie) {
		*problem = "there is no address space for that size";
		memory = map_memory(file, size);
	}
	close(link[0]);
	close(file);
	return memory;
}
