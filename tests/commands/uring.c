/*
 * Operations of io_urings, for uring.py: prints what it submits, a line each, as `k23 trace` should show it.
 * usage: uring kinds | layout NAME | many RINGS THREADS COUNT | keep COUNT | unknown WAY | disturbed COUNT | gap |
 *	wrong
 * Exit status 77: there is no io_uring here, or it cannot do that.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define SETUP_SUBMIT_ALL (1u << 7)
#define SETUP_SQE128 (1u << 10)
#define SETUP_CQE32 (1u << 11)
#define SETUP_NO_MMAP (1u << 14)
#define SETUP_REGISTERED_ONLY (1u << 15)
#define SETUP_NO_ARRAY (1u << 16)
#define REGISTER_RING_FDS 20
#define ENTER_REGISTERED (1u << 4)
#define SIZE 64

struct ring {
	int fd;
	unsigned enter_flags;
	struct io_uring_params params;
	char *queue, *entries;
	unsigned submitted; /* entries that are in the queue, or have been */
};

static void fail(const char *what)
{
	perror(what);
	exit(2);
}

static unsigned *word(const struct ring *ring, unsigned offset)
{
	return (unsigned *)(ring->queue + offset);
}

static void map(struct ring *ring)
{
	size_t size = ring->params.sq_off.array + ring->params.sq_entries * sizeof(unsigned), cqe = 16;

	if (ring->params.flags & SETUP_CQE32)
		cqe *= 2;
	if (ring->params.cq_off.cqes + ring->params.cq_entries * cqe > size)
		size = ring->params.cq_off.cqes + ring->params.cq_entries * cqe;
	ring->queue = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_SQ_RING);
	ring->entries = mmap(NULL, ring->params.sq_entries * 2 * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE,
			     MAP_SHARED, ring->fd, IORING_OFF_SQES);
	if (ring->queue == MAP_FAILED)
		fail("mmap of the queue");
	if (ring->entries == MAP_FAILED) /* without SQE128 there are fewer */
		ring->entries = mmap(NULL, ring->params.sq_entries * sizeof(struct io_uring_sqe),
				     PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_SQES);
	if (ring->entries == MAP_FAILED)
		fail("mmap of the entries");
}

/* Memory that the program gives to the io_uring. */
static char *give_memory(void)
{
	char *memory = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (memory == MAP_FAILED)
		fail("mmap");
	return memory;
}

static struct ring set_up(unsigned flags)
{
	struct ring ring = { .params = { .flags = flags, .sq_thread_idle = 1000 } };
	__u64 *user_addr[] = { (__u64 *)(&ring.params.sq_off + 1) - 1, (__u64 *)(&ring.params.cq_off + 1) - 1 };

	if (flags & SETUP_NO_MMAP) {
		*user_addr[0] = (uintptr_t)(ring.entries = give_memory());
		*user_addr[1] = (uintptr_t)(ring.queue = give_memory());
	}
	ring.fd = (int)syscall(SYS_io_uring_setup, SIZE, &ring.params);
	if (ring.fd < 0)
		exit(errno == EINVAL || errno == ENOSYS || errno == EPERM ? 77 : 2);
	if (flags & SETUP_REGISTERED_ONLY)
		ring.enter_flags = ENTER_REGISTERED;
	if (!(flags & SETUP_NO_MMAP))
		map(&ring);
	return ring;
}

static struct io_uring_sqe *entry_at(const struct ring *ring, unsigned number)
{
	return (struct io_uring_sqe *)(ring->entries +
				       (number << !!(ring->params.flags & SETUP_SQE128)) * sizeof(struct io_uring_sqe));
}

/* Puts an entry into the queue: in another order than that of the entries, where that can be. */
static void queue(struct ring *ring, struct io_uring_sqe entry)
{
	unsigned place = ring->submitted++ % SIZE, number = place;

	if (!(ring->params.flags & SETUP_NO_ARRAY)) {
		number = SIZE - 1 - place;
		word(ring, ring->params.sq_off.array)[place] = number;
	}
	*entry_at(ring, number) = entry;
	__atomic_store_n(word(ring, ring->params.sq_off.tail), ring->submitted, __ATOMIC_RELEASE);
}

static long enter(const struct ring *ring, unsigned count, unsigned wait)
{
	return syscall(SYS_io_uring_enter, ring->fd, count, wait, ring->enter_flags | IORING_ENTER_GETEVENTS, NULL, 8l);
}

