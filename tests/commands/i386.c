/*
 * What calls of i386 lead to in memory, fetched as the hook of `k23 trace` does, and shown. No call is made: there are
 * machines without them.
 */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../../hooks/fetch.h"
#include "cli/cli.h"
#include "cli/render.h"
#include "i386_numbers.h"
#include "unit/check.h"

void die(int status, const char *format, ...)
{
	fprintf(stderr, "%s\n", format);
	exit(status);
}

/* --- what the hook's code is given */

static long read_own(void *to, unsigned long from, size_t size)
{
	struct iovec here = { to, size }, there = { (void *)from, size };

	return process_vm_readv(getpid(), &here, 1, &there, 1, 0) == (ssize_t)size ? 0 : -EFAULT;
}

static long read_own_string(char *to, size_t size, unsigned long from)
{
	for (size_t i = 0; i < size; i++) {
		if (read_own(to + i, from + i, 1) != 0)
			return -EFAULT;
		if (!to[i])
			return (long)i;
	}
	to[size - 1] = '\0';
	return -ENAMETOOLONG;
}

static long make_call(long nr, unsigned long a1, unsigned long a2, unsigned long a3, unsigned long a4, unsigned long a5,
		      unsigned long a6)
{
	long result = syscall(nr, a1, a2, a3, a4, a5, a6);

	return result == -1 ? -errno : result;
}

static const struct k23_api api = { .syscall = make_call, .copy_from = read_own, .copy_string = read_own_string };

static void no_room(struct record *record)
{
	record->dropped = 1;
}

/* --- memory that such a program can have */

static char *low, *used;

static uint32_t put(const void *data, size_t size)
{
	char *at = used;

	memcpy(at, data, size);
	used += (size + 7) / 8 * 8;
	return (uint32_t)(uintptr_t)at;
}

static uint32_t put_words(unsigned count, ...)
{
	uint32_t words[16];
	va_list args;

	va_start(args, count);
	for (unsigned i = 0; i < count; i++)
		words[i] = va_arg(args, uint32_t);
	va_end(args);
	return put(words, count * sizeof(*words));
}

/* --- fetched, and shown */

static unsigned char room[2][65536];

static struct items fetched(const struct k23_call *call, enum fetch_phase phase, long result)
{
	static const struct k23_ring_request request = { .string_size = 32 };
	unsigned char *at = room[phase == FETCH_EXIT];
	struct record record = { at, at + sizeof(*room), no_room, 0, 0 };
	struct fetch fetch = { .record = &record, .call = call, .request = &request, .phase = phase,
			       .result = (uint64_t)result,
			       .left = phase == FETCH_ENTRY ? UINT64_MAX : (uint64_t)result };

	fetch_call(&fetch);
	CHECK(!record.dropped, "%ld does not fit", call->nr);
	return (struct items){ at, (size_t)(record.at - at) };
}

static void expect(const char *wanted, long nr, long result, unsigned count, ...)
{
	static const struct render_options options = { .string = 32 };
	struct k23_call call = { .nr = nr, .arch = K23_ARCH_I386 };
	struct k23_ring_entry entry = { .type = K23_RING_ENTRY, .arch = K23_ARCH_I386, .nr = nr };
	struct call shown = { .entry = &entry, .result = result };
	struct line text = { 0 };
	va_list args;

	va_start(args, count);
	for (unsigned i = 0; i < count; i++)
		entry.args[i] = call.args[i] = va_arg(args, uint32_t);
	va_end(args);
	shown.in = fetched(&call, FETCH_ENTRY, 0);
	if (result >= 0)
		shown.out = fetched(&call, FETCH_EXIT, result);
	render_arguments(&text, &shown, &options);
	CHECK(strcmp(text.data, wanted) == 0, "%s, not %s", text.data, wanted);
	free(text.data);
	used = low;
}

static uint32_t vector(void)
{
	uint32_t one = put("one", 4), two = put("second\n", 8);

	return put_words(4, one, 3, two, 7);
}

