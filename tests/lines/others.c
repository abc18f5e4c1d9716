#include "calls.h"

#include <asm/ldt.h>
#include <linux/aio_abi.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/dqblk_xfs.h>
#include <linux/io_uring.h>
#include <linux/kexec.h>
#include <linux/keyctl.h>
#include <linux/landlock.h>
#include <linux/mempolicy.h>
#include <linux/mount.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/quota.h>
#include <sys/random.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <termios.h>
#include <sys/uio.h>

static void memory(void)
{
	char *map = (char *)CALL(mmap, NULL, 8192, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0l);
	struct iovec local = { map, 10 }, remote = { map, 10 };
	unsigned char resident[2];

	CALL(mmap, NULL, 4096, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB | 21 << 26, -1, 0l);
	CALL(mmap, map, 4096, PROT_READ, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 4096l);
	CALL(mmap, NULL, 4096, PROT_READ, MAP_SHARED_VALIDATE | MAP_ANONYMOUS, -1, 0l);
	CALL(mprotect, map, 4096, PROT_READ | PROT_WRITE);
	CALL(mprotect, map, 4096, 0x1000000);
	CALL(madvise, map, 4096, MADV_DONTNEED);
	CALL(madvise, map, 4096, 77);
	CALL(msync, map, 4096, MS_SYNC | MS_INVALIDATE);
	CALL(mincore, map, 8192, resident);
	CALL(mincore, map, 4097, resident);
	CALL(mlock, map, 4096);
	CALL(mlock2, map, 4096, 1);
	CALL(munlock, map, 4096);
	CALL(mlockall, 0);
	CALL(munlockall);
	map = (char *)CALL(mmap, NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0l);
	map = (char *)CALL(mremap, map, 8192, 16384, MREMAP_MAYMOVE, POISON);
	CALL(mremap, map, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, 1);
	CALL(pkey_alloc, 0, 1);
	CALL(pkey_free, 77);
	CALL(pkey_mprotect, map + 8192, 4096, PROT_READ, -1);
	CALL(brk, 0);
	CALL(remap_file_pages, map, 4096, 0, 0, 0);
	CALL(mprotect, map, 4096, PROT_READ | PROT_WRITE);
	memcpy(map, "0123456789", 10);
	local.iov_base = map;
	remote.iov_base = map + 20;
	CALL(process_vm_readv, getpid(), &local, 1, &remote, 1, 0l);
	CALL(process_vm_writev, getpid(), &local, 1, &remote, 1, 0l);
	CALL(munmap, map, 16384);
	CALL(munmap, 1, 2);
}

static void queues(void)
{
	struct sembuf operation = { 0, 1, IPC_NOWAIT };
	struct msqid_ds queue;
	struct shmid_ds segment;
	struct semid_ds semaphores;
	union {
		unsigned long shm[8];
		struct msginfo msg;
		int sem[10];
	} limits;
	struct {
		long type;
		char text[10];
	} message = { 3, "text" };
	int shm = (int)CALL(shmget, IPC_PRIVATE, 4096, IPC_CREAT | 0600);
	int msg = (int)CALL(msgget, IPC_PRIVATE, IPC_CREAT | 0600);
	int sem = (int)CALL(semget, IPC_PRIVATE, 2, IPC_CREAT | IPC_EXCL | 0644);
	void *at;

	CALL(shmget, 0x1234, 1, 0);
	at = (void *)CALL(shmat, shm, NULL, SHM_RDONLY);
	CALL(shmdt, at);
	CALL(shmctl, shm, IPC_STAT, &segment);
	CALL(shmctl, shm, IPC_SET, &segment);
	CALL(shmctl, shm, IPC_INFO, limits.shm);
	CALL(shmctl, -1, IPC_SET, BAD);
	CALL(shmctl, shm, IPC_RMID, NULL);
	CALL(msgsnd, msg, &message, 4, IPC_NOWAIT);
	CALL(msgrcv, msg, &message, 4, 3, IPC_NOWAIT);
	CALL(msgctl, msg, IPC_STAT, &queue);
	CALL(msgctl, msg, IPC_SET, &queue);
	CALL(msgctl, msg, IPC_INFO, &limits.msg);
	CALL(msgctl, msg, IPC_RMID, NULL);
	CALL(semop, sem, &operation, 1);
	operation.sem_flg |= SEM_UNDO;
	CALL(semop, sem, &operation, 1 | 1ul << 40);
	CALL(semctl, sem, 0, 12, 0);
	CALL(semctl, sem, 0, IPC_STAT, &semaphores);
	CALL(semctl, sem, 0, IPC_SET, &semaphores);
	CALL(semctl, sem, 0, IPC_INFO, limits.sem);
	CALL(semctl, sem, 0, IPC_STAT, BAD);
	CALL(semctl, sem, 0, IPC_RMID, 0);
}