/* Takes a completion. False: there is none. */
static bool take(const struct ring *ring, uint64_t *user_data, int *result)
{
	unsigned *head = word(ring, ring->params.cq_off.head), at = *head;
	size_t size = ring->params.flags & SETUP_CQE32 ? 32 : 16;
	struct io_uring_cqe *completion = (struct io_uring_cqe *)(ring->queue + ring->params.cq_off.cqes +
								  (at & (ring->params.cq_entries - 1)) * size);

	if (at == __atomic_load_n(word(ring, ring->params.cq_off.tail), __ATOMIC_ACQUIRE))
		return false;
	*user_data = completion->user_data;
	*result = completion->res;
	__atomic_store_n(head, at + 1, __ATOMIC_RELEASE);
	return true;
}

static void print_completion(uint64_t user_data, int result)
{
	if (result < 0)
		printf("cqe {user_data=%#llx, res=-%s}\n", (unsigned long long)user_data, strerrorname_np(-result));
	else
		printf("cqe {user_data=%#llx, res=%d}\n", (unsigned long long)user_data, result);
}

static void print_completions(const struct ring *ring)
{
	uint64_t user_data;
	int result;

	while (take(ring, &user_data, &result))
		print_completion(user_data, result);
}

/* --- an operation of each kind */

static int sockets[2], pipes[2], file_fd, epoll_fd;
static char buffer[64] = "written";
static struct iovec vector[] = { { "one", 3 }, { "three", 5 } }, room[] = { { buffer, 10 }, { buffer, 20 } };
static struct sockaddr_in address;
static struct msghdr message, received;
static struct __kernel_timespec moment = { 0, 1000000 };
static struct epoll_event event = { .events = EPOLLIN, .data.u64 = 5 };
static struct { uint64_t flags, mode, resolve; } how = { O_RDONLY | O_CLOEXEC, 0, 8 };
static struct statx file_status;

#define POINTER(what) (uintptr_t)(what)

