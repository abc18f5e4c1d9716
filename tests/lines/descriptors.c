/*
 * Structures with descriptors in them, for -y.
 */
#include "calls.h"

#include <linux/aio_abi.h>
#include <linux/bpf.h>
#include <linux/landlock.h>
#include <linux/mount.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>

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
	return 0;
}
