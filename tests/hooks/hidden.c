/*
 * A hook with descriptors of its own, freestanding or hosted: a file that it writes a line to for each openat(), and
 * others. An openat() of /given gives the program a descriptor that the hook has opened. For the program: 5000 takes a
 * record lock on the file, 5001 says which process has one, 5002 opens and closes something.
 */
#if __STDC_HOSTED__
#include <sys/socket.h>
#include <unistd.h>
#endif

#include <k23/hook.h>

static const char *path;
static int out, others[2];

#if __STDC_HOSTED__
#define FOR_A_MOMENT 0

/* Nothing is said of hiding: what the C library opens is hidden. */
static long open_own(const char *name, unsigned long flags)
{
	int fd = open(name, (int)flags, 0600);

	return fd < 0 ? -errno : fd;
}

static long control(int fd, int command, void *argument)
{
	return fcntl(fd, command, argument) < 0 ? -errno : 0;
}

static long add(const char *text)
{
	return write(out, text, k23_strlen(text));
}

static void close_own(int fd)
{
	close(fd);
}

static long open_others(void)
{
	return socketpair(AF_UNIX, SOCK_STREAM, 0, others);
}

static long give(long fd)
{
	return fd; /* the runtime shows it */
}
#else
#define FOR_A_MOMENT O_CLOEXEC /* a process that begins before it is hidden must not keep it */

static long hidden(long fd)
{
	return k23_failed(fd) ? fd : k23_hide((int)fd);
}

static long open_own(const char *name, unsigned long flags)
{
	return hidden(k23_syscall(SYS_openat, (unsigned long)AT_FDCWD, (unsigned long)name, flags, 0600, 0, 0));
}

static long control(int fd, int command, void *argument)
{
	return k23_syscall(SYS_fcntl, (unsigned long)fd, (unsigned long)command, (unsigned long)argument, 0, 0, 0);
}

static long add(const char *text)
{
	return k23_syscall(SYS_write, (unsigned long)out, (unsigned long)text, k23_strlen(text), 0, 0, 0);
}

static void close_own(int fd)
{
	k23_syscall(SYS_close, (unsigned long)fd, 0, 0, 0, 0, 0);
}

static long open_others(void)
{
	long r = k23_syscall(SYS_pipe, (unsigned long)others, 0, 0, 0, 0, 0);

	others[0] = (int)hidden(others[0]);
	others[1] = (int)hidden(others[1]);
	return r;
}

static long give(long fd)
{
	return k23_failed(fd) ? fd : k23_show((int)fd);
}
#endif

static long on_openat(struct k23_call *call)
{
	char name[16];

	if (add("x\n") != 2)
		return -EBADFD;
	if (k23_copy_string(name, sizeof(name), call->args[1]) > 0 && k23_strcmp(name, "/given") == 0)
		return give(open_own("/dev/null", call->args[2]));
	return k23_forward(call);
}

static long on_other(struct k23_call *call)
{
	struct flock lock = { .l_type = F_WRLCK };
	long fd, r;

	switch (call->nr) {
	case 5000:
		r = control(out, F_SETLK, &lock);
		fd = open_own(path, O_RDWR); /* closing either would drop the lock */
		return r ? r : fd < 0 ? fd : 0;
	case 5001:
		r = control(out, F_GETLK, &lock);
		return r ? r : lock.l_type == F_UNLCK ? 0 : lock.l_pid;
	case 5002:
		fd = open_own("/dev/null", O_RDONLY | FOR_A_MOMENT);
		if (fd >= 0)
			close_own((int)fd);
		return fd < 0 ? fd : 0;
	default:
		return k23_forward(call);
	}
}

static int init(const struct k23_options *options)
{
	path = k23_option(options, "out");
	out = path ? (int)open_own(path, O_CREAT | O_RDWR | O_APPEND) : -EINVAL;
	return out < 0 ? out : (int)open_others();
}

K23_HOOK(hidden, .init = init, .hides = 1, .all = on_other, .calls = { { SYS_openat, on_openat } });