static struct {
	struct io_uring_sqe entry;
	const char *text;
} kinds[] = {
	{ { .opcode = IORING_OP_NOP }, "opcode=IORING_OP_NOP" },
	{ { .opcode = IORING_OP_READV, .addr = POINTER(room), .len = 2, .off = 3 },
	  "opcode=IORING_OP_READV, fd=FILE, addr=[{iov_base=BUFFER, iov_len=10}, {iov_base=BUFFER, iov_len=20}], "
	  "len=2, off=3" },
	{ { .opcode = IORING_OP_WRITEV, .flags = IOSQE_ASYNC, .addr = POINTER(vector), .len = 2, .off = -1ull },
	  "opcode=IORING_OP_WRITEV, flags=IOSQE_ASYNC, fd=FILE, addr=[{iov_base=\"one\", iov_len=3}, "
	  "{iov_base=\"three\", iov_len=5}], len=2, off=-1" },
	{ { .opcode = IORING_OP_FSYNC, .fsync_flags = IORING_FSYNC_DATASYNC },
	  "opcode=IORING_OP_FSYNC, fd=FILE, fsync_flags=IORING_FSYNC_DATASYNC" },
	{ { .opcode = IORING_OP_READ_FIXED, .addr = POINTER(buffer), .len = 4, .buf_index = 7 },
	  "opcode=IORING_OP_READ_FIXED, fd=FILE, addr=BUFFER, len=4, off=0, buf_index=7" },
	{ { .opcode = IORING_OP_WRITE_FIXED, .addr = POINTER(buffer), .len = 7, .buf_index = 7 },
	  "opcode=IORING_OP_WRITE_FIXED, fd=FILE, addr=\"written\", len=7, off=0, buf_index=7" },
	{ { .opcode = IORING_OP_POLL_ADD, .poll32_events = POLLIN | POLLHUP },
	  "opcode=IORING_OP_POLL_ADD, fd=FILE, poll32_events=POLLIN|POLLHUP" },
	{ { .opcode = IORING_OP_POLL_REMOVE, .fd = -1, .addr = 0x77 }, "opcode=IORING_OP_POLL_REMOVE, addr=0x77" },
	{ { .opcode = IORING_OP_SYNC_FILE_RANGE, .off = 1, .len = 2, .sync_range_flags = 2 },
	  "opcode=IORING_OP_SYNC_FILE_RANGE, fd=FILE, off=1, len=2, sync_range_flags=SYNC_FILE_RANGE_WRITE" },
	{ { .opcode = IORING_OP_SENDMSG, .addr = POINTER(&message), .len = 1, .msg_flags = MSG_DONTWAIT },
	  "opcode=IORING_OP_SENDMSG, fd=FILE, addr={msg_name={sa_family=AF_INET, sin_port=htons(5), "
	  "sin_addr=inet_addr(\"127.0.0.1\")}, msg_namelen=16, msg_iov=[{iov_base=\"one\", iov_len=3}, "
	  "{iov_base=\"three\", "
	  "iov_len=5}], msg_iovlen=2, msg_controllen=0, msg_flags=0}, msg_flags=MSG_DONTWAIT" },
	{ { .opcode = IORING_OP_RECVMSG, .ioprio = IORING_RECVSEND_POLL_FIRST, .addr = POINTER(&received), .len = 1 },
	  "opcode=IORING_OP_RECVMSG, ioprio=IORING_RECVSEND_POLL_FIRST, fd=FILE, addr={msg_name=NULL, msg_namelen=0, "
	  "msg_iov=[{iov_base=BUFFER, iov_len=10}], msg_iovlen=1, msg_controllen=0, msg_flags=0}, msg_flags=0" },
	{ { .opcode = IORING_OP_TIMEOUT, .fd = -1, .addr = POINTER(&moment), .len = 1, .off = 1,
	    .timeout_flags = IORING_TIMEOUT_BOOTTIME },
	  "opcode=IORING_OP_TIMEOUT, addr={tv_sec=0, tv_nsec=1000000}, off=1, "
	  "timeout_flags=IORING_TIMEOUT_BOOTTIME" },
	{ { .opcode = IORING_OP_TIMEOUT_REMOVE, .fd = -1, .addr = 0x77 },
	  "opcode=IORING_OP_TIMEOUT_REMOVE, addr=0x77, timeout_flags=0" },
	{ { .opcode = IORING_OP_ACCEPT, .accept_flags = SOCK_CLOEXEC },
	  "opcode=IORING_OP_ACCEPT, fd=FILE, addr=NULL, addr2=NULL, accept_flags=SOCK_CLOEXEC" },
	{ { .opcode = IORING_OP_ASYNC_CANCEL, .fd = -1, .addr = 0x77, .cancel_flags = IORING_ASYNC_CANCEL_ALL },
	  "opcode=IORING_OP_ASYNC_CANCEL, addr=0x77, cancel_flags=IORING_ASYNC_CANCEL_ALL" },
	{ { .opcode = IORING_OP_NOP, .flags = IOSQE_IO_LINK }, "opcode=IORING_OP_NOP, flags=IOSQE_IO_LINK" },
	{ { .opcode = IORING_OP_LINK_TIMEOUT, .fd = -1, .addr = POINTER(&moment), .len = 1 },
	  "opcode=IORING_OP_LINK_TIMEOUT, addr={tv_sec=0, tv_nsec=1000000}, timeout_flags=0" },
	{ { .opcode = IORING_OP_CONNECT, .addr = POINTER(&address), .off = sizeof(address) },
	  "opcode=IORING_OP_CONNECT, fd=FILE, addr={sa_family=AF_INET, sin_port=htons(5), "
	  "sin_addr=inet_addr(\"127.0.0.1\")}, addr2=16" },
	{ { .opcode = IORING_OP_FALLOCATE, .len = 1, .off = 2, .addr = 3 },
	  "opcode=IORING_OP_FALLOCATE, fd=FILE, len=FALLOC_FL_KEEP_SIZE, off=2, addr=3" },
	{ { .opcode = IORING_OP_OPENAT, .fd = AT_FDCWD, .addr = POINTER("nowhere/file"),
	    .open_flags = O_WRONLY | O_CREAT | O_CLOEXEC, .len = 0640 },
	  "opcode=IORING_OP_OPENAT, fd=AT_FDCWD, addr=\"nowhere/file\", open_flags=O_WRONLY|O_CREAT|O_CLOEXEC, "
	  "len=0640" },
	{ { .opcode = IORING_OP_CLOSE, .fd = 777 }, "opcode=IORING_OP_CLOSE, fd=777" },
	{ { .opcode = IORING_OP_CLOSE, .fd = 0, .file_index = 3 }, "opcode=IORING_OP_CLOSE, file_index=3" },
	{ { .opcode = IORING_OP_FILES_UPDATE, .fd = -1, .addr = POINTER(sockets), .len = 2, .off = 1 },
	  "opcode=IORING_OP_FILES_UPDATE, addr=[SOCKET0, SOCKET1], len=2, off=1" },
	{ { .opcode = IORING_OP_STATX, .fd = AT_FDCWD, .addr = POINTER("nowhere"), .len = STATX_SIZE,
	    .statx_flags = AT_SYMLINK_NOFOLLOW, .off = POINTER(&file_status) },
	  "opcode=IORING_OP_STATX, fd=AT_FDCWD, addr=\"nowhere\", "
	  "statx_flags=AT_STATX_SYNC_AS_STAT|AT_SYMLINK_NOFOLLOW, "
	  "len=STATX_SIZE, addr2=STATUS" },
	{ { .opcode = IORING_OP_READ, .addr = POINTER(buffer), .len = 5, .off = 6 },
	  "opcode=IORING_OP_READ, fd=FILE, addr=BUFFER, len=5, off=6" },
	{ { .opcode = IORING_OP_READ, .flags = IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT, .fd = 900, .len = 5,
	    .buf_group = 8 },
	  "opcode=IORING_OP_READ, flags=IOSQE_FIXED_FILE|IOSQE_BUFFER_SELECT, fd=900, addr=NULL, len=5, off=0, "
	  "buf_group=8" },
	{ { .opcode = IORING_OP_WRITE, .addr = POINTER(buffer), .len = 7, .off = 6, .rw_flags = 2 },
	  "opcode=IORING_OP_WRITE, fd=FILE, addr=\"written\", len=7, off=6, rw_flags=RWF_DSYNC" },
	{ { .opcode = IORING_OP_FADVISE, .off = 1, .len = 2, .fadvise_advice = 3 },
	  "opcode=IORING_OP_FADVISE, fd=FILE, off=1, len=2, fadvise_advice=POSIX_FADV_WILLNEED" },
	{ { .opcode = IORING_OP_MADVISE, .fd = -1, .addr = 4096, .len = 4096, .fadvise_advice = MADV_DONTNEED },
	  "opcode=IORING_OP_MADVISE, addr=0x1000, len=4096, fadvise_advice=MADV_DONTNEED" },
	{ { .opcode = IORING_OP_SEND, .addr = POINTER("sent"), .len = 4, .msg_flags = MSG_NOSIGNAL },
	  "opcode=IORING_OP_SEND, fd=FILE, addr=\"sent\", len=4, msg_flags=MSG_NOSIGNAL" },
	{ { .opcode = IORING_OP_RECV, .addr = POINTER(buffer), .len = 4, .msg_flags = MSG_PEEK },
	  "opcode=IORING_OP_RECV, fd=FILE, addr=BUFFER, len=4, msg_flags=MSG_PEEK" },
	{ { .opcode = IORING_OP_OPENAT2, .fd = AT_FDCWD, .addr = POINTER("nowhere"), .off = POINTER(&how), .len = 24 },
	  "opcode=IORING_OP_OPENAT2, fd=AT_FDCWD, addr=\"nowhere\", addr2={flags=O_RDONLY|O_CLOEXEC, "
	  "resolve=RESOLVE_BENEATH}, "
	  "len=24" },
	{ { .opcode = IORING_OP_EPOLL_CTL, .len = EPOLL_CTL_ADD, .off = 1, .addr = POINTER(&event) },
	  "opcode=IORING_OP_EPOLL_CTL, fd=FILE, len=EPOLL_CTL_ADD, off=1, addr={events=EPOLLIN, data={u32=5, "
	  "u64=5}}" },
	{ { .opcode = IORING_OP_SPLICE, .splice_fd_in = 777, .splice_off_in = -1ull, .off = 4, .len = 5,
	    .splice_flags = 4 },
	  "opcode=IORING_OP_SPLICE, splice_fd_in=777, splice_off_in=-1, fd=FILE, off=4, len=5, "
	  "splice_flags=SPLICE_F_MORE" },
	{ { .opcode = IORING_OP_TEE, .splice_fd_in = 777, .len = 5 },
	  "opcode=IORING_OP_TEE, splice_fd_in=777, fd=FILE, len=5, splice_flags=0" },
	{ { .opcode = IORING_OP_REMOVE_BUFFERS, .fd = 2, .buf_group = 9 }, "opcode=IORING_OP_REMOVE_BUFFERS, fd=2, "
	  "buf_group=9" },
	{ { .opcode = IORING_OP_SHUTDOWN, .len = SHUT_WR }, "opcode=IORING_OP_SHUTDOWN, fd=FILE, len=SHUT_WR" },
	{ { .opcode = IORING_OP_RENAMEAT, .fd = AT_FDCWD, .addr = POINTER("nowhere"), .len = (unsigned)AT_FDCWD,
	    .off = POINTER("there"), .rename_flags = 1 },
	  "opcode=IORING_OP_RENAMEAT, fd=AT_FDCWD, addr=\"nowhere\", len=AT_FDCWD, addr2=\"there\", "
	  "rename_flags=RENAME_NOREPLACE" },
	{ { .opcode = IORING_OP_UNLINKAT, .fd = AT_FDCWD, .addr = POINTER("nowhere"), .unlink_flags = AT_REMOVEDIR },
	  "opcode=IORING_OP_UNLINKAT, fd=AT_FDCWD, addr=\"nowhere\", unlink_flags=AT_REMOVEDIR" },
	{ { .opcode = IORING_OP_MKDIRAT, .fd = AT_FDCWD, .addr = POINTER("nowhere/there"), .len = 0700 },
	  "opcode=IORING_OP_MKDIRAT, fd=AT_FDCWD, addr=\"nowhere/there\", len=0700" },
	{ { .opcode = IORING_OP_SYMLINKAT, .fd = AT_FDCWD, .addr = POINTER("nowhere"),
	    .off = POINTER("nowhere/there") },
	  "opcode=IORING_OP_SYMLINKAT, addr=\"nowhere\", fd=AT_FDCWD, addr2=\"nowhere/there\"" },
	{ { .opcode = IORING_OP_LINKAT, .fd = AT_FDCWD, .addr = POINTER("nowhere"), .len = (unsigned)AT_FDCWD,
	    .off = POINTER("there"), .hardlink_flags = AT_SYMLINK_FOLLOW },
	  "opcode=IORING_OP_LINKAT, fd=AT_FDCWD, addr=\"nowhere\", len=AT_FDCWD, addr2=\"there\", "
	  "hardlink_flags=AT_SYMLINK_FOLLOW" },
	{ { .opcode = IORING_OP_MSG_RING, .len = 5, .off = 6 },
	  "opcode=IORING_OP_MSG_RING, fd=FILE, addr=IORING_MSG_DATA, len=5, off=0x6, msg_ring_flags=0" },
	{ { .opcode = IORING_OP_FSETXATTR, .addr = POINTER("user.k23"), .off = POINTER("value"), .len = 5 },
	  "opcode=IORING_OP_FSETXATTR, fd=FILE, addr=\"user.k23\", addr2=\"value\", len=5, xattr_flags=0" },
	{ { .opcode = IORING_OP_SETXATTR, .addr3 = POINTER("nowhere"), .addr = POINTER("user.k23"),
	    .off = POINTER("value"),
	    .len = 5, .xattr_flags = 1 },
	  "opcode=IORING_OP_SETXATTR, addr3=\"nowhere\", addr=\"user.k23\", addr2=\"value\", len=5, "
	  "xattr_flags=XATTR_CREATE" },
	{ { .opcode = IORING_OP_FGETXATTR, .addr = POINTER("user.k23"), .off = POINTER(buffer), .len = 5 },
	  "opcode=IORING_OP_FGETXATTR, fd=FILE, addr=\"user.k23\", addr2=BUFFER, len=5" },
	{ { .opcode = IORING_OP_GETXATTR, .addr3 = POINTER("nowhere"), .addr = POINTER("user.k23"),
	    .off = POINTER(buffer),
	    .len = 5 },
	  "opcode=IORING_OP_GETXATTR, addr3=\"nowhere\", addr=\"user.k23\", addr2=BUFFER, len=5" },
	{ { .opcode = IORING_OP_SOCKET, .fd = AF_INET, .off = SOCK_STREAM, .len = IPPROTO_TCP },
	  "opcode=IORING_OP_SOCKET, fd=AF_INET, off=SOCK_STREAM, len=IPPROTO_TCP" },
	{ { .opcode = IORING_OP_URING_CMD, .cmd_op = 5 }, "opcode=IORING_OP_URING_CMD, fd=FILE, cmd_op=0x5, "
	  "uring_cmd_flags=0" },
	{ { .opcode = IORING_OP_SEND_ZC, .addr = POINTER("sent"), .len = 4, .off = POINTER(&address),
	    .addr_len = sizeof(address) },
	  "opcode=IORING_OP_SEND_ZC, fd=FILE, addr=\"sent\", len=4, msg_flags=0, addr2={sa_family=AF_INET, "
	  "sin_port=htons(5), "
	  "sin_addr=inet_addr(\"127.0.0.1\")}, addr_len=16" },
	{ { .opcode = 55 /* FTRUNCATE */, .off = 5 }, "opcode=IORING_OP_FTRUNCATE, fd=FILE, off=5" },
	{ { .opcode = 57 /* LISTEN */, .len = 5 }, "opcode=IORING_OP_LISTEN, fd=FILE, len=5" },
	{ { .opcode = 250, .off = 1, .addr = 2, .len = 3, .rw_flags = 4 },
	  "opcode=0xfa /* IORING_OP_??? */, fd=FILE, off=0x1, addr=0x2, len=0x3, rw_flags=0x4" },
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* Replaces a word by a number. */
static void print_with(const char *text, unsigned long user_data)
{
	const struct {
		const char *word;
		unsigned long number;
		const char *format;
	} words[] = {
		{ "FILE,", (unsigned)file_fd, "%lu," }, { "FILE\0", (unsigned)file_fd, "%lu" },
		{ "BUFFER", POINTER(buffer), "%#lx" },	{ "STATUS", POINTER(&file_status), "%#lx" },
		{ "SOCKET0", (unsigned)sockets[0], "%lu" }, { "SOCKET1", (unsigned)sockets[1], "%lu" },
	};

	fputs("sqe {", stdout);
	while (*text) {
		bool found = false;

		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]) && !found; i++) {
			size_t size = strlen(words[i].word);
			bool begins = text[-1] == '=' || text[-1] == '[' || text[-1] == ' ';

			if (!begins || strncmp(text, words[i].word, size) != 0)
				continue;
			printf(words[i].format, words[i].number);
			text += size;
			found = true;
		}
		if (!found)
			putchar(*text++);
	}
	printf(", user_data=%#lx}\n", user_data);
}

