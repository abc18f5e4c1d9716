/*
 * Writes to where nobody reads, and behind the largest size that a file may have, in each getppid() of the program, and
 * gives the program an error if one of these calls does not fail as it should.
 */
#include <k23/hook.h>
#include <sys/socket.h>
#include <sys/uio.h>

#if __STDC_HOSTED__
#include <pthread.h>
#include <unistd.h>
#define CALL(nr, a1, a2, a3, a4, a5, a6) (syscall(nr, a1, a2, a3, a4, a5, a6) < 0 ? -(long)errno : 0)
#else
#define CALL(nr, a1, a2, a3, a4, a5, a6) k23_syscall(nr, (unsigned long)(a1), (unsigned long)(a2), a3, a4, a5, a6)
#endif

static char text[] = "x";
static long closed[2], file; /* the ends of a pipe and of a socket whose others are closed */

static long make(void)
{
	struct iovec vector = { text, 1 };
	long wrong = 0;

	for (unsigned i = 0; i < 2; i++) {
		wrong |= CALL(SYS_write, closed[i], text, 1, 0, 0, 0) != -EPIPE;
		wrong |= CALL(SYS_writev, closed[i], &vector, 1, 0, 0, 0) != -EPIPE;
		wrong |= k23_syscall(SYS_write, (unsigned long)closed[i], (unsigned long)text, 1, 0, 0, 0) != -EPIPE;
		wrong |= k23_wait(SYS_write, (unsigned long)closed[i], (unsigned long)text, 1, 0, 0, 0) != -EPIPE;
	}
	wrong |= CALL(SYS_sendto, closed[1], text, 1, 0, 0, 0) != -EPIPE;
	wrong |= CALL(SYS_pwrite64, file, text, 1, 1l << 40, 0, 0) != -EFBIG;
	wrong |= CALL(SYS_ftruncate, file, 1l << 40, 0, 0, 0, 0) != -EFBIG;
	k23_print("nobody reads it\n");
	return wrong;
}

#if __STDC_HOSTED__
static void *make_there(void *result)
{
	*(long *)result = make();
	return NULL;
}

static long make_in_thread(void)
{
	pthread_t thread;
	long result;

	return pthread_create(&thread, NULL, make_there, &result) != 0 || pthread_join(thread, NULL) != 0 || result;
}
#else
static long make_in_thread(void)
{
	return 0;
}
#endif

static long on_getppid(struct k23_call *call)
{
	return make() || make_in_thread() ? -EIO : k23_forward(call);
}

static int init(const struct k23_options *options)
{
	int pipe[2], pair[2];

	(void)options;
	k23_syscall(SYS_pipe2, (unsigned long)pipe, O_CLOEXEC, 0, 0, 0, 0);
	k23_syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, (unsigned long)pair, 0, 0);
	k23_syscall(SYS_close, (unsigned)pipe[0], 0, 0, 0, 0, 0);
	k23_syscall(SYS_close, (unsigned)pair[0], 0, 0, 0, 0, 0);
	closed[0] = pipe[1];
	closed[1] = pair[1];
	file = k23_syscall(SYS_memfd_create, (unsigned long)"file", 0, 0, 0, 0, 0);
	k23_print("nobody reads it\n");
	return k23_wait(SYS_write, (unsigned long)closed[0], (unsigned long)text, 1, 0, 0, 0) == -EPIPE ? 0 : -EIO;
}

K23_HOOK(raised, .init = init, .calls = { { SYS_getppid, on_getppid } });
