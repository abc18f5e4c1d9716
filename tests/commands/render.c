/*
 * Recorded calls as text: what commands.py cannot have a program do, and records that no hook writes.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/render.h"
#include "unit/check.h"

#include <k23/types.h>

void die(int status, const char *format, ...)
{
	fprintf(stderr, "%s\n", format);
	exit(status);
}

#define X64 K23_ARCH_X86_64
#define I386 K23_ARCH_I386

/* Bytes of items. */
static unsigned char bytes[4096];
static size_t used;

static void item_of(enum k23_ring_item_kind kind, uint64_t address, unsigned flags, const void *data, size_t size)
{
	struct k23_ring_item head = { address, (uint16_t)size, (uint8_t)flags, (uint8_t)kind };

	memcpy(bytes + used, &head, sizeof(head));
	memcpy(bytes + used + sizeof(head), data, size);
	used += sizeof(head) + size;
}

/* Memory at an address, as the hook records it before a call and after it. */
static void item(uint64_t address, unsigned flags, const void *data, size_t size)
{
	item_of(K23_RING_MEMORY, address, flags, data, size);
}

static struct k23_ring_entry entry_of(uint32_t arch, long nr, int count, va_list args)
{
	struct k23_ring_entry entry = { .type = K23_RING_ENTRY, .arch = arch, .nr = nr };

	for (int i = 0; i < count; i++)
		entry.args[i] = va_arg(args, unsigned long);
	return entry;
}

static struct render_options options = { .string = 32 };

static void render_call(struct line *line, const struct call *call)
{
	struct call before = *call; /* as it is while it has not returned */
	struct line begin = { 0 };

	before.outcome = OUTCOME_NONE;
	before.out.size = 0;
	render_begin(&begin, &before, &options);
	render_arguments(line, call, &options);
	CHECK(strncmp(line->data, begin.data, begin.size) == 0, "%s does not begin with %s", line->data, begin.data);
	free(begin.data);
	line_add(line, ")");
	while (line->size < 39)
		line_add(line, " ");
	line_add(line, " = ");
	render_result(line, call, &options);
}

/* Renders a call with the items that were just made, and compares. */
static void expect(const char *wanted, uint32_t arch, long nr, long result, int count, ...)
{
	struct k23_ring_entry entry;
	struct call call = { .entry = &entry, .in = { bytes, used }, .out = { bytes, used }, .result = result };
	struct line text = { 0 };
	va_list args;

	va_start(args, count);
	entry = entry_of(arch, nr, count, args);
	va_end(args);
	render_call(&text, &call);
	CHECK(strcmp(text.data, wanted) == 0, "%s, not %s", text.data, wanted);
	free(text.data);
	used = 0;
}

static void check_strings(void)
{
	static const uint64_t argv[] = { 0x3000, 0x4000, 0x5000, 0x5000, 0 };
	static const uint64_t none = 0;
	static const uint32_t count = 1;

	item(0x1000, 0, "a\0b\377\0011\t\r\v\f", 10);
	expect("read(3, \"a\\0b\\377\\0011\\t\\r\\v\\f\", 100)   = 10", X64, SYS_read, 10, 3, 3ul, 0x1000ul,
	       100ul);
	item(0x1000, K23_RING_MORE, "/one", 4);
	item(0x1004, K23_RING_MORE, "/two", 4);
	item(0x1008, 0, "/three", 6);
	expect("chdir(\"/one/two/three\")                 = 0", X64, SYS_chdir, 0, 1, 0x1000ul);
	/* The beginning of a string of which the rest cannot be read is not shown. */
	item(0x1000, K23_RING_MORE, "/one", 4);
	item(0x1004, K23_RING_FAULT, "", 0);
	expect("chdir(0x1000)                           = -1 EFAULT (Bad address)", X64, SYS_chdir,
	       -EFAULT, 1, 0x1000ul);
	/* Of a damaged record: nothing, which goes on with itself. */
	item(0x1000, K23_RING_MORE, "", 0);
	expect("chdir(0x1000)                           = 0", X64, SYS_chdir, 0, 1, 0x1000ul);
	item(0x1000, 0, "/x", 2);
	item(0x2000, 0, argv, sizeof(argv));
	item(0x3000, 0, "a", 1);
	item(0x4000, K23_RING_FAULT, "", 0);
	item(0x5000, K23_RING_CUT, "bcd", 3);
	item(0x6000, K23_RING_COUNT, &count, sizeof(count));
	expect("execve(\"/x\", [\"a\", 0x4000, \"bcd\"..., \"bcd\"...], 0x6000 /* 1 var */) = 0", X64, SYS_execve,
	       0, 3, 0x1000ul, 0x2000ul, 0x6000ul);
	item(0x1000, 0, "/x", 2);
	item(0x2000, 0, &none, sizeof(none));
	expect("execve(\"/x\", [], NULL)                  = 0", X64, SYS_execve, 0, 3, 0x1000ul, 0x2000ul, 0ul);
	expect("execve(NULL, NULL, NULL)                = 0", X64, SYS_execve, 0, 3, 0ul, 0ul, 0ul);
}

