/*
 * Tries the hook interface from inside, at the program's first uname(): says "api: N wrong" and each thing that is.
 */
#include <k23/path.h>

static int wrong;
static const char *given;

#define CHECK(condition)                                                                                     \
	do {                                                                                                 \
		if (!(condition)) {                                                                          \
			wrong++;                                                                             \
			k23_print("api.c:%d: not so: %s\n", __LINE__, #condition);                           \
		}                                                                                            \
	} while (0)

struct state {
	int calls;
};

static void check_memory(struct k23_call *call)
{
	char text[16];
	char page[8192];
	unsigned long hole = 8; /* page 0 is not mapped */

	CHECK(k23_copy_from(text, hole, 4) == -EFAULT);
	CHECK(k23_copy_to(hole, text, 4) == -EFAULT);
	CHECK(k23_copy_string(text, sizeof(text), hole) == -EFAULT);
	CHECK(k23_copy_from(text, ~0ul, 4) == -EFAULT);
	CHECK(k23_copy_from(text, hole, 0) == 0);
	CHECK(k23_copy_string(text, sizeof(text), (unsigned long)"fits") == 4 && k23_strcmp(text, "fits") == 0);
	CHECK(k23_copy_string(text, 3, (unsigned long)"too long") == -ENAMETOOLONG && k23_strcmp(text, "to") == 0);
	CHECK(k23_copy_string(text, 0, (unsigned long)"x") == -ENAMETOOLONG);
	CHECK(k23_copy_to(call->args[0], "written", 8) == 0);
	CHECK(k23_copy_from(text, call->args[0], 8) == 0 && memcmp(text, "written", 8) == 0);
	memset(page, 'a', sizeof(page));
	memmove(page + 1, page, 100);
	CHECK(page[100] == 'a' && memcmp(page, page + 1, 4000) == 0);
}

static void check_text(void)
{
	char text[64];

	CHECK(k23_format(text, sizeof(text), "%s %d %#lx", "a", -1, 255ul) == 9);
	CHECK(k23_strcmp(text, "a -1 0xff") == 0);
	CHECK(k23_format(text, 4, "%s", "abcdef") == 6 && k23_strcmp(text, "abc") == 0);
	CHECK(k23_strlen("abc") == 3 && k23_strncmp("abcd", "abce", 3) == 0 && k23_strcmp("a", "b") < 0);
	CHECK(k23_starts_with("openat", "open") && !k23_starts_with("open", "openat"));
	CHECK(k23_path_under("/tmp/x/../y", "/tmp") && !k23_path_under("/tmp/../etc", "/tmp"));
	CHECK(k23_path_under("anything", ".") && !k23_path_under("..", "."));
	CHECK(k23_path_absolute(text, sizeof(text), AT_FDCWD, "/a/./b/../c") == 4 && k23_strcmp(text, "/a/c") == 0);
	CHECK(k23_path_absolute(text, sizeof(text), 999, "x") == -EBADF);
	CHECK(k23_path_absolute(text, 3, AT_FDCWD, "/long") == -ENAMETOOLONG);
	CHECK(k23_strcmp(k23_error_name(-ENOENT), "ENOENT") == 0 && !k23_error_name(0) && !k23_error_name(99999));
	CHECK(k23_failed(-1) && k23_failed(-4095) && !k23_failed(-4096) && !k23_failed(0));
}

/* What a call takes the last component of its path in argument `at` for, with one other argument. */
static enum k23_path_last last_of(long nr, int at, int index, unsigned long argument)
{
	struct k23_call call = { .nr = nr, .arch = K23_ARCH_X86_64 };

	call.args[index] = argument;
	return k23_path_last(&call, at);
}

static void check_paths(void)
{
	struct k23_call call = { .nr = SYS_linkat, .args = { 5, 0, 6, 0 }, .arch = K23_ARCH_X86_64 };
	uint64_t how[3] = { O_PATH, 0, 8 };
	struct k23_open_how found;
	int dirfd;

	CHECK(k23_path_argument(&call, 0, &dirfd) == 1 && dirfd == 5);
	CHECK(k23_path_argument(&call, 2, &dirfd) == 3 && dirfd == 6);
	CHECK(k23_path_argument(&call, 4, &dirfd) == -1 && dirfd == AT_FDCWD);
	CHECK(last_of(SYS_linkat, 1, 4, 0) == K23_LAST_KEPT && last_of(SYS_linkat, 3, 4, 0) == K23_LAST_ENTRY);
	CHECK(last_of(SYS_linkat, 1, 4, AT_SYMLINK_FOLLOW) == K23_LAST_FOLLOWED);
	CHECK(last_of(SYS_stat, 0, 1, ~0ul) == K23_LAST_FOLLOWED && last_of(SYS_lstat, 0, 1, 0) == K23_LAST_KEPT);
	CHECK(last_of(SYS_newfstatat, 1, 3, 0) == K23_LAST_FOLLOWED);
	CHECK(last_of(SYS_newfstatat, 1, 3, AT_SYMLINK_NOFOLLOW) == K23_LAST_KEPT);
	CHECK(last_of(SYS_open, 0, 1, O_CREAT) == K23_LAST_FOLLOWED);
	CHECK(last_of(SYS_creat, 0, 1, 0) == K23_LAST_FOLLOWED);
	CHECK(last_of(SYS_open, 0, 1, O_NOFOLLOW) == K23_LAST_KEPT);
	CHECK(last_of(SYS_openat, 1, 2, O_CREAT | O_EXCL) == K23_LAST_KEPT);
	CHECK(last_of(SYS_rename, 0, 2, 0) == K23_LAST_ENTRY && last_of(SYS_rename, 1, 2, 0) == K23_LAST_ENTRY);
	call = (struct k23_call){ .nr = SYS_openat2, .args = { 0, 0, (unsigned long)how, sizeof(how) },
				  .arch = K23_ARCH_X86_64 };
	CHECK(k23_open_how(&found, &call) && memcmp(&found, how, sizeof(how)) == 0);
	call.args[2] = 8; /* page 0 is not mapped */
	CHECK(!k23_open_how(&found, &call) && !found.flags);
	call = (struct k23_call){ .nr = SYS_getpid, .arch = K23_ARCH_X86_64 };
	CHECK(!k23_open_how(&found, &call) && k23_path_argument(&call, 0, &dirfd) == -1);
}

static void check_call(struct k23_call *call)
{
	const struct k23_syscall_info *info = k23_describe(call);
	struct state *state = k23_thread_state();

	CHECK(call->nr == SYS_uname && call->arch == K23_ARCH_X86_64 && call->ip && call->sp);
	CHECK(info && k23_strcmp(info->name, "uname") == 0 && info->args == 1);
	CHECK(state->calls == 0);
	state->calls++;
	CHECK(k23_pid() == k23_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0));
	CHECK(k23_tid() == k23_syscall(SYS_gettid, 0, 0, 0, 0, 0, 0));
	CHECK(k23_syscall(SYS_close, ~0ul, 0, 0, 0, 0, 0) == -EBADF);
	CHECK(k23_cycles() < k23_cycles());
	CHECK(given && k23_strcmp(given, "a,b") == 0);
}

static long on_uname(struct k23_call *call)
{
	static int done;

	if (done++)
		return k23_forward(call);
	check_call(call);
	check_memory(call);
	check_text();
	check_paths();
	k23_print("api: %d wrong\n", wrong);
	return k23_forward(call);
}

static int init(const struct k23_options *options)
{
	given = k23_option(options, "list");
	if (!k23_option(options, "flag") || *k23_option(options, "flag") || k23_option(options, "fla") ||
	    k23_option(options, "missing"))
		return -EINVAL;
	return 0;
}

K23_HOOK(api, .init = init, .thread_size = sizeof(struct state), .calls = { { SYS_uname, on_uname } });
