#include "calls.h"

#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <utime.h>

static void opens(void)
{
	static const int flags[] = {
		O_RDONLY, O_WRONLY | O_CREAT | O_TRUNC, O_RDWR | O_CREAT | O_EXCL, O_RDWR | O_APPEND | O_NONBLOCK,
		O_RDONLY | O_DIRECTORY | O_CLOEXEC, O_PATH | O_NOFOLLOW, O_RDWR | O_SYNC, O_RDWR | O_DSYNC,
		O_RDWR | O_DIRECT, O_WRONLY | O_TMPFILE, O_RDONLY | O_NOATIME | O_NOCTTY, O_ACCMODE,
		O_RDONLY | 0x8000, 0x40000000 | O_RDWR, O_RDWR | FASYNC,
	};
	struct open_how how = { O_RDWR | O_CREAT, 0600, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };

	for (unsigned i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		int fd = (int)CALL(openat, AT_FDCWD, i == 9 ? "." : "opened", flags[i], 0640, POISON);

		CALL(close, fd);
		CALL(open, "opened", flags[i], 0604);
	}
	CALL(openat2, AT_FDCWD, "opened", &how, sizeof(how));
	how.flags = O_PATH;
	how.mode = 0;
	how.resolve = 0;
	CALL(openat2, -5, "opened", &how, sizeof(how));
	CALL(openat2, AT_FDCWD, BAD, BAD, 3);
	CALL(creat, "created", 0777);
	CALL(openat, AT_FDCWD, NULL, O_RDONLY);
	for (int fd = 3; fd < 40; fd++)
		close(fd);
}

static void stats(void)
{
	struct statfs fs;
	struct statx statx;
	struct stat st;

	CALL(stat, "/", &st);
	CALL(stat, "/dev/null", &st);
	CALL(lstat, "tree/link", &st);
	CALL(fstat, 0, &st);
	CALL(fstat, -1, &st);
	CALL(stat, "/", BAD);
	CALL(stat, "nowhere", &st);
	CALL(newfstatat, AT_FDCWD, "tree/a/1", &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT);
	CALL(newfstatat, AT_FDCWD, "tree/a/1", &st, 0x8000);
	CALL(newfstatat, 0, "", &st, AT_EMPTY_PATH);
	CALL(statx, AT_FDCWD, "tree/a/1", AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &statx);
	CALL(statx, AT_FDCWD, "/dev/null", AT_STATX_FORCE_SYNC | AT_SYMLINK_NOFOLLOW, STATX_ALL, &statx);
	CALL(statx, AT_FDCWD, "/", 0, STATX_SIZE | STATX_MNT_ID, &statx);
	CALL(statx, AT_FDCWD, "nowhere", 0, 0x8000, &statx);
	CALL(statfs, "/proc", &fs);
	CALL(statfs, "/sys", &fs);
	CALL(statfs, "nowhere", &fs);
	CALL(fstatfs, 0, &fs);
	CALL(access, "tree", R_OK | X_OK);
	CALL(access, "tree", F_OK);
	CALL(access, "tree", 0x40);
	CALL(faccessat, AT_FDCWD, "tree", W_OK, POISON);
	CALL(faccessat2, AT_FDCWD, "tree", W_OK, AT_EACCESS | AT_SYMLINK_NOFOLLOW);
	CALL(faccessat2, AT_FDCWD, "tree", F_OK, AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_SYMLINK_FOLLOW);
}