/* What is in pieces, what is behind pointers, and what cannot be read. */
static void check_structures(void)
{
	static const struct iovec vectors[] = { { (void *)0x2000, 3 }, { (void *)0x3000, 5 }, { (void *)0x9000, 2 } };
	static const struct timespec time = { 5, 7 };

	item(0x1000, 0, vectors, 20);
	item(0x1014, 0, (const char *)vectors + 20, sizeof(vectors) - 20);
	item(0x2000, 0, "abc", 3);
	item(0x3000, 0, "de\n", 3);
	expect("writev(1, [{iov_base=\"abc\", iov_len=3}, {iov_base=0x3000, iov_len=5}, {iov_base=0x9000, "
	       "iov_len=2}], 3) = 6", X64, SYS_writev, 6, 3, 1ul, 0x1000ul, 3ul);
	/* What is shown of a vector is other when the call has failed; before it has returned, nothing is. */
	item(0x1000, 0, vectors, sizeof(*vectors));
	item(0x2000, 0, "abc", 3);
	expect("readv(1, [{iov_base=\"abc\", iov_len=3}], 1) = 3", X64, SYS_readv, 3, 3, 1ul, 0x1000ul, 1ul);
	item(0x1000, 0, vectors, sizeof(*vectors));
	expect("readv(1, [{iov_base=0x2000, iov_len=3}], 1) = -1 EBADF (Bad file descriptor)", X64, SYS_readv,
	       -EBADF, 3, 1ul, 0x1000ul, 1ul);
	item(0x1000, 0, &time, sizeof(time));
	expect("nanosleep({tv_sec=5, tv_nsec=7}, 0x1000) = 0", X64, SYS_nanosleep, 0, 2, 0x1000ul, 0x1000ul);
	item(0x1000, 0, &time, sizeof(time));
	expect("nanosleep({tv_sec=5, tv_nsec=7}, {tv_sec=5, tv_nsec=7}) = ? ERESTART_RESTARTBLOCK (Interrupted by "
	       "signal)", X64, SYS_nanosleep, -EINTR, 2, 0x1000ul, 0x1000ul);
	item(0x1000, 0, &time, sizeof(time) - 1);
	expect("nanosleep(0x1000, NULL)                 = 0", X64, SYS_nanosleep, 0, 2, 0x1000ul, 0ul);
}

