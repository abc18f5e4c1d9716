/*
 * The keeper's side of abi/run_memory.h. A request comes from a process that may be in other namespaces, in another
 * root directory and another user's, so it is found by what this process sees of it.
 */
#include "cli/run_memory.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/output.h"
#include "core/page.h"
#include "inject/run_memory.h"

#define KEEPER_STACK (256u << 10)
#define FIRST_DESCRIPTOR 3 /* the first three are the program's, even if they are closed */

/* One for each process, as the keeper is. */
static struct {
	struct run_memory *memory;
	size_t size;
	uint64_t cookie;
	int descriptor;
	bool reopens; /* each process gets a descriptor of its own, with a lock */
	pthread_mutex_t mapped; /* held by who uses the memory, or maps it anew */
} keeper = { .mapped = PTHREAD_MUTEX_INITIALIZER };

bool run_memory_announce(uint32_t *word)
{
	static __thread struct {
		struct robust_list_head head;
		struct robust_list node;
	} robust;

	robust.head.list.next = &robust.node;
	robust.node.next = &robust.head.list;
	robust.head.futex_offset = (char *)word - (char *)&robust.node;
	if (syscall(SYS_set_robust_list, &robust.head, sizeof(robust.head)) != 0)
		return false;
	*word = (uint32_t)gettid();
	return true;
}

/* --- answering requests, in the keeper's thread */

/* The socket of a request, if it is one of this process: its sign waits in it. Otherwise -1. */
static int take_socket(pid_t process, uint64_t request)
{
	int pidfd = (int)syscall(SYS_pidfd_open, process, 0), taken;
	struct run_memory_sign sign = { 0 };

	if (pidfd < 0)
		return -1;
	taken = (int)syscall(SYS_pidfd_getfd, pidfd, run_memory_descriptor(request), 0);
	close(pidfd);
	if (taken < 0)
		return -1;
	if (recv(taken, &sign, sizeof(sign), MSG_PEEK | MSG_DONTWAIT) == sizeof(sign) && sign.cookie == keeper.cookie &&
	    sign.request == request &&
	    /* What is left unread would reset the other end. */
	    recv(taken, &sign, sizeof(sign), MSG_DONTWAIT) == sizeof(sign))
		return taken;
	close(taken);
	return -1;
}

/* The id that a process has in its own PID namespace, which is below this one's; otherwise 0. directory: its name in
 * /proc. */
static pid_t inner_id(int proc, const char *directory)
{
	char path[NAME_MAX + 16], line[512];
	pid_t inner = 0;
	FILE *status;
	int fd;

	snprintf(path, sizeof(path), "%s/status", directory);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	status = fd < 0 ? NULL : fdopen(fd, "r");
	if (!status)
		return 0;
	while (fgets(line, sizeof(line), status)) {
		const char *last = strrchr(line, '\t');

		if (strncmp(line, "NSpid:", 6) != 0)
			continue;
		inner = last && last != line + 6 ? atoi(last + 1) : 0;
		break;
	}
	fclose(status);
	return inner;
}

/* The lock lasts as long as anything that was made of the descriptor: its mapping, above all. */
int run_memory_reopen(int file)
{
	char path[40];
	int fd;

	snprintf(path, sizeof(path), "/proc/thread-self/fd/%d", file);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0)
		flock(fd, LOCK_SH | LOCK_NB);
	return fd;
}

static void send_descriptor(int socket)
{
	int fd = keeper.reopens ? run_memory_reopen(keeper.descriptor) : keeper.descriptor;
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .header = { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET,
				  .cmsg_type = SCM_RIGHTS } };
	struct iovec data = { (void *)"", 1 };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof(control) };

	if (fd < 0)
		return;
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(int));
	sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (keeper.reopens)
		close(fd);
}

/* Answers a request if it is one of this process. Returns whether it is. */
static bool answer(pid_t process, uint64_t request)
{
	int socket = process > 0 ? take_socket(process, request) : -1;

	if (socket < 0)
		return false;
	send_descriptor(socket);
	close(socket);
	return true;
}

/* Answers requests of processes in PID namespaces below this one's, and makes them 0. One look through /proc is for all
 * of them: it takes milliseconds where many processes are. */
static void answer_inner(uint64_t *requests, uint32_t count)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	uint32_t left = count;

	while (proc && left && (entry = readdir(proc))) {
		pid_t inner = isdigit((unsigned char)entry->d_name[0]) ? inner_id(dirfd(proc), entry->d_name) : 0;

		for (uint32_t i = 0; inner && i < count; i++) {
			if (run_memory_process(requests[i]) != inner || !answer(atoi(entry->d_name), requests[i]))
				continue;
			requests[i] = 0;
			left--;
		}
	}
	if (proc)
		closedir(proc);
}