static void check_vectors(void)
{
	const struct sockaddr_un { uint16_t family; char path[6]; } name = { AF_UNIX, "/sock" };

	expect("i386:writev(1, [{iov_base=\"one\", iov_len=3}, {iov_base=\"second\\n\", iov_len=7}], 2", I386_NR_writev,
	       10, 3, 1, vector(), 2);
	/* As many bytes as were read: not all of the second part. */
	expect("i386:readv(0, [{iov_base=\"one\", iov_len=3}, {iov_base=\"se\", iov_len=7}], 2", I386_NR_readv, 5, 3, 0,
	       vector(), 2);
	expect("i386:sendmsg(3, {msg_name={sa_family=AF_UNIX, sun_path=\"/sock\"}, msg_namelen=8, "
	       "msg_iov=[{iov_base=\"one\", iov_len=3}, {iov_base=\"second\\n\", iov_len=7}], msg_iovlen=2, "
	       "msg_controllen=0, msg_flags=0}, 0", I386_NR_sendmsg, 10, 3, 3,
	       put_words(7, put(&name, sizeof(name)), 8, vector(), 2, 0, 0, 0), 0);
	expect("i386:process_vm_writev(1, [{iov_base=\"one\", iov_len=3}, {iov_base=\"second\\n\", iov_len=7}], 2, "
	       "[{iov_base=0x10, iov_len=10}], 1, 0", I386_NR_process_vm_writev, 10, 6, 1, vector(), 2,
	       put_words(2, 0x10, 10), 1, 0);
}

/* Arguments that are in memory themselves. */
static void check_packed(void)
{
	expect("i386:socketcall(SYS_SEND, {fd=3, buf=\"data\", len=4, flags=MSG_NOSIGNAL}", I386_NR_socketcall, 4, 2, 9,
	       put_words(4, 3, put("data", 4), 4, MSG_NOSIGNAL));
	expect("i386:socketcall(SYS_RECV, {fd=3, buf=\"dat\", len=4, flags=MSG_PEEK}", I386_NR_socketcall, 3, 2, 10,
	       put_words(4, 3, put("data", 4), 4, MSG_PEEK));
	expect("i386:socketcall(SYS_SOCKETPAIR, {domain=AF_UNIX, type=SOCK_STREAM, protocol=0, sv=[5, 6]}",
	       I386_NR_socketcall, 0, 2, 8, put_words(4, AF_UNIX, SOCK_STREAM, 0, put_words(2, 5, 6)));
	expect("i386:socketcall(SYS_SHUTDOWN, {fd=3, how=SHUT_WR}", I386_NR_socketcall, 0, 2, 13, put_words(2, 3, 1));
	expect("i386:socketcall(SYS_SETSOCKOPT, {fd=3, level=SOL_SOCKET, optname=2, optval=0x10, optlen=4}",
	       I386_NR_socketcall, -EFAULT, 2, 14, put_words(5, 3, SOL_SOCKET, 2, 0x10, 4));
	expect("i386:socketcall(SYS_ACCEPT, {fd=3, addr=NULL, addrlen=NULL}", I386_NR_socketcall, 4, 2, 5,
	       put_words(3, 3, 0, 0));
	expect("i386:select({nfds=4, readfds=NULL, writefds=NULL, exceptfds=NULL, "
	       "timeout={tv_sec=1, tv_usec=4294967294}}", I386_NR_select, 0, 1,
	       put_words(5, 4, 0, 0, 0, put_words(2, 1, -2)));
	expect("i386:mmap({addr=NULL, len=4096, prot=PROT_READ, flags=MAP_PRIVATE|MAP_ANONYMOUS, fd=-1, offset=0}",
	       I386_NR_mmap, 0x1000, 1, put_words(6, 0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

static void check_pointers(void)
{
	uint32_t first = put("first", 6), second = put("second", 7), path = put("/bin/true", 10);

	expect("i386:execve(\"/bin/true\", [\"first\", \"second\"], NULL", I386_NR_execve, -ENOENT, 3, path,
	       put_words(3, first, second, 0), 0);
}

int main(void)
{
	k23_api = &api;
	low = used = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	if (low == MAP_FAILED)
		return 77;
	check_vectors();
	check_packed();
	check_pointers();
	return FINISH();
}
