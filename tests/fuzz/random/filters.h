/*
 * Filters that judge by more than the number, and those who listen to them.
 */
#ifndef FUZZ_RANDOM_FILTERS_H
#define FUZZ_RANDOM_FILTERS_H

#include <poll.h>
#include <sys/ioctl.h>

static long install(uint32_t nr, uint32_t from, uint32_t action, unsigned flags)
{
	/* from: the word of seccomp_data that must be 7, or 0 */
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 2),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, from),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, from ? 7 : nr, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, action),
	};
	struct sock_fprog prog = { ARRAY_SIZE(code), code };

	return raw(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
}

static void on_wide_trap(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	say("trap %d: code %d, errno %d, call %d, arguments %lx %lx", sig, info->si_code, info->si_errno,
	    info->si_syscall, (long)uc->uc_mcontext.gregs[REG_RDI] & 0xff, (long)uc->uc_mcontext.gregs[REG_RSI] & 0xff);
	if (draw(2))
		uc->uc_mcontext.gregs[REG_RAX] = 1234;
}

static void try_calls(void)
{
	static const int more[] = { SYS_getppid, SYS_getuid,  600,	 SYS_getpgrp,
				    SYS_dup,	 SYS_getpgid, SYS_umask, SYS_gettid };

	for (unsigned i = 0; i < ARRAY_SIZE(more); i++) {
		long r = raw6(more[i], draw(3) ? 7 : 70, 7, 7, 7, 7, 7);

		say("call %d: %ld", more[i], r < 0 || r == 1234 || (r > 30000 && r < 40000) ? r : 0);
	}
}

/* Answers what a filter asks: one listener, for the child that has sent it. */
static void supervise(int listener, uint32_t answers)
{
	struct seccomp_notif asked;
	struct seccomp_notif_resp answer;
	long answered = 0;

	for (; answers; answers--) {
		struct pollfd polled = { .fd = listener, .events = POLLIN };
		uint32_t how = draw(4);
		long r;

		if (poll(&polled, 1, 5000) != 1 || !(polled.revents & POLLIN))
			break;
		memset(&asked, 0, sizeof(asked));
		r = raw(SYS_ioctl, listener, SECCOMP_IOCTL_NOTIF_RECV, &asked);
		say("answered %ld, asked %ld: call %d, arch %x, arguments %lx %lx", answered, r, asked.data.nr,
		    asked.data.arch, (long)asked.data.args[0] & 0xff, (long)asked.data.args[1] & 0xff);
		if (r)
			break;
		memset(&answer, 0, sizeof(answer));
		answer.id = asked.id;
		if (how == 0)
			answer.error = -55;
		else if (how == 1)
			answer.val = 31234;
		else
			answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		if (how == 3) {
			struct seccomp_notif_addfd add = { .id = asked.id, .srcfd = 1, .newfd_flags = O_CLOEXEC };

			say("descriptor: %d", raw(SYS_ioctl, listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add) >= 0);
		}
		answered = raw(SYS_ioctl, listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
	}
}

static long send_descriptor(int to, int fd)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .header = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	char byte = 'x';
	struct iovec iov = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
	};

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(int));
	return raw(SYS_sendmsg, to, &message, 0);
}

static int receive_descriptor(int from)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
	};
	int fd = -1;

	if (recvmsg(from, &message, MSG_CMSG_CLOEXEC) == 1 && message.msg_controllen)
		memcpy(&fd, CMSG_DATA(&control.header), sizeof(int));
	return fd;
}

static void *in_synced(void *arg)
{
	volatile uint32_t *go = arg;

	/* The first thread may be gone. */
	for (int n = 0; n < 400 && !__atomic_load_n(go, __ATOMIC_ACQUIRE); n++)
		usleep(500);
	try_calls();
	return NULL;
}

static void in_wide_filter(int socket)
{
	static const uint32_t words[] = {
		0,
		offsetof(struct seccomp_data, args[0]),
		offsetof(struct seccomp_data, args[1]),
		0,
	};
	const uint32_t actions[] = {
		SECCOMP_RET_ERRNO | 33, SECCOMP_RET_TRAP | 44, SECCOMP_RET_LOG,		 SECCOMP_RET_KILL_THREAD,
		SECCOMP_RET_ERRNO,	SECCOMP_RET_ALLOW,     SECCOMP_RET_ERRNO | 5000, 0x7ffd0000,
		SECCOMP_RET_TRAP,
	};
	struct sigaction action = { .sa_sigaction = on_wide_trap, .sa_flags = SA_SIGINFO };
	uint32_t go = 0;
	pthread_t thread;
	bool threads = draw(3) == 0, listens = draw(2);
	sigset_t set = sigset_of(SIGSYS);

	sigaction(SIGSYS, &action, NULL);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	prctl(PR_SET_DUMPABLE, 0);
	NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	if (threads)
		NEED(pthread_create(&thread, NULL, in_synced, &go) == 0);
	for (uint32_t n = draw(3); n; n--)
		say("filter: %ld", install((uint32_t)PICK(filtered), PICK(words), PICK(actions),
					   threads   ? SECCOMP_FILTER_FLAG_TSYNC
					   : draw(2) ? SECCOMP_FILTER_FLAG_LOG
						     : 0));
	if (listens) {
		long fd = install((uint32_t)PICK(filtered), PICK(words), SECCOMP_RET_USER_NOTIF,
				  SECCOMP_FILTER_FLAG_NEW_LISTENER | (draw(2) ? 1u << 5 : 0));

		say("listener: %ld", fd >= 0 ? 0 : fd);
		if (fd >= 0) {
			send_descriptor(socket, (int)fd);
			close((int)fd);
		}
	}
	close(socket);
	try_calls();
	if (threads) {
		__atomic_store_n(&go, 1, __ATOMIC_RELEASE);
		pthread_join(thread, NULL);
	}
	if (draw(3) == 0) {
		const char *words2[] = { "random", "calls", NULL };

		execv(program, (char **)words2);
	}
	if (draw(4) == 0) {
		say("strict: %ld", raw(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, NULL));
		raw(SYS_exit, 3);
	}
	leave();
}

HELPER(calls)
{
	state = 5;
	try_calls();
}

static void do_wide_filter(void)
{
	int pair[2], listener;
	pid_t pid;

	if (depth >= MAX_DEPTH || nested)
		return;
	NEED(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	pid = fork();
	if (pid == 0) {
		close(pair[0]);
		depth = MAX_DEPTH;
		in_wide_filter(pair[1]);
	}
	close(pair[1]);
	(void)draw(5);
	listener = receive_descriptor(pair[0]);
	if (listener >= 0) {
		supervise(listener, 1 + draw(8));
		close(listener);
	}
	close(pair[0]);
	await(pid);
}

#endif