/* Empties a mailbox whose request was answered, or cannot be. */
static void empty(uint64_t *box, uint64_t request)
{
	__atomic_compare_exchange_n(box, &request, 0, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
	syscall(SYS_futex, box, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* Answers what is there. Returns the value of the bell with which to wait for more. */
static uint32_t answer_all(struct run_memory *memory)
{
	uint64_t requests[RUN_MEMORY_MAILBOXES], inner[RUN_MEMORY_MAILBOXES];
	uint32_t bell, boxes[RUN_MEMORY_MAILBOXES], count = 0;

	pthread_mutex_lock(&keeper.mapped);
	bell = __atomic_load_n(&memory->bell, __ATOMIC_SEQ_CST);
	for (uint32_t i = 0; i < RUN_MEMORY_MAILBOXES; i++) {
		uint64_t request = __atomic_load_n(&memory->mailboxes[i], __ATOMIC_SEQ_CST);

		if (!request)
			continue;
		if (answer(run_memory_process(request), request)) {
			empty(&memory->mailboxes[i], request);
			continue;
		}
		boxes[count] = i;
		requests[count] = inner[count] = request;
		count++;
	}
	if (count)
		answer_inner(inner, count);
	for (uint32_t i = 0; i < count; i++)
		empty(&memory->mailboxes[boxes[i]], requests[i]);
	pthread_mutex_unlock(&keeper.mapped);
	return bell;
}

static void *keep(void *ready)
{
	static const struct timespec second = { .tv_sec = 1 };
	struct run_memory *memory = keeper.memory;
	/* With its own descriptors: none of what it opens becomes the standard error of the command. */
	bool keeps = unshare(CLONE_FILES) == 0 && run_memory_announce(&memory->keeper);

	if (keeps)
		output_leave_standard();
	__atomic_store_n((int *)ready, keeps ? 1 : -1, __ATOMIC_RELEASE);
	syscall(SYS_futex, ready, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	while (keeps) {
		uint32_t bell = answer_all(memory);

		/* If it is being mapped anew, this fails at once, and waits for that. */
		syscall(SYS_futex, &memory->bell, FUTEX_WAIT, bell, &second, NULL, 0);
	}
	return NULL;
}

/* --- in the process that starts the run */

static bool start_keeper(void)
{
	static int ready; /* 1: it keeps, -1: it cannot */
	pthread_attr_t attributes;
	pthread_t thread;
	sigset_t all, old;
	int r;

	ready = 0;
	/* Not what RLIMIT_STACK says, for which RLIMIT_AS may have no room. */
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, KEEPER_STACK);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&thread, &attributes, keep, &ready);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attributes);
	if (r != 0)
		return false;
	pthread_detach(thread);
	while (!__atomic_load_n(&ready, __ATOMIC_ACQUIRE))
		syscall(SYS_futex, &ready, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
	return ready == 1;
}

/* Whether a child, which cannot do any harm, does `task` with success: a seccomp filter may kill whoever tries. */
static bool child_can(bool (*task)(void))
{
	int status = 0;
	/* To copy a process's memory takes longer than the task; but what makes a child dumpable is its memory's. */
	pid_t child = prctl(PR_GET_DUMPABLE) == 1 ? vfork() : fork();

	if (child == 0) {
		prctl(PR_SET_DUMPABLE, 1);
		_exit(!task());
	}
	return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

/* What keeper and helper call, on this process itself. */
static bool makes_calls(void)
{
	int memory = (int)syscall(SYS_memfd_create, "k23", MFD_CLOEXEC), sockets[2];
	int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	return memory >= 0 && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) == 0 && pidfd >= 0 &&
	       syscall(SYS_pidfd_getfd, pidfd, memory, 0) >= 0;
}

static bool gets_memory(void)
{
	/* As the helper does. */
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	return inj_fetch_memory((uint64_t)keeper.memory) >= 0;
}

/* A file in memory, not among the first descriptors. */
static int create_file(size_t size)
{
	int low = (int)syscall(SYS_memfd_create, "k23", MFD_CLOEXEC | MFD_ALLOW_SEALING), fd;
	struct sigaction ignore = { .sa_handler = SIG_IGN }, old;
	bool sized;

	if (low < 0)
		return -1;
	fd = fcntl(low, F_DUPFD_CLOEXEC, FIRST_DESCRIPTOR);
	close(low);
	/* A limit of file sizes (RLIMIT_FSIZE) holds here, too. */
	sigaction(SIGXFSZ, &ignore, &old);
	sized = fd >= 0 && ftruncate(fd, (off_t)size) == 0;
	sigaction(SIGXFSZ, &old, NULL);
	/* A program that finds the file does not take it from under those who have it mapped. */
	if (sized && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Where nothing tells, it is supposed. */
static bool has_vsyscall_page(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	bool present = !maps;
	char line[256];

	while (maps && fgets(line, sizeof(line), maps))
		present |= strstr(line, "[vsyscall]") != NULL;
	if (maps)
		fclose(maps);
	return present;
}

size_t run_memory_size(size_t size)
{
	return core_page_up(RUN_MEMORY_CONTENTS + size);
}

static bool may_keep(const char **problem)
{
	*problem = "memfd_create, socketpair or pidfd_getfd is denied";
	return prctl(PR_GET_SECCOMP) == 0 || child_can(makes_calls);
}

int run_memory_file(size_t size, const char **problem)
{
	int file;

	if (!may_keep(problem))
		return -1;
	file = create_file(run_memory_size(size));
	*problem = errno == EMFILE || errno == ENFILE ? RUN_MEMORY_NO_DESCRIPTOR :
		   errno == EFBIG		      ? "a file may not be that large (RLIMIT_FSIZE)" :
							"there is no file in memory (memfd_create) of that size";
	return file;
}

struct run_memory *run_memory_create(size_t size, int file, const char **problem)
{
	bool given = file >= 0;

	if (given && !may_keep(problem))
		return NULL;
	*problem = "/proc is not mounted, through which it is opened for each";
	if (given && access("/proc/thread-self/fd", F_OK) != 0)
		return NULL;
	if (!given)
		file = run_memory_file(size, problem);
	return file < 0 ? NULL : run_memory_keep(size, file, given, problem);
}

struct run_memory *run_memory_keep(size_t size, int file, bool reopen, const char **problem)
{
	struct run_memory *memory;

	pthread_mutex_init(&keeper.mapped, NULL); /* that of a parent, at the fork, may have been held */
	keeper.descriptor = file;
	keeper.reopens = reopen;
	size = keeper.size = run_memory_size(size);
	*problem = "it cannot be mapped";
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, keeper.descriptor, 0);
	if (memory == MAP_FAILED)
		return NULL;
	/* The first access to a file would make the kernel read ahead, megabytes of a file that has nothing in it. */
	madvise(memory, size, MADV_RANDOM);
	*problem = "this kernel has no random numbers";
	if (getrandom(&keeper.cookie, sizeof(keeper.cookie), 0) != sizeof(keeper.cookie))
		return NULL;
	memory->magic = RUN_MEMORY_MAGIC;
	memory->size = size;
	memory->cookie = keeper.cookie;
	memory->vsyscall = has_vsyscall_page();
	keeper.memory = memory;
	*problem = "no thread can be created for it";
	if (!start_keeper())
		return NULL;
	*problem = "pidfd_getfd does not get a descriptor from a child";
	/* A keeper that is of no use waits for nothing. */
	return child_can(gets_memory) ? memory : NULL;
}

/* Whether the file of the memory has a lock of another process. */
static bool is_locked(void)
{
	if (flock(keeper.descriptor, LOCK_EX | LOCK_NB) != 0)
		return true;
	flock(keeper.descriptor, LOCK_UN);
	return false;
}

/* The kernel does not forbid that a file in memory is written to (F_SEAL_WRITE) as long as it is mapped so that it can
 * be. That includes the mapping of this process, which makes way for the question. */
bool run_memory_is_shared(struct run_memory *memory)
{
	sigset_t all, old;
	bool shared;

	if (keeper.reopens)
		return is_locked();
	sigfillset(&all);
	pthread_mutex_lock(&keeper.mapped);
	pthread_sigmask(SIG_SETMASK, &all, &old); /* their handlers ring the doorbell */
	mmap(memory, keeper.size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
	shared = fcntl(keeper.descriptor, F_ADD_SEALS, F_SEAL_WRITE) != 0 && errno == EBUSY;
	if (mmap(memory, keeper.size, PROT_READ | PROT_WRITE, (shared ? MAP_SHARED : MAP_PRIVATE) | MAP_FIXED,
		 keeper.descriptor, 0) == MAP_FAILED)
		abort();
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_mutex_unlock(&keeper.mapped);
	return shared;
}