/* What calls of i386 have in memory: words and pointers of four bytes, and structures as 32-bit code lays them out. */
static void check_i386_files(void)
{
	static const uint32_t vectors[] = { 0x2000, 3, 0x3000, 5 }, message[] = { 0, 0, 0x1000, 1, 0, 0, 0 };
	static const struct { uint16_t type, whence; uint32_t words[3]; } lock = { F_WRLCK, SEEK_SET, { 5, 6, 7 } };
	static const struct { uint16_t type, whence; uint32_t words[5]; } lock64 = {
		F_RDLCK, SEEK_END, { 5, 1, 6, 0, 7 } };
	static const uint32_t position[] = { 1, 1 };
	unsigned char status[96] = { [8] = 0xa4, [9] = 0x81, [20] = 5 }, status64[96] = {
		[16] = 0xa4, [17] = 0x81, [44] = 5 };

	item(0x1000, 0, vectors, sizeof(vectors));
	item(0x2000, 0, "abc", 3);
	expect("i386:writev(1, [{iov_base=\"abc\", iov_len=3}, {iov_base=0x3000, iov_len=5}], 2) = 3", I386, 146, 3,
	       3, 1ul, 0x1000ul, 2ul);
	item(0x1000, 0, vectors, 8);
	item(0x2000, 0, "abc", 3);
	item(0x4000, 0, message, sizeof(message));
	expect("i386:sendmsg(1, {msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base=\"abc\", iov_len=3}], "
	       "msg_iovlen=1, msg_controllen=0, msg_flags=0}, 0) = 3", I386, 370, 3, 3, 1ul, 0x4000ul, 0ul);
	item(0x1000, 0, &lock, sizeof(lock));
	expect("i386:fcntl(3, F_SETLK, {l_type=F_WRLCK, l_whence=SEEK_SET, l_start=5, l_len=6}) = 0", I386, 55, 0, 3,
	       3ul, 6ul, 0x1000ul);
	item(0x1000, 0, &lock64, sizeof(lock64));
	expect("i386:fcntl64(3, F_GETLK64, {l_type=F_RDLCK, l_whence=SEEK_END, l_start=4294967301, l_len=6, "
	       "l_pid=7}) = 0", I386, 221, 0, 3, 3ul, 12ul, 0x1000ul);
	item(0x1000, 0, position, sizeof(position));
	expect("i386:_llseek(3, 1, 1, [4294967297], SEEK_SET) = 0", I386, 140, 0, 5, 3ul, 1ul, 1ul, 0x1000ul, 0ul);
	item(0x1000, 0, status64, sizeof(status64));
	expect("i386:fstat64(3, {st_mode=S_IFREG|0644, st_size=5, ...}) = 0", I386, 197, 0, 2, 3ul, 0x1000ul);
	item(0x1000, 0, status, 64);
	expect("i386:fstat(3, {st_mode=S_IFREG|0644, st_size=5, ...}) = 0", I386, 108, 0, 2, 3ul, 0x1000ul);
	/* Nobody here knows the layout of these. */
	item(0x1000, 0, status, sizeof(status));
	expect("i386:getdents(3, 0x1000, 96)            = 96", I386, 141, 96, 3, 3ul, 0x1000ul, 96ul);
}