static void submit_kinds(void)
{
	struct ring ring;

	file_fd = open("file", O_RDWR | O_CREAT, 0600);
	epoll_fd = epoll_create1(0);
	address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(5),
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	message = (struct msghdr){ &address, sizeof(address), vector, 2, NULL, 0, 0 };
	received = (struct msghdr){ .msg_iov = room, .msg_iovlen = 1 };
	if (file_fd < 0 || epoll_fd < 0 || pipe(pipes) != 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) != 0)
		fail("descriptors");
	ring = set_up(SETUP_SUBMIT_ALL);
	for (size_t i = 0; i < KINDS; i++) {
		struct io_uring_sqe *entry = &kinds[i].entry;

		if (!entry->fd && entry->opcode != IORING_OP_NOP)
			entry->fd = file_fd;
		if (entry->opcode == IORING_OP_CLOSE && entry->file_index)
			entry->fd = 0;
		entry->user_data = 0x1000 + i;
		print_with(kinds[i].text, entry->user_data);
		queue(&ring, *entry);
	}
	if (enter(&ring, KINDS, 0) != (long)KINDS)
		fail("io_uring_enter");
}

/* --- rings of each layout: three operations, in two calls */

static const struct {
	const char *name;
	unsigned flags;
} layouts[] = {
	{ "plain", 0 },
	{ "submit-all", SETUP_SUBMIT_ALL },
	{ "sqe128", SETUP_SQE128 },
	{ "cqe32", SETUP_CQE32 },
	{ "no-array", SETUP_NO_ARRAY },
	{ "no-mmap", SETUP_NO_MMAP },
	{ "no-descriptor", SETUP_NO_MMAP | SETUP_REGISTERED_ONLY },
	{ "duplicated", 0 },
	{ "registered", 0 },
	{ "inherited", 0 },
	{ "i386", 0 },
};

