#include "calls.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define NO_FLAG 0x8000 /* a filter with this flag is not installed */

static struct sock_filter filter[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 4),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xc000003e, 1, 0),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_X, 5, 0, 1),
	BPF_JUMP(BPF_JMP | BPF_JA, 3, 1, 2),
	BPF_STMT(BPF_JMP | BPF_JA, 3),
	BPF_STMT(BPF_JMP | 0x50, 3),
	BPF_STMT(BPF_JMP | BPF_X | 0xe0, 3),
	BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xff),
	BPF_STMT(BPF_ALU | BPF_NEG, 3),
	BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 3),
	BPF_STMT(BPF_ALU | 0xb0, 8),
	BPF_STMT(BPF_ALU | BPF_X | 0xf0, 8),
	BPF_STMT(BPF_MISC | BPF_TAX, 0),
	BPF_STMT(BPF_MISC | BPF_TXA, 7),
	BPF_STMT(BPF_MISC | 0x40, 7),
	BPF_STMT(BPF_ST, 3),
	BPF_JUMP(BPF_STX, 4, 1, 1),
	BPF_STMT(BPF_LDX | BPF_MEM | BPF_W, 4),
	BPF_STMT(BPF_LDX | BPF_MSH | BPF_B, 4),
	BPF_STMT(BPF_LD | BPF_IMM, 4),
	BPF_STMT(BPF_LD | BPF_LEN, 4),
	BPF_STMT(BPF_LD | BPF_H | BPF_IND, 4),
	BPF_STMT(BPF_LD | 0x18 | BPF_ABS, 8),
	BPF_STMT(BPF_LD | 0xe0, 8),
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (unsigned)SKF_AD_OFF + SKF_AD_PKTTYPE),
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (unsigned)SKF_AD_OFF + 200),
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (unsigned)SKF_NET_OFF + 9),
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (unsigned)SKF_LL_OFF),
	BPF_STMT(BPF_LD | BPF_B | BPF_IND, (unsigned)SKF_AD_OFF),
	BPF_STMT(BPF_RET | BPF_A, 0),
	BPF_STMT(BPF_RET | BPF_X, 0),
	BPF_STMT(BPF_RET | 0x18, 0),
	BPF_STMT(BPF_RET | 0x20, 0),
	BPF_JUMP(BPF_RET | BPF_K, SECCOMP_RET_TRAP | 5, 1, 2),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE | 5),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_LOG),
	BPF_STMT(BPF_RET | BPF_K, 0x12345678),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};
static const unsigned short length = sizeof(filter) / sizeof(*filter);

static void processes(void)
{
	struct sock_fprog program = { length, filter }, none = { 0, filter }, bad = { 2, BAD };

	CALL(seccomp, SECCOMP_SET_MODE_FILTER, NO_FLAG, &program);
	CALL(seccomp, SECCOMP_SET_MODE_FILTER, 0, &none);
	CALL(seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_LOG, &bad);
	CALL(seccomp, SECCOMP_SET_MODE_FILTER, 0, BAD);
	CALL(prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0); /* one that the kernel does not take */
	CALL(prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &bad, 0, 0);
}

/* A process whose call another one answers: they share their descriptors. */
static void notified(void)
{
	static struct sock_filter listened[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpriority, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { 4, listened };
	struct seccomp_notif notice = { 0 };
	struct seccomp_notif_resp answer = { .error = -EPERM };
	int pipes[2], listener;

	if (pipe(pipes) < 0)
		return;
	if (!CALL(clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0)) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		listener = (int)CALL(seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
		CALL(write, pipes[1], &listener, sizeof(listener));
		CALL(getpriority, 0, 0);
		_exit(0);
	}
	if (read(pipes[0], &listener, sizeof(listener)) == sizeof(listener) && listener >= 0) {
		CALL(ioctl, listener, SECCOMP_IOCTL_NOTIF_RECV, &notice);
		answer.id = notice.id;
		CALL(ioctl, listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
	}
	wait(NULL);
}

static void sockets(void)
{
	struct sock_fprog program = { length, filter }, last = { 1, filter + length - 1 }, bad = { 2, BAD };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct sock_filter got[4];
	socklen_t size = 4;

	CALL(setsockopt, fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
	CALL(setsockopt, fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, 8);
	CALL(setsockopt, fd, SOL_SOCKET, SO_ATTACH_FILTER, &bad, sizeof(bad));
	CALL(setsockopt, fd, SOL_SOCKET, SO_ATTACH_FILTER, BAD, sizeof(bad));
	CALL(setsockopt, fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof(program));
	CALL(setsockopt, fd, SOL_SOCKET, SO_ATTACH_FILTER, &last, sizeof(last));
	CALL(getsockopt, fd, SOL_SOCKET, SO_GET_FILTER, got, &size);
	CALL(setsockopt, fd, SOL_SOCKET, SO_DETACH_FILTER, NULL, 0);
	close(fd);
}

int main(void)
{
	processes();
	sockets();
	notified();
	return 0;
}