static void check_i386_processes(void)
{
	static const uint32_t time[] = { 5, (uint32_t)-7 }, longer[] = { 5, 1, 7, 0 }, limit[] = { 1024, ~0u };
	static const uint32_t action[] = { 0x8048000, 0x04000004, 0x8049000, 1 << 9, 0 };
	static const uint32_t old_action[] = { 1, 1 << 1, 0x10000000, 0 };
	static const uint32_t info[32] = { SIGCHLD, 0, CLD_EXITED, 77, 1000, 3, 1, 2 };
	static const uint32_t mapping[] = { 0, 4096, 3, 0x22, ~0u, 0 }, files[] = { AF_INET, SOCK_STREAM, 0 };
	static const uint16_t groups[] = { 1, 2 };

	item(0x1000, 0, time, sizeof(time));
	expect("i386:nanosleep({tv_sec=5, tv_nsec=4294967289}, NULL) = 0", I386, 162, 0, 2, 0x1000ul, 0ul);
	item(0x1000, 0, longer, sizeof(longer));
	expect("i386:clock_settime64(CLOCK_REALTIME, {tv_sec=4294967301, tv_nsec=7}) = 0", I386, 404, 0, 2, 0ul,
	       0x1000ul);
	item(0x1000, 0, limit, sizeof(limit));
	expect("i386:setrlimit(RLIMIT_NOFILE, {rlim_cur=1024, rlim_max=RLIM_INFINITY}) = 0", I386, 75, 0, 2, 7ul,
	       0x1000ul);
	item(0x1000, 0, action, sizeof(action));
	expect("i386:rt_sigaction(SIGHUP, {sa_handler=0x8048000, sa_mask=[USR1], sa_flags=SA_RESTORER|SA_SIGINFO, "
	       "sa_restorer=0x8049000}, NULL, 8) = 0", I386, 174, 0, 4, 1ul, 0x1000ul, 0ul, 8ul);
	item(0x1000, 0, old_action, sizeof(old_action));
	expect("i386:sigaction(SIGHUP, {sa_handler=SIG_IGN, sa_mask=[INT], sa_flags=SA_RESTART}, NULL) = 0", I386, 67,
	       0, 3, 1ul, 0x1000ul, 0ul);
	item(0x1000, 0, info, sizeof(info));
	expect("i386:waitid(P_ALL, 0, {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=77, si_uid=1000, si_status=3, "
	       "si_utime=1, si_stime=2}, WEXITED, NULL) = 0", I386, 284, 0, 5, 0ul, 0ul,
	       0x1000ul, 4ul, 0ul);
	item(0x1000, 0, groups, sizeof(groups));
	expect("i386:getgroups(2, [1, 2])               = 2", I386, 80, 2, 2, 2ul, 0x1000ul);
	item(0x1000, 0, mapping, sizeof(mapping));
	expect("i386:mmap({addr=NULL, len=4096, prot=PROT_READ|PROT_WRITE, flags=MAP_PRIVATE|MAP_ANONYMOUS, fd=-1, "
	       "offset=0}) = 0xf7000000", I386, 90, 0xf7000000, 1, 0x1000ul);
	item(0x1000, 0, files, sizeof(files));
	expect("i386:socketcall(SYS_SOCKET, {domain=AF_INET, type=SOCK_STREAM, protocol=0}) = 3", I386, 102, 3, 2, 1ul,
	       0x1000ul);
}

/* A control message that is longer than there is memory. */
static void check_control_messages(void)
{
	static const struct {
		size_t length;
		int level, type, fds[2];
	} control = { SIZE_MAX, SOL_SOCKET, SCM_RIGHTS, { 3, 4 } };
	static const struct msghdr message = { .msg_control = (void *)0x2000, .msg_controllen = sizeof(control) };

	item(0x1000, 0, &message, sizeof(message));
	item(0x2000, 0, &control, sizeof(control));
	expect("sendmsg(1, {msg_name=NULL, msg_namelen=0, msg_iov=NULL, msg_iovlen=0, "
	       "msg_control=[{cmsg_len=18446744073709551615, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, "
	       "cmsg_data=[3, 4]}], msg_controllen=24, msg_flags=0}, 0) = -1 EINVAL (Invalid argument)", X64,
	       SYS_sendmsg, -EINVAL, 3, 1ul, 0x1000ul, 0ul);
}

static void check_constants(void)
{
	expect("mmap(NULL, 1, PROT_READ|0x40, MAP_PRIVATE|MAP_ANONYMOUS|0x200000, -1, 0) = NULL", X64, SYS_mmap, 0, 6,
	       0ul, 1ul, 0x41ul, 0x200022ul, -1ul, 0ul);
	expect("mprotect(NULL, 1, 0x40 /* PROT_??? */)  = 0", X64, SYS_mprotect, 0, 3, 0ul, 1ul, 0x40ul);
	expect("mprotect(NULL, 1, PROT_NONE)            = 0", X64, SYS_mprotect, 0, 3, 0ul, 1ul, 0ul);
	expect("fcntl(1, F_GETFL)                       = 0x8002 (flags O_RDWR|O_LARGEFILE)", X64, SYS_fcntl, 0x8002,
	       2, 1ul, 3ul);
	expect("fcntl(1, 0x99 /* F_??? */, 0x5)         = 7", X64, SYS_fcntl, 7, 3, 1ul, 0x99ul, 5ul);
}