/* What is registered with an io_uring. */
static void registered(int ring)
{
	struct iovec buffers[] = { { BAD, 5 }, { NULL, 7 } };
	int fds[] = { 0, -1 };
	struct io_uring_rsrc_update update = { .offset = 1, .data = (unsigned long)fds };
	struct io_uring_rsrc_update rings[] = { { -1u, 0, 0 }, { 2, 3, 4 } };
	struct io_uring_buf_reg room = { .ring_addr = 4096, .ring_entries = 8, .bgid = 3 };
	unsigned long processors[] = { 5, 0 };

	CALL(io_uring_register, ring, IORING_REGISTER_BUFFERS, buffers, 2);
	CALL(io_uring_register, ring, IORING_REGISTER_BUFFERS, BAD, 2);
	CALL(io_uring_register, ring, IORING_REGISTER_FILES, fds, 2);
	CALL(io_uring_register, ring, IORING_REGISTER_FILES_UPDATE, &update, 2);
	CALL(io_uring_register, -1, IORING_REGISTER_RING_FDS, rings, 2);
	CALL(io_uring_register, -1, IORING_UNREGISTER_RING_FDS, rings, 2);
	CALL(io_uring_register, -1, IORING_REGISTER_EVENTFD, fds, 1);
	CALL(io_uring_register, -1, IORING_REGISTER_IOWQ_AFF, processors, 8);
	CALL(io_uring_register, -1, IORING_REGISTER_PBUF_RING, &room, 1);
	CALL(io_uring_register, -1, IORING_REGISTER_PERSONALITY, NULL, 0);
}

