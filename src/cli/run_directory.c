#include "cli/run_directory.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* A mount that is in no process's tree of mounts: there, ".." of its root is the root. */
static int mount_detached(void)
{
	int context = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC), mount = -1;

	if (context >= 0 && syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "mode", "0755", 0) == 0 &&
	    syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		mount = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, 0);
	if (context >= 0)
		close(context);
	return mount;
}

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return written;
}

/* Where only the user's own ids are known, under their own numbers. */
static bool enter_user_namespace(void)
{
	uid_t user = geteuid();
	gid_t group = getegid();
	char users[40], groups[40];

	snprintf(users, sizeof(users), "%u %u 1", user, user);
	snprintf(groups, sizeof(groups), "%u %u 1", group, group);
	return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && write_file("/proc/self/setgroups", "deny") &&
	       write_file("/proc/self/uid_map", users) && write_file("/proc/self/gid_map", groups);
}

/* By a child in a namespace of users, with this process's table of descriptors: this process itself could not take
 * descriptors from the program any more if it were in there. */
static int mount_in_namespace(void)
{
	int result[2], mount = -1;
	pid_t child;

	if (pipe2(result, O_CLOEXEC) != 0)
		return -1;
	child = (pid_t)syscall(SYS_clone, CLONE_FILES, NULL, NULL, NULL, 0);
	if (child == 0) {
		mount = enter_user_namespace() ? mount_detached() : -1;
		_exit(write(result[1], &mount, sizeof(mount)) != sizeof(mount));
	}
	if (child > 0) {
		waitpid(child, NULL, __WALL);
		fcntl(result[0], F_SETFL, O_NONBLOCK); /* the child may have been killed */
		if (read(result[0], &mount, sizeof(mount)) != sizeof(mount))
			mount = -1;
	}
	close(result[0]);
	close(result[1]);
	return mount;
}

bool run_directory_enter(const char **problem)
{
	int mount;

	*problem = "/proc is not mounted, through which hooks reach the file system";
	if (access("/proc/self/cwd", F_OK) != 0)
		return false;
	*problem = "this user may not mount a file system in memory (fsmount), not in a user namespace either";
	mount = mount_detached();
	if (mount < 0)
		mount = mount_in_namespace();
	if (mount < 0 || fchdir(mount) != 0)
		return false;
	prctl(PR_SET_DUMPABLE, 1); /* what the kernel wants of a process whose /proc/PID/cwd others of this user use */
	return true;
}