static void check_numbers(void)
{
	expect("i386:_llseek(3, 1, 2, 0x1000, SEEK_CUR) = -1 EBADF (Bad file descriptor)", I386, 140, -EBADF, 5,
	       3ul, 1ul, 2ul, 0x1000ul, 1ul);
	expect("i386:lseek(3, -1, SEEK_END)             = 0", I386, 19, 0, 3, 3ul, 0xfffffffful, 2ul);
	expect("lseek(3, 4294967295, SEEK_END)          = 0", X64, SYS_lseek, 0, 3, 3ul, 0xfffffffful, 2ul);
	expect("ioctl(1, _IOC(_IOC_READ|_IOC_WRITE, 0x54, 0x30, 0x4), 0) = 0", X64, SYS_ioctl, 0, 3, 1ul,
	       0xffffffffc0045430ul, 0ul);
	expect("brk(NULL)                               = 0x5000", X64, SYS_brk, 0x5000, 1, 0ul);
	expect("umask(022)                              = 077", X64, SYS_umask, 077, 1, 022ul);
	expect("pause()                                 = ? ERESTARTNOHAND (To be restarted if no handler)",
	       X64, SYS_pause, -514, 0);
	expect("pause()                                 = ? ERESTARTNOHAND (To be restarted if no handler)",
	       X64, SYS_pause, -EINTR, 0);
	expect("fsync(1)                                = ? ERESTARTNOINTR (To be restarted)", X64, SYS_fsync,
	       -K23_ERESTART, 1, 1ul);
	expect("pause()                                 = -1 (errno 4000)", X64, SYS_pause, -4000, 0);
	expect("pause()                                 = 18446744073709547520", X64, SYS_pause, -4096, 0);
	expect("open(0x1, O_WRONLY)                     = 3", X64, SYS_open, 3, 3, 1ul, 1ul, 0644ul);
	expect("kill(1, 65)                             = 0", X64, SYS_kill, 0, 2, 1ul, 65ul);
}

/* What the user may choose. */
static void check_options(void)
{
	static const struct render_options usual = { .string = 32 };
	static const char entries[] = "\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\30\0\4.\0\0\0";
	static const struct stat status = { .st_mode = S_IFREG | 0644, .st_size = 5, .st_nlink = 7 };

	options.constants = CONSTANTS_RAW;
	expect("openat(-100, NULL, 0x80002)             = 3", X64, SYS_openat, 3, 4, -100ul, 0ul, 02000002ul, 0ul);
	expect("kill(1, 9)                              = 0", X64, SYS_kill, 0, 2, 1ul, 9ul);
	options.constants = CONSTANTS_VERBOSE;
	expect("openat(-100 /* AT_FDCWD */, NULL, 0x80002 /* O_RDWR|O_CLOEXEC */) = 3", X64, SYS_openat, 3, 4, -100ul,
	       0ul, 02000002ul, 0ul);
	expect("mprotect(NULL, 1, 0x40 /* PROT_??? */)  = 0", X64, SYS_mprotect, 0, 3, 0ul, 1ul, 0x40ul);
	expect("close_range(3, 4, 0)                    = 0", X64, SYS_close_range, 0, 3, 3ul, 4ul, 0ul);
	options = usual;
	options.hex = HEX_TEXT;
	item(0x1000, 0, "plain", 5);
	expect("chdir(\"plain\")                          = 0", X64, SYS_chdir, 0, 1, 0x1000ul);
	item(0x1000, 0, "b\1", 2);
	expect("chdir(\"\\x62\\x01\")                       = 0", X64, SYS_chdir, 0, 1, 0x1000ul);
	options.hex = HEX_ALL;
	item(0x1000, 0, "ab", 2);
	expect("chdir(\"\\x61\\x62\")                       = 0", X64, SYS_chdir, 0, 1, 0x1000ul);
	options = usual;
	options.verbose = true;
	item(0x1000, 0, entries, 24);
	expect("getdents64(3, [{d_ino=1, d_off=2, d_reclen=24, d_type=DT_DIR, d_name=\".\"}], 100) = 24", X64,
	       SYS_getdents64, 24, 3, 3ul, 0x1000ul, 100ul);
	item(0x1000, 0, &status, sizeof(status));
	expect("fstat(3, {st_dev=makedev(0, 0), st_ino=0, st_mode=S_IFREG|0644, st_nlink=7, st_uid=0, st_gid=0, "
	       "st_blksize=0, st_blocks=0, st_size=5, st_atime=0, st_atime_nsec=0, st_mtime=0, st_mtime_nsec=0, "
	       "st_ctime=0, st_ctime_nsec=0}) = 0", X64, SYS_fstat, 0, 2, 3ul, 0x1000ul);
	options = usual;
	options.fds = FDS_PATHS;
	item(3, K23_RING_FD, "/a file (deleted)", 17);
	item((uint32_t)-100, K23_RING_FD, "/here", 5);
	item(4, K23_RING_FD, "pipe:[7]", 8);
	expect("dup2(3</a file>(deleted), 4<pipe:[7]>)  = 4<pipe:[7]>", X64, SYS_dup2, 4, 2, 3ul, 4ul);
	item((uint32_t)-100, K23_RING_FD, "/here", 5);
	expect("openat(AT_FDCWD</here>, NULL, O_RDONLY) = 5", X64, SYS_openat, 5, 4, -100ul, 0ul, 0ul, 0ul);
	options = usual;
}

