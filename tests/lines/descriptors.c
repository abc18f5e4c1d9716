/*
 * Structures with descriptors in them, for -y.
 */
#include "calls.h"

#include <linux/aio_abi.h>
#include <linux/bpf.h>
#include <linux/landlock.h>
#include <linux/mount.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

/* Descriptors in control messages. */
static void pass(int first, int second)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(2 * sizeof(int))];
	} control = { .head = { CMSG_LEN(2 * sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct iovec text = { "x", 1 };
	struct msghdr message = { .msg_iov = &text, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof(control.room) };
	int pair[2];

	socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
	memcpy(CMSG_DATA(&control.head), (int[]){ first, second }, 2 * sizeof(int));
	CALL(sendmsg, pair[0], &message, 0);
	text.iov_base = (char[1]){ 0 };
	CALL(recvmsg, pair[1], &message, 0);
	message.msg_controllen = sizeof(control.room);
	control.head.cmsg_len = 3;
	CALL(sendmsg, pair[0], &message, 0);
	control.head.cmsg_len = sizeof(control.head);
	CALL(sendmsg, pair[0], &message, 0);
	close(pair[0]);
	close(pair[1]);
}

/* Whose a pidfd is, where the kernel tells it without another descriptor (6.13). */
static void processes(void)
{
	uint64_t info[8] = { 0 };
	int fd = (int)CALL(pidfd_open, getpid(), 0);

	if (ioctl(fd, _IOWR(0xff, 11, info), info) == 0)
		CALL(pidfd_send_signal, fd, 0, NULL, 0);
	close(fd);
}

/* Those that are in no file. */
static void made(void)
{
	union bpf_attr map = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1 };

	close((int)CALL(bpf, BPF_MAP_CREATE, &map, sizeof(map)));
	CALL(fsmount, AT_FDCWD, 0, 0); /* which is none here */
}

int main(void)
{
	int fd = open("/dev/null", O_RDWR), other = open("/", O_RDONLY | O_DIRECTORY);
	struct iocb one = { .aio_fildes = (unsigned)fd, .aio_lio_opcode = IOCB_CMD_FSYNC }, two = { .aio_fildes = -1u };
	struct iocb *several[] = { &one, &two };
	struct landlock_path_beneath_attr rule = { LANDLOCK_ACCESS_FS_EXECUTE, other };
	struct mount_attr mount = { .attr_set = MOUNT_ATTR_RDONLY, .userns_fd = (unsigned)other };
	struct pollfd polled[] = { { fd, POLLIN, 0 }, { -1, 0, 0 }, { other, POLLOUT, 0 } };
	char angle[] = "name<with>angles";
	int named = open(angle, O_CREAT | O_RDWR, 0600);

	CALL(poll, polled, 3, 0);
	CALL(io_submit, 0x1234, 2, several);
	CALL(landlock_add_rule, -1, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	CALL(mount_setattr, -1, "", 0, &mount, sizeof(mount));
	CALL(fchmod, named, 0600);
	CALL(fchmod, BAD, 0600);
	unlink(angle);
	pass(fd, other);
	processes();
	made();
	return 0;
}