static void submit_three(struct ring *ring)
{
	for (unsigned i = 1; i <= 3; i++) {
		queue(ring, (struct io_uring_sqe){ .opcode = IORING_OP_NOP, .fd = -1, .user_data = i });
		printf("sqe {opcode=IORING_OP_NOP, user_data=%#x}\n", i);
		if (i == 2)
			continue;
		if (enter(ring, i == 1 ? 1 : 2, i == 1 ? 1 : 2) != (i == 1 ? 1 : 2))
			fail("io_uring_enter");
		print_completions(ring);
	}
}

static long enter_i386(int fd, unsigned count)
{
	long result;

	__asm__ volatile("push %%rbp\n\txor %%ebp, %%ebp\n\tint $0x80\n\tpop %%rbp"
			 : "=a"(result)
			 : "a"(426), "b"(fd), "c"(count), "d"(0), "S"(0), "D"(0)
			 : "memory", "r8", "r9", "r10", "r11");
	return result;
}

static void register_ring(struct ring *ring)
{
	struct io_uring_rsrc_update update = { .offset = 3, .data = (unsigned)ring->fd };

	if (syscall(SYS_io_uring_register, ring->fd, REGISTER_RING_FDS, &update, 1) != 1)
		exit(77);
	close(ring->fd);
	ring->fd = (int)update.offset;
	ring->enter_flags = ENTER_REGISTERED;
}

