/*
 * Recorded calls as text: what commands.py cannot have a program do, and records that no hook writes.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>

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

static void item(unsigned arg, unsigned flags, const char *data, size_t size)
{
	struct k23_ring_item head = { (uint8_t)arg, (uint8_t)flags, (uint16_t)size };

	memcpy(bytes + used, &head, sizeof(head));
	memcpy(bytes + used + sizeof(head), data, size);
	used += sizeof(head) + size;
}

static struct k23_ring_entry entry_of(uint32_t arch, long nr, int count, va_list args)
{
	struct k23_ring_entry entry = { .type = K23_RING_ENTRY, .arch = arch, .nr = nr };

	for (int i = 0; i < count; i++)
		entry.args[i] = va_arg(args, unsigned long);
	return entry;
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
	item(1, 0, "a\0b\377\0011\t\r\v\f", 10);
	expect("read(3, \"a\\0b\\377\\0011\\t\\r\\v\\f\", 100)   = 10", X64, SYS_read, 10, 3, 3ul, 0x1000ul,
	       100ul);
	item(0, K23_RING_MORE, "/one", 4);
	item(0, K23_RING_MORE, "/two", 4);
	item(0, 0, "/three", 6);
	expect("chdir(\"/one/two/three\")                 = 0", X64, SYS_chdir, 0, 1, 0x1000ul);
	/* The beginning of a string of which the rest cannot be read is not shown. */
	item(0, K23_RING_MORE, "/one", 4);
	item(0, K23_RING_FAULT, "", 0);
	expect("chdir(0x1000)                           = -1 EFAULT (Bad address)", X64, SYS_chdir,
	       -EFAULT, 1, 0x1000ul);
	item(0, 0, "/x", 2);
	item(1, 0, "a", 1);
	item(1, K23_RING_FAULT, "", 0);
	item(1, K23_RING_CUT, "bcd", 3);
	item(1, K23_RING_ETC, "", 0);
	item(2, 0, "\1\0\0\0", 4);
	expect("execve(\"/x\", [\"a\", ???, \"bcd\"..., ...], 0x2000 /* 1 var */) = 0", X64, SYS_execve, 0, 3,
	       1ul, 0x1000ul, 0x2000ul);
	item(0, 0, "/x", 2);
	expect("execve(\"/x\", [], NULL)                  = 0", X64, SYS_execve, 0, 3, 1ul, 0x1000ul, 0ul);
	expect("execve(NULL, NULL, NULL)                = 0", X64, SYS_execve, 0, 3, 0ul, 0ul, 0ul);
}

static void check_numbers(void)
{
	expect("i386:_llseek(3, 1, 2, 0x1000, 4)        = -1 EBADF (Bad file descriptor)", I386, 140, -EBADF, 5,
	       3ul, 1ul, 2ul, 0x1000ul, 4ul);
	expect("i386:lseek(3, -1, 2)                    = 0", I386, 19, 0, 3, 3ul, 0xfffffffful, 2ul);
	expect("lseek(3, 4294967295, 2)                 = 0", X64, SYS_lseek, 0, 3, 3ul, 0xfffffffful, 2ul);
	expect("ioctl(1, 0xc0045430, 0)                 = 0", X64, SYS_ioctl, 0, 3, 1ul,
	       0xffffffffc0045430ul, 0ul);
	expect("brk(NULL)                               = 0x5000", X64, SYS_brk, 0x5000, 1, 0ul);
	expect("umask(022)                              = 077", X64, SYS_umask, 077, 1, 022ul);
	expect("pause()                                 = ? ERESTARTNOHAND (To be restarted if no handler)",
	       X64, SYS_pause, -514, 0);
	expect("pause()                                 = ? ERESTARTNOINTR (To be restarted)", X64, SYS_pause,
	       -K23_ERESTART, 0);
	expect("pause()                                 = -1 (errno 4000)", X64, SYS_pause, -4000, 0);
	expect("pause()                                 = -4096", X64, SYS_pause, -4096, 0);
	expect("open(0x1, 0x1)                          = 3", X64, SYS_open, 3, 3, 1ul, 1ul, 0644ul);
	expect("kill(1, 65)                             = 0", X64, SYS_kill, 0, 2, 1ul, 65ul);
}

/* Whatever bytes come: no access outside of them, and an end. For the sanitizers. */
static void check_garbage(void)
{
	unsigned seed = 1;

	for (int round = 0; round < 20000; round++) {
		struct k23_ring_entry entry = { .arch = round & 1 ? X64 : I386, .nr = round % 470 };
		size_t size = (seed = seed * 1103515245 + 12345) >> 16 & 63;
		unsigned char *exact = malloc(size);
		struct call call = { .entry = &entry, .in = { exact, size }, .out = { exact, size } };
		struct line text = { 0 };

		for (size_t i = 0; i < size; i++)
			exact[i] = (unsigned char)((seed = seed * 1103515245 + 12345) >> 16 & (i % 4 == 3 ? 0 : 7));
		for (int i = 0; i < 6; i++)
			entry.args[i] = seed;
		render_call(&text, &call);
		free(text.data);
		free(exact);
	}
}

int main(void)
{
	check_strings();
	check_numbers();
	check_garbage();
	return FINISH();
}