static void fcntls(void)
{
	int fd = open("locked", O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct flock lock = { F_WRLCK, SEEK_SET, 3, 5, 0 };
	struct f_owner_ex owner = { F_OWNER_PID, 1 };
	uint64_t hint = RWH_WRITE_LIFE_SHORT;
	int memory = (int)CALL(memfd_create, "name", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	CALL(fcntl, fd, F_GETFD, POISON);
	CALL(fcntl, fd, F_SETFD, FD_CLOEXEC);
	CALL(fcntl, fd, F_GETFD);
	CALL(fcntl, fd, F_GETFL, POISON);
	CALL(fcntl, fd, F_SETFL, O_APPEND | O_NONBLOCK);
	CALL(fcntl, fd, F_SETLK, &lock);
	CALL(fcntl, fd, F_GETLK, &lock);
	lock.l_type = F_UNLCK;
	lock.l_whence = SEEK_CUR;
	CALL(fcntl, fd, F_SETLKW, &lock);
	lock.l_pid = 0;
	CALL(fcntl, fd, F_OFD_SETLK, &lock);
	CALL(fcntl, fd, F_OFD_GETLK, &lock);
	CALL(fcntl, fd, F_SETLK, BAD);
	CALL(fcntl, fd, F_DUPFD, 20);
	CALL(fcntl, fd, F_DUPFD_CLOEXEC, 21);
	CALL(fcntl, fd, F_SETOWN, 1);
	CALL(fcntl, fd, F_GETOWN);
	CALL(fcntl, fd, F_SETOWN_EX, &owner);
	CALL(fcntl, fd, F_GETOWN_EX, &owner);
	CALL(fcntl, fd, F_GETSIG);
	CALL(fcntl, fd, F_SETSIG, SIGUSR1);
	CALL(fcntl, fd, F_GETSIG);
	CALL(fcntl, fd, F_SETLEASE, F_RDLCK);
	CALL(fcntl, fd, F_GETLEASE);
	CALL(fcntl, fd, F_NOTIFY, DN_CREATE | DN_DELETE | DN_MULTISHOT);
	CALL(fcntl, fd, F_GET_RW_HINT, &hint);
	CALL(fcntl, fd, F_SET_RW_HINT, &hint);
	CALL(fcntl, memory, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK);
	CALL(fcntl, memory, F_GET_SEALS);
	CALL(fcntl, fd, 77, 5);
	CALL(flock, fd, LOCK_EX | LOCK_NB);
	CALL(flock, fd, LOCK_UN);
	CALL(close, fd);
	CALL(close, memory);
	CALL(close, 20);
	CALL(close, 21);
}

static void vectors(void)
{
	static char long_text[] = "0123456789012345678901234567890123456789";
	char one[4], two[100];
	struct iovec out[] = { { "abc", 3 }, { NULL, 0 }, { long_text, 40 } }, in[] = { { one, 4 }, { two, 100 } };
	struct iovec many[40];
	int fd = open("vectors", O_RDWR | O_CREAT | O_TRUNC, 0600), pair[2];
	loff_t from = 0, to = 5;

	for (int i = 0; i < 40; i++)
		many[i] = (struct iovec){ "x", 1 };
	CALL(writev, fd, out, 3);
	CALL(writev, fd, many, 40);
	CALL(writev, fd, BAD, 3);
	CALL(writev, fd, out, 0);
	CALL(pwritev, fd, out, 1, 100L, 0L);
	CALL(pwritev2, fd, out, 1, 100L, 0L, (long)RWF_DSYNC);
	CALL(lseek, fd, 1, SEEK_SET);
	CALL(readv, fd, in, 2);
	CALL(readv, -1, in, 2);
	CALL(preadv, fd, in, 2, 2L, 0L);
	CALL(preadv2, fd, in, 2, 2L, 0L, 0l);
	CALL(pread64, fd, two, 10, 3L);
	CALL(pread64, fd, BAD, 10, 3L);
	CALL(read, fd, two, 0);
	CALL(pwrite64, fd, "with\0nul\n\377", 10, 3L);
	CALL(write, fd, BAD, 10);
	CALL(lseek, fd, -1L, SEEK_END);
	CALL(lseek, fd, 0L, SEEK_DATA);
	CALL(lseek, fd, 0L, 77);
	CALL(pipe2, pair, O_CLOEXEC | O_NONBLOCK);
	CALL(pipe2, BAD, 0);
	CALL(sendfile, pair[1], fd, &from, 10L);
	CALL(sendfile, pair[1], fd, NULL, 10L);
	CALL(splice, fd, &to, pair[1], NULL, 10L, (long)(SPLICE_F_MOVE | SPLICE_F_NONBLOCK));
	CALL(tee, pair[0], pair[1], 10L, 0);
	CALL(vmsplice, pair[1], out, 1L, SPLICE_F_GIFT);
	CALL(copy_file_range, fd, &from, fd, &to, 3L, 0l);
	CALL(close, pair[0]);
	CALL(close, pair[1]);
	CALL(fallocate, fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 0L, 10L);
	CALL(fadvise64, fd, 0L, 10L, POSIX_FADV_DONTNEED);
	CALL(sync_file_range, fd, 0L, 10L, SYNC_FILE_RANGE_WRITE);
	CALL(ftruncate, fd, 1000L);
	CALL(truncate, "vectors", 500L);
	CALL(fsync, fd);
	CALL(readahead, fd, 0L, 100L);
	CALL(close, fd);
}

static void names(void)
{
	struct timespec times[2] = { { 1000000000, 5 }, { 0, UTIME_OMIT } }, now[2] = { { 0, UTIME_NOW }, { 7, 0 } };
	struct timeval old[2] = { { 1000000000, 5 }, { 3, 4 } };
	struct utimbuf older = { 1000000000, 5 };
	char buffer[1000];
	int fd;

	CALL(mkdir, "names", 0755);
	CALL(mkdirat, AT_FDCWD, "names/sub", 01777);
	CALL(mknod, "names/fifo", S_IFIFO | 0600, POISON);
	CALL(mknod, "names/null", S_IFCHR | 0666, makedev(1, 3));
	CALL(mknodat, AT_FDCWD, "names/plain", S_IFREG | S_ISUID | 0644, 0);
	/* A mode has 16 bits. */
	CALL(mkdir, "names", 0xdeadffff);
	CALL(creat, "names", 0xfeed0000);
	CALL(mknod, "names", 0xdead0000 | S_IFCHR | S_ISVTX, makedev(1, 3));
	CALL(mknod, "names", 0xffff, makedev(1, 3));
	CALL(mknodat, -1, "names", 0x3fff, makedev(1, 3));
	CALL(symlink, "a target that is longer than thirty-two bytes", "names/link");
	CALL(symlinkat, "target", AT_FDCWD, "names/link2");
	CALL(link, "names/plain", "names/hard");
	CALL(linkat, AT_FDCWD, "names/link", AT_FDCWD, "names/hard2", AT_SYMLINK_FOLLOW);
	CALL(readlink, "names/link", buffer, 5);
	CALL(readlinkat, AT_FDCWD, "names/link", buffer, sizeof(buffer));
	CALL(readlink, "names/nolink", buffer, 5);
	CALL(rename, "names/hard", "names/renamed");
	CALL(renameat, AT_FDCWD, "names/renamed", AT_FDCWD, "names/again");
	CALL(renameat2, AT_FDCWD, "names/again", AT_FDCWD, "names/plain", RENAME_EXCHANGE);
	CALL(renameat2, AT_FDCWD, "names/again", AT_FDCWD, "names/plain", RENAME_NOREPLACE);
	CALL(chmod, "names/plain", 0);
	CALL(chmod, "names/plain", 04755);
	CALL(fchmodat, AT_FDCWD, "names/plain", 0600, POISON);
	CALL(chown, "names/plain", -1, 0);
	CALL(fchownat, AT_FDCWD, "names/plain", 0, -1, AT_SYMLINK_NOFOLLOW);
	CALL(umask, 0);
	CALL(umask, 022);
	CALL(utime, "names/plain", &older);
	CALL(utimes, "names/plain", old);
	CALL(utimensat, AT_FDCWD, "names/plain", times, AT_SYMLINK_NOFOLLOW);
	CALL(utimensat, AT_FDCWD, "names/plain", now, 0);
	CALL(utimensat, AT_FDCWD, "names/plain", NULL, 0);
	CALL(futimesat, AT_FDCWD, "names/plain", old);
	CALL(setxattr, "names/plain", "user.name", "value", 5, XATTR_CREATE);
	CALL(getxattr, "names/plain", "user.name", buffer, 100);
	CALL(getxattr, "names/plain", "user.name", NULL, 0);
	CALL(getxattr, "names/plain", "user.none", buffer, 100);
	CALL(listxattr, "names/plain", buffer, 100);
	CALL(listxattr, "names/plain", NULL, 0);
	CALL(removexattr, "names/plain", "user.name");
	fd = (int)CALL(openat, AT_FDCWD, "names", O_RDONLY | O_DIRECTORY);
	CALL(getdents64, fd, buffer, sizeof(buffer));
	CALL(getdents64, fd, buffer, sizeof(buffer));
	CALL(lseek, fd, 0L, SEEK_SET);
	CALL(getdents, fd, buffer, sizeof(buffer));
	CALL(getdents64, -1, buffer, sizeof(buffer));
	CALL(close, fd);
	CALL(unlinkat, AT_FDCWD, "names/sub", AT_REMOVEDIR);
	CALL(unlink, "names/plain");
	CALL(rmdir, "names");
	CALL(chdir, "tree");
	CALL(getcwd, buffer, sizeof(buffer));
	CALL(getcwd, buffer, 1);
	CALL(fchdir, -1);
	CALL(chroot, "nowhere");
	CALL(pivot_root, "nowhere", "there");
}

static void watches(void)
{
	int fd = (int)CALL(inotify_init1, IN_CLOEXEC | IN_NONBLOCK), watch, flags = 0;
	struct fiemap map = { .fm_length = 1000 };

	watch = (int)CALL(inotify_add_watch, fd, ".", IN_CREATE | IN_DELETE | IN_ONLYDIR | IN_MASK_ADD);
	CALL(inotify_rm_watch, fd, watch);
	CALL(close, fd);
	fd = open("/", O_RDONLY);
	CALL(ioctl, fd, FS_IOC_GETFLAGS, &flags);
	CALL(ioctl, fd, FIONREAD, &flags);
	CALL(ioctl, fd, FIOCLEX);
	CALL(ioctl, fd, FIGETBSZ, &flags);
	CALL(ioctl, fd, 0x1234, 5);
	CALL(ioctl, fd, FS_IOC_FIEMAP, &map);
	CALL(close, fd);
	CALL(close_range, 100u, ~0u, CLOSE_RANGE_CLOEXEC);
	CALL(dup2, 0, 9);
	CALL(dup3, 0, 10, O_CLOEXEC);
	CALL(dup, 0);
	CALL(name_to_handle_at, AT_FDCWD, "tree", BAD, BAD, 0);
	CALL(memfd_create, "another", 0x8000);
	CALL(syncfs, 0);
	CALL(swapon, "nowhere", 0);
	CALL(acct, "nowhere");
}

int main(void)
{
	opens();
	stats();
	fcntls();
	vectors();
	names();
	watches();
	return 0;
}