static void facilities(void)
{
	struct sock_filter filter[] = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };
	struct sock_fprog program = { 1, filter };
	struct landlock_ruleset_attr ruleset = { LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE };
	struct landlock_path_beneath_attr beneath = { LANDLOCK_ACCESS_FS_EXECUTE, 0 };
	struct io_uring_params params = { .flags = IORING_SETUP_CQSIZE, .cq_entries = 16 };
	struct perf_event_attr perf = { .size = sizeof(perf) };
	struct perf_event_attr bits = { .disabled = 1, .inherit = 1, .exclude_kernel = 1, .enable_on_exec = 1,
					.exclude_guest = 1, .precise_ip = 2, .sigtrap = 1 };
	static const unsigned long mounts[] = {
		0, MS_REMOUNT, MS_REMOUNT | MS_BIND, MS_BIND | MS_REC, MS_PRIVATE, MS_MGC_VAL, MS_MGC_VAL | MS_MOVE,
	};
	unsigned sizes[3] = { 0 };
	struct mount_attr mount = { .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID };
	union bpf_attr bpf = { 0 };
	unsigned action = SECCOMP_RET_LOG;
	char buffer[100];
	int fd;

	fd = (int)CALL(io_uring_setup, 4, &params);
	CALL(io_uring_enter, fd, 0, 0, IORING_ENTER_GETEVENTS, NULL, 8l);
	CALL(io_uring_register, fd, IORING_UNREGISTER_BUFFERS, NULL, 0);
	registered(fd);
	close(fd);
	CALL(seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action);
	CALL(seccomp, SECCOMP_GET_NOTIF_SIZES, 0, sizes);
	CALL(seccomp, 77, 1, BAD);
	CALL(prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	CALL(seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_LOG, &program);
	CALL(prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
	CALL(bpf, BPF_MAP_CREATE, &bpf, 8);
	CALL(landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	fd = (int)CALL(landlock_create_ruleset, &ruleset, sizeof(ruleset), 0);
	CALL(landlock_add_rule, fd, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
	CALL(landlock_restrict_self, -1, 0);
	CALL(keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 0);
	CALL(keyctl, KEYCTL_JOIN_SESSION_KEYRING, "session");
	CALL(keyctl, KEYCTL_CLEAR, KEY_SPEC_THREAD_KEYRING);
	CALL(keyctl, KEYCTL_DESCRIBE, KEY_SPEC_SESSION_KEYRING, buffer, 100);
	CALL(add_key, "user", "name", "payload", 7, KEY_SPEC_THREAD_KEYRING);
	CALL(request_key, "user", "name", NULL, 0);
	CALL(open_tree, AT_FDCWD, "nowhere", OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	CALL(move_mount, AT_FDCWD, "nowhere", AT_FDCWD, "there", MOVE_MOUNT_F_SYMLINKS);
	fd = (int)CALL(fsopen, "tmpfs", FSOPEN_CLOEXEC);
	CALL(fsconfig, fd, FSCONFIG_SET_STRING, "source", "none", 0);
	CALL(fsconfig, fd, FSCONFIG_SET_FLAG, "ro", NULL, 0);
	CALL(fsmount, -1, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY);
	CALL(fspick, AT_FDCWD, "nowhere", FSPICK_CLOEXEC);
	for (unsigned i = 0; i < sizeof(mounts) / sizeof(*mounts); i++)
		CALL(mount, "nowhere", "neither", "type", mounts[i], "data");
	CALL(mount_setattr, AT_FDCWD, "nowhere", AT_RECURSIVE, &mount, sizeof(mount));
	CALL(perf_event_open, &perf, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	CALL(perf_event_open, &bits, -1, -1, -1, 0);
	CALL(kcmp, -1, -1, 7, 0, sizes);
	CALL(userfaultfd, O_CLOEXEC);
	CALL(getrandom, buffer, 0, GRND_NONBLOCK);
	CALL(getrandom, BAD, 5, 0);
	CALL(set_mempolicy, MPOL_DEFAULT, NULL, 0);
	CALL(syslog, 10, NULL, 0);
	CALL(syslog, 8, NULL, 77);
	CALL(rseq, BAD, 32, 0, 0);
	CALL(delete_module, "nowhere", 0);
	syscall(500, 1, 2, 3, 4, 5, 6l);
}

static void requests(void)
{
	char text[] = "text", more[] = "more";
	struct iovec io[] = { { text, 4 }, { more, 3 } };
	struct iocb made[] = {
		{ .aio_data = 7, .aio_lio_opcode = IOCB_CMD_PWRITE, .aio_buf = (uintptr_t)text, .aio_nbytes = 4 },
		{ .aio_lio_opcode = IOCB_CMD_PREAD, .aio_buf = (uintptr_t)text, .aio_nbytes = 4, .aio_offset = 1,
		  .aio_flags = IOCB_FLAG_RESFD, .aio_resfd = (unsigned)eventfd(0, 0) },
		{ .aio_lio_opcode = IOCB_CMD_PWRITEV, .aio_buf = (uintptr_t)io, .aio_nbytes = 2,
		  .aio_rw_flags = RWF_DSYNC },
		{ .aio_lio_opcode = IOCB_CMD_PREADV, .aio_buf = (uintptr_t)io, .aio_nbytes = 2 },
		{ .aio_lio_opcode = IOCB_CMD_PREAD, .aio_buf = 16, .aio_nbytes = 4, .aio_flags = IOCB_FLAG_IOPRIO,
		  .aio_reqprio = 0x4001 },
		{ .aio_lio_opcode = 5, .aio_buf = POLLIN | POLLOUT, .aio_key = 3, .aio_offset = 1 },
		{ .aio_lio_opcode = IOCB_CMD_NOOP },
		{ .aio_lio_opcode = IOCB_CMD_FDSYNC },
	};
	struct iocb *several[] = { &made[0], &made[6], NULL, BAD };
	struct io_event done[4];
	struct timespec none = { 0, 0 };
	aio_context_t context = 0;
	int fd = open("events", O_RDWR | O_CREAT, 0600);

	CALL(io_setup, 4, &context);
	for (unsigned i = 0; i < sizeof(made) / sizeof(*made); i++) {
		struct iocb *one = &made[i];

		made[i].aio_fildes = (unsigned)fd;
		if (CALL(io_submit, context, 1L, &one) == 1)
			CALL(io_getevents, context, 1L, 4L, done, NULL);
	}
	CALL(io_submit, context, 4L, several);
	CALL(io_submit, context, 0L, several);
	CALL(io_submit, context, 2L, BAD);
	CALL(io_getevents, context, 1L, 2L, done, NULL);
	CALL(io_getevents, context, 0L, 2L, done, &none);
	CALL(io_cancel, context, &made[0], done);
	CALL(io_cancel, context, BAD, done);
	CALL(io_destroy, context);
	close((int)made[1].aio_resfd);
	close(fd);
}

static void events(void)
{
	struct fs_disk_quota limits = { .d_version = 1, .d_flags = FS_USER_QUOTA, .d_id = 7, .d_blk_hardlimit = 100 };
	struct kexec_segment segments[2] = { { "code", 4, (void *)0x100000, 4096 },
					     { NULL, 0, (void *)0x200000, 4096 } };
	int group;

	struct if_dqblk quota = { .dqb_bhardlimit = 5, .dqb_valid = QIF_BLIMITS };
	struct if_dqinfo information = { .dqi_bgrace = 60, .dqi_flags = DQF_ROOT_SQUASH, .dqi_valid = IIF_BGRACE };
	unsigned state = 1; /* FS_QUOTA_UDQ_ACCT */

	CALL(quotactl, QCMD(Q_GETQUOTA, GRPQUOTA), "/dev/null", 0, NULL);
	CALL(quotactl, QCMD(Q_QUOTAON, USRQUOTA), "/dev/null", QFMT_VFS_V1, "nowhere");
	CALL(quotactl, QCMD(Q_QUOTAOFF, USRQUOTA), "/dev/null", 1, 2);
	CALL(quotactl, QCMD(Q_SETQUOTA, USRQUOTA), "/dev/null", 1000, &quota);
	CALL(quotactl, QCMD(Q_SETINFO, USRQUOTA), "/dev/null", 1, &information);
	CALL(quotactl, QCMD(0x5801 /* Q_XQUOTAON */, USRQUOTA), "/dev/null", 1, &state);
	CALL(quotactl, QCMD(Q_SYNC, 7), NULL, 1, 2);
	CALL(quotactl, QCMD(Q_XSETQLIM, PRJQUOTA), "/dev/null", 7, &limits);
	CALL(quotactl, QCMD(Q_XGETQUOTA, USRQUOTA), "/dev/null", 7, &limits);
	CALL(quotactl, QCMD(Q_XGETQSTAT, USRQUOTA), "/dev/null", 7, &limits);
	/* Of another architecture, or with unknown flags: nothing is loaded. */
	CALL(kexec_load, 0x1000l, 2, segments, KEXEC_ARCH_SH | KEXEC_ON_CRASH);
	CALL(kexec_load, 0x1000l, 17, segments, KEXEC_ARCH_SH | 0x54);
	CALL(kexec_file_load, -1, -1, 7, "a=b c=d", 0xf1);
	CALL(keyctl, KEYCTL_UPDATE, 5, "payload", 7, 8);
	CALL(keyctl, KEYCTL_CHOWN, 5, -1, 6, 7);
	CALL(keyctl, KEYCTL_SETPERM, 5, 0x3f010200, 6, 7);
	CALL(keyctl, KEYCTL_INSTANTIATE, 5, "payload", 7, KEY_SPEC_THREAD_KEYRING);
	CALL(keyctl, KEYCTL_NEGATE, 5, 60, KEY_SPEC_PROCESS_KEYRING, 7);
	CALL(keyctl, KEYCTL_SET_TIMEOUT, 5, 60, 7, 8);
	CALL(keyctl, KEYCTL_SET_REQKEY_KEYRING, -1 /* KEY_REQKEY_DEFL_NO_CHANGE */, 6, 7, 8);
	CALL(keyctl, KEYCTL_ASSUME_AUTHORITY, 5, 6, 7, 8);
	CALL(keyctl, KEYCTL_RESTRICT_KEYRING, 5, "type", "restriction", 8);
	CALL(mbind, NULL, 0, MPOL_DEFAULT, NULL, 0, 0l);
	CALL(fanotify_init, FAN_CLASS_CONTENT | 0x8000000, O_RDONLY);
	CALL(fanotify_mark, -1, FAN_MARK_ADD, FAN_OPEN, -1, NULL);
	group = (int)CALL(fanotify_init, FAN_CLOEXEC | FAN_CLASS_CONTENT, O_RDONLY);
	CALL(fanotify_mark, group, FAN_MARK_ADD | FAN_MARK_ONLYDIR, FAN_OPEN | FAN_ONDIR, AT_FDCWD, ".");
	CALL(delete_module, "none", O_NONBLOCK);
	CALL(finit_module, -1, "a=1", 1);
	close(group);
}

static void terminals(void)
{
	struct winsize size = { 24, 80, 0, 0 };
	struct termios termios;
	int fd = posix_openpt(O_RDWR | O_NOCTTY), number;

	CALL(ioctl, fd, TIOCGPTN, &number);
	CALL(ioctl, fd, TCGETS, &termios);
	CALL(ioctl, fd, TCSETS, &termios);
	CALL(ioctl, fd, TCSETSW, &termios);
	CALL(ioctl, fd, TIOCGWINSZ, &size);
	CALL(ioctl, fd, TIOCSWINSZ, &size);
	CALL(ioctl, fd, TIOCGPGRP, &number);
	CALL(ioctl, fd, FIONBIO, &number);
	CALL(ioctl, fd, TCFLSH, 0);
	CALL(ioctl, fd, TIOCSPTLCK, &number);
	CALL(ioctl, fd, TIOCOUTQ, &number);
	CALL(ioctl, fd, TIOCSCTTY, 0);
	close(fd);
}

int main(void)
{
	memory();
	queues();
	terminals();
	requests();
	events();
	facilities();
	return 0;
}