static void in_child(struct ring *ring)
{
	int status;

	fflush(stdout);
	if (fork() == 0)
		return submit_three(ring);
	wait(&status);
	_exit(WEXITSTATUS(status));
}

static void submit_by_layout(const char *name)
{
	struct ring ring;
	size_t i = 0;

	while (i < sizeof(layouts) / sizeof(layouts[0]) && strcmp(layouts[i].name, name) != 0)
		i++;
	if (i == sizeof(layouts) / sizeof(layouts[0]))
		exit(2);
	ring = set_up(layouts[i].flags);
	if (strcmp(name, "duplicated") == 0) {
		ring.fd = fcntl(ring.fd, F_DUPFD, 20);
		close(3);
	}
	if (strcmp(name, "registered") == 0)
		register_ring(&ring);
	if (strcmp(name, "inherited") == 0)
		return in_child(&ring);
	if (strcmp(name, "i386") != 0)
		return submit_three(&ring);
	for (unsigned j = 1; j <= 3; j++) {
		queue(&ring, (struct io_uring_sqe){ .opcode = IORING_OP_NOP, .user_data = j });
		printf("sqe {opcode=IORING_OP_NOP, user_data=%#x}\n", j);
	}
	if (enter_i386(ring.fd, 3) != 3)
		exit(77);
	print_completions(&ring);
}