static unsigned chance(unsigned below)
{
	static unsigned seed = 1;

	seed = seed * 1103515245 + 12345;
	return (seed >> 16 & 0x7fff) % below;
}

/* An address at which items may be, or a small number. */
static uint64_t some_number(void)
{
	return chance(3) ? 0x1000 + 8 * chance(8) : chance(64);
}

/* --- operations of io_urings */

static void submission(enum k23_ring_unseen_reason unseen, uint32_t submitted, uint32_t shared)
{
	struct k23_ring_submission is = { unseen, submitted, shared, 0 };

	item_of(K23_RING_SUBMISSION, 0, K23_RING_COUNT, &is, sizeof(is));
}

/* An entry with three operations, and an exit, or none, with what is known of these then. */
static void expect_operations(const char *wanted, enum k23_ring_unseen_reason before, int ends,
			      enum k23_ring_unseen_reason unseen, uint32_t submitted, uint32_t shared)
{
	struct k23_ring_entry entry = { .arch = X64, .nr = 426, .args = { 3, 5 } };
	struct call call = { .entry = &entry, .outcome = ends ? OUTCOME_RESULT : OUTCOME_NONE };
	struct io_uring_cqe completion = { .user_data = 9, .res = -ENOENT };
	struct line text = { 0 };

	used = 0;
	for (unsigned i = 0; i < 3; i++) {
		struct io_uring_sqe operation = { .opcode = IORING_OP_UNLINKAT, .fd = AT_FDCWD, .addr = 0x1000 };

		operation.user_data = i;
		item_of(K23_RING_OPERATION, 0x2000 + i * sizeof(operation), 0, &operation, sizeof(operation));
		item(0x1000, 0, i == 0 ? "a" : i == 1 ? "b" : "c", 1); /* at one address: each has its own */
	}
	submission(before, 5, 0);
	call.in = (struct items){ bytes, used };
	if (ends) {
		submission(unseen, submitted, shared);
		item_of(K23_RING_COMPLETION, 0x3000, 0, &completion, sizeof(completion));
		call.out = (struct items){ bytes + call.in.size, used - call.in.size };
	}
	render_operations(&text, &call, &options);
	CHECK(strcmp(text.data ? text.data : "", wanted) == 0, "%s\nis not%s", text.data, wanted);
	free(text.data);
	used = 0;
}

