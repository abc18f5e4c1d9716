/* Programs that start where hardly anything is left: no descriptors, no /proc, no files.
 * Static: nothing but execve itself may need a file.
 */
#include "report.h"
#include <fcntl.h>
#include <linux/close_range.h>

extern char **environ;

static void copy_self_to(const char *path)
{
	int from = open(self_path(), O_RDONLY), to = open(path, O_WRONLY | O_CREAT, 0755);
	char buffer[65536];
	ssize_t n;

	NEED(from >= 0 && to >= 0);
	while ((n = read(from, buffer, sizeof(buffer))) > 0)
		NEED(write(to, buffer, (size_t)n) == n);
	close(from);
	close(to);
}

HELPER(said)
{
	report_arguments();
	report_fds();
	no_children();
}

/* Writes to a file what it found; for those who closed everything. */
HELPER(filed)
{
	char text[64] = "";
	int fd, n = 0;

	for (fd = 0; fd < 1024; fd++)
		if (raw(SYS_fcntl, fd, F_GETFD) >= 0)
			n += snprintf(text + n, sizeof(text) - (size_t)n, "%d ", fd);
	no_children();
	n += snprintf(text + n, sizeof(text) - (size_t)n, "failures %d\n", guest_failures);
	fd = open(guest_argv[1], O_WRONLY | O_CREAT, 0644);
	(void)!write(fd, text, (size_t)n);
	_exit(9);
}

static int closed;

static void exec_closed(void)
{
	char name[16];
	int fd;

	snprintf(name, sizeof(name), "closed-%d", closed);
	for (fd = 0; fd < 3; fd++)
		if (closed & 1 << fd)
			close(fd);
	execl(self_path(), "zero", "filed", name, NULL);
}

CASE(standard_fds_closed)
{
	for (closed = 0; closed < 8; closed++)
		say("%d -> %d", closed, in_child(exec_closed));
}

static void exec_all_closed(void)
{
	self_path();
	raw(SYS_close_range, 0, ~0U, 0);
	execl(self_path(), "zero", "filed", "all-closed", NULL);
}

static void exec_cloexec(void)
{
	raw(SYS_close_range, 0, ~0U, CLOSE_RANGE_CLOEXEC);
	execl(self_path(), "zero", "filed", "all-cloexec", NULL);
}

CASE(all_closed)
{
	say("-> %d", in_child(exec_all_closed));
	say("-> %d", in_child(exec_cloexec));
}

static void exec_nofile(void)
{
	struct rlimit lim = { 3, 3 };

	self_path();
	raw(SYS_close_range, 3, ~0U, 0);
	NEED(setrlimit(RLIMIT_NOFILE, &lim) == 0);
	EXPECT(raw(SYS_dup, 1), -EMFILE);
	execl(self_path(), "zero", "said", NULL);
}

static void exec_nofile_zero(void)
{
	struct rlimit lim = { 0, 0 };

	self_path();
	NEED(setrlimit(RLIMIT_NOFILE, &lim) == 0);
	execl(self_path(), "zero", "said", NULL);
}

CASE(nofile)
{
	say("-> %d", in_child(exec_nofile));
	say("-> %d", in_child(exec_nofile_zero));
}

static void exec_chroot(void)
{
	NEED(chroot("root") == 0);
	NEED(chdir("/") == 0);
	EXPECT(access("/proc", F_OK), -1);
	execl("/program", "zero", "said", "in chroot", NULL);
}

static void exec_chroot_nobody(void)
{
	NEED(chroot("root") == 0);
	NEED(chdir("/") == 0);
	NEED(setresgid(65534, 65534, 65534) == 0);
	NEED(setresuid(65534, 65534, 65534) == 0);
	execl("/program", "zero", "said", "as nobody", NULL);
}

CASE(chrooted)
{
	if (getuid())
		guest_skip("needs root");
	NEED(mkdir("root", 0755) == 0);
	copy_self_to("root/program");
	say("-> %d", in_child(exec_chroot));
	say("-> %d", in_child(exec_chroot_nobody));
	unlink("root/program");
	rmdir("root");
}

/* Little address space and a small stack. */
static void exec_small(void)
{
	struct rlimit as = { 64 << 20, 64 << 20 }, stack = { 128 << 10, 128 << 10 };

	NEED(setrlimit(RLIMIT_STACK, &stack) == 0);
	NEED(setrlimit(RLIMIT_AS, &as) == 0);
	execl(self_path(), "zero", "said", "small", NULL);
}

CASE(small_memory)
{
	say("-> %d", in_child(exec_small));
}