/* --- many */

struct shared_ring {
	struct ring ring;
	pthread_mutex_t lock;
};

struct worker {
	pthread_t thread;
	struct shared_ring *shared;
	unsigned number, count;
};

/* Threads of one ring fill it one after the other, and submit at once. */
static void *work(void *arg)
{
	struct worker *worker = arg;
	struct ring *ring = &worker->shared->ring;
	uint64_t user_data;
	int result;

	for (unsigned i = 0, part; i < worker->count; i += part) {
		long submitted, left;

		part = 1 + (i + worker->number) % 4;
		part = part < worker->count - i ? part : worker->count - i;
		pthread_mutex_lock(&worker->shared->lock);
		for (unsigned j = 0; j < part; j++)
			queue(ring, (struct io_uring_sqe){ .opcode = IORING_OP_NOP,
							   .user_data = (uint64_t)worker->number << 32 | (i + j) });
		pthread_mutex_unlock(&worker->shared->lock);
		for (left = part; left; left -= submitted)
			if ((submitted = enter(ring, (unsigned)left, 0)) < 0)
				fail("io_uring_enter");
		pthread_mutex_lock(&worker->shared->lock);
		while (take(ring, &user_data, &result))
			;
		pthread_mutex_unlock(&worker->shared->lock);
	}
	return NULL;
}

/* At most 16 threads, so that never more entries are in a ring than it has. */
static void submit_many(unsigned rings, unsigned threads, unsigned count)
{
	static struct shared_ring shared[16];
	static struct worker workers[16];

	for (unsigned i = 0; i < rings; i++)
		shared[i] = (struct shared_ring){ set_up(0), PTHREAD_MUTEX_INITIALIZER };
	for (unsigned i = 0; i < threads; i++) {
		workers[i] = (struct worker){ 0, &shared[i % rings], i + 1, count };
		pthread_create(&workers[i].thread, NULL, work, &workers[i]);
	}
	for (unsigned i = 0; i < threads; i++)
		pthread_join(workers[i].thread, NULL);
}

static void submit_one(struct ring *ring, unsigned number)
{
	queue(ring, (struct io_uring_sqe){ .opcode = IORING_OP_NOP, .user_data = number });
	printf("sqe {opcode=IORING_OP_NOP, user_data=%#x}\n", number);
	if (enter(ring, 1, 0) != 1)
		fail("io_uring_enter");
	print_completions(ring);
}

/* Some io_urings are kept, one of them without its descriptor, while others come and go. */
static void keep(unsigned count)
{
	struct ring kept = set_up(0), registered, ring;

	registered = set_up(0);
	register_ring(&registered);
	for (unsigned i = 1; i <= count; i++) {
		ring = set_up(0);
		submit_one(&ring, i);
		munmap(ring.queue, 4096);
		munmap(ring.entries, 4096);
		close(ring.fd);
	}
	submit_one(&kept, count + 1);
	submit_one(&registered, count + 2);
}

/* --- what cannot be known */

/* From a child that has set it up, and has the same descriptors. */
static struct ring get_from_child(void)
{
	struct ring *shared = (struct ring *)give_memory(), ring;
	pid_t child = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL);
	int status;

	if (child == 0) {
		*shared = set_up(0);
		_exit(0);
	}
	waitpid(child, &status, 0);
	if (status)
		exit(WEXITSTATUS(status));
	ring = *shared;
	map(&ring);
	return ring;
}

static void submit_unknown(const char *way, char *program)
{
	struct ring ring;
	char params[256];

	if (strcmp(way, "received") == 0) {
		ring = get_from_child();
	} else if (strncmp(way, "after-exec=", 11) == 0) { /* the descriptor, and what io_uring_setup has said */
		memset(&ring, 0, sizeof(ring));
		sscanf(way, "after-exec=%d,%u,%u,%u,%u,%u,%u,%u", &ring.fd, &ring.params.sq_entries,
		       &ring.params.cq_entries, &ring.params.sq_off.array, &ring.params.sq_off.tail,
		       &ring.params.cq_off.cqes, &ring.params.cq_off.head, &ring.params.cq_off.tail);
		map(&ring);
	} else {
		ring = set_up(0);
	}
	if (strcmp(way, "executed") == 0) {
		fcntl(ring.fd, F_SETFD, 0);
		snprintf(params, sizeof(params), "after-exec=%d,%u,%u,%u,%u,%u,%u,%u", ring.fd, ring.params.sq_entries,
			 ring.params.cq_entries, ring.params.sq_off.array, ring.params.sq_off.tail,
			 ring.params.cq_off.cqes, ring.params.cq_off.head, ring.params.cq_off.tail);
		execl(program, program, "unknown", params, NULL);
		fail("exec");
	}
	if (strcmp(way, "unmapped") == 0) {
		for (int i = 0; i < 3; i++)
			queue(&ring, (struct io_uring_sqe){ .opcode = IORING_OP_NOP });
		munmap(ring.entries, SIZE * sizeof(struct io_uring_sqe));
		if (enter(&ring, 3, 0) != 3)
			fail("io_uring_enter");
		return;
	}
	if (strcmp(way, "replaced") == 0) { /* by a ring that another process has made, in the same place */
		struct ring other = get_from_child();

		dup2(other.fd, ring.fd);
		other.fd = ring.fd;
		queue(&ring, (struct io_uring_sqe){ .opcode = IORING_OP_NOP, .user_data = 99 });
		queue(&ring, (struct io_uring_sqe){ .opcode = IORING_OP_NOP, .user_data = 99 });
		ring = other;
	}
	submit_three(&ring);
}