#define SQE(name, number) \
	"\n sqe {opcode=IORING_OP_UNLINKAT, fd=AT_FDCWD, addr=\"" name "\", unlink_flags=0, user_data=" number "}"
#define CQE "\n cqe {user_data=0x9, res=-ENOENT}"

static void check_operations(void)
{
	expect_operations(SQE("a", "0") SQE("b", "0x1") SQE("c", "0x2") CQE, K23_RING_SEEN, 1, K23_RING_SEEN, 3, 0);
	expect_operations(SQE("a", "0") CQE, K23_RING_SEEN, 1, K23_RING_SEEN, 1, 0);
	expect_operations(CQE, K23_RING_SEEN, 1, K23_RING_SEEN, 0, 0);
	expect_operations(SQE("a", "0") SQE("b", "0x1")
			  "\n sqe /* some may be those of another thread's call, which may have these */" CQE,
			  K23_RING_SEEN, 1, K23_RING_SEEN, 2, 1);
	expect_operations(SQE("a", "0") SQE("b", "0x1") SQE("c", "0x2"), K23_RING_SEEN, 0, 0, 0, 0);
	expect_operations("\n sqe ? /* 3 not seen: others submitted at the same time, or changed the ring */" CQE,
			  K23_RING_SEEN, 1, K23_RING_DISTURBED, 3, 0);
	expect_operations(SQE("a", "0") SQE("b", "0x1") SQE("c", "0x2")
			  "\n sqe ? /* 2 not seen: the ring could not be read */" CQE,
			  K23_RING_UNREADABLE, 1, K23_RING_UNREADABLE, 5, 0);
	expect_operations(SQE("a", "0") SQE("b", "0x1") SQE("c", "0x2")
			  "\n sqe ? /* 2 not seen: the ring could not be read */", K23_RING_UNREADABLE, 0, 0, 0, 0);
}

/* Items: some whole, at addresses that arguments have; the last one may be cut anywhere. */
static size_t make_garbage(unsigned char *to, size_t room)
{
	size_t size = 0, want = chance((unsigned)room);

	while (size < want) {
		struct k23_ring_item head = { some_number(), (uint16_t)chance(300), (uint8_t)chance(32),
					      (uint8_t)(chance(2) * chance(5)) };

		for (size_t i = 0; i < sizeof(head) && size < want; i++)
			to[size++] = ((unsigned char *)&head)[i];
		for (size_t i = 0; i < head.size && size < want; i += 8) {
			uint64_t value = chance(2) ? some_number() : (uint64_t)chance(0x7fff) << chance(50);

			for (size_t j = 0; j < sizeof(value) && i + j < head.size && size < want; j++)
				to[size++] = ((unsigned char *)&value)[j];
		}
	}
	return size;
}

/* Whatever bytes come: no access outside of them, and an end. For the sanitizers. */
static void check_garbage(void)
{
	static unsigned char some[2000];

	for (int round = 0; round < 40000; round++) {
		struct k23_ring_entry entry = { .arch = chance(4) ? X64 : I386, .nr = round % 480 };
		size_t size = make_garbage(some, sizeof(some));
		unsigned char *exact = malloc(size);
		struct call call = { .entry = &entry, .in = { exact, size }, .out = { exact, size },
				     .outcome = chance(3) };
		struct line text = { 0 };

		memcpy(exact, some, size);
		call.result = chance(3) ? (int64_t)chance(200) : -(int64_t)chance(600);
		options.verbose = chance(2);
		options.hex = chance(3);
		options.constants = chance(3);
		options.fds = chance(2);
		for (int i = 0; i < 6; i++)
			entry.args[i] = some_number();
		render_call(&text, &call);
		render_operations(&text, &call, &options);
		free(text.data);
		free(exact);
	}
}

int main(void)
{
	check_strings();
	check_structures();
	check_i386_files();
	check_i386_processes();
	check_control_messages();
	check_constants();
	check_options();
	check_numbers();
	check_operations();
	check_garbage();
	return FINISH();
}