/* Two processes submit at the same time. */
static void disturb(unsigned count)
{
	struct ring ring = set_up(0);
	struct ring *shared = (struct ring *)give_memory();
	pid_t child;

	*shared = ring;
	child = fork();
	for (unsigned i = 0; i < count; i++) {
		unsigned at = __atomic_fetch_add(&shared->submitted, 1, __ATOMIC_SEQ_CST), place = at % SIZE;
		uint64_t user_data;
		int result;

		/* Each has a place of its own, and waits until those before are there. */
		*entry_at(&ring, place) = (struct io_uring_sqe){ .opcode = IORING_OP_NOP, .user_data = 1 + at };
		word(&ring, ring.params.sq_off.array)[place] = place;
		while (__atomic_load_n(word(&ring, ring.params.sq_off.tail), __ATOMIC_ACQUIRE) != at)
			sched_yield();
		__atomic_store_n(word(&ring, ring.params.sq_off.tail), at + 1, __ATOMIC_RELEASE);
		if (enter(&ring, 1, 0) < 0)
			fail("io_uring_enter");
		while (child && take(&ring, &user_data, &result))
			;
	}
	if (!child)
		_exit(0);
	waitpid(child, NULL, 0);
	while (enter(&ring, 1, 0) > 0)
		;
}

/* --- what the kernel does not take */

static void submit_with_gap(void)
{
	struct ring ring = set_up(0);

	for (unsigned i = 1; i <= 4; i++) {
		queue(&ring, (struct io_uring_sqe){ .opcode = IORING_OP_NOP, .user_data = i });
		if (i != 3)
			printf("sqe {opcode=IORING_OP_NOP, user_data=%#x}\n", i);
	}
	word(&ring, ring.params.sq_off.array)[2] = 5000; /* there is no such entry */
	if (enter(&ring, 4, 0) != 2)
		exit(77);
	if (enter(&ring, 4, 0) != 1)
		fail("the one behind it");
}

static void submit_wrong(void)
{
	struct ring ring = set_up(0);

	for (unsigned i = 1; i <= 3; i++)
		queue(&ring, (struct io_uring_sqe){ .opcode = i == 2 ? 255 : IORING_OP_NOP, .user_data = i });
	puts("sqe {opcode=IORING_OP_NOP, user_data=0x1}");
	puts("sqe {opcode=0xff /* IORING_OP_??? */, fd=0, off=0, addr=0, len=0, rw_flags=0, user_data=0x2}");
	if (enter(&ring, 3, 0) != 2) /* it stops there */
		exit(77);
	puts("sqe {opcode=IORING_OP_NOP, user_data=0x3}");
	if (enter(&ring, 3, 0) != 1)
		fail("the one behind it");
	ring.fd = 1000;
	if (enter(&ring, 3, 0) != -1)
		fail("a descriptor that is not there");
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "kinds") == 0)
		submit_kinds();
	else if (strcmp(what, "layout") == 0 && argc > 2)
		submit_by_layout(argv[2]);
	else if (strcmp(what, "many") == 0 && argc > 4)
		submit_many((unsigned)atoi(argv[2]), (unsigned)atoi(argv[3]), (unsigned)atoi(argv[4]));
	else if (strcmp(what, "keep") == 0 && argc > 2)
		keep((unsigned)atoi(argv[2]));
	else if (strcmp(what, "unknown") == 0 && argc > 2)
		submit_unknown(argv[2], argv[0]);
	else if (strcmp(what, "disturbed") == 0 && argc > 2)
		disturb((unsigned)atoi(argv[2]));
	else if (strcmp(what, "gap") == 0)
		submit_with_gap();
	else if (strcmp(what, "wrong") == 0)
		submit_wrong();
	else
		return 2;
	return 0;
}
