/*
 * core_format against the C library's snprintf: the same text and length, for every conversion and size of buffer.
 */
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include "check.h"
#include "core/format.h"

__attribute__((format(printf, 1, 2))) static void same(const char *format, ...)
{
	for (size_t size = 0; size < 80; size++) {
		char ours[96], theirs[96];
		va_list args;
		int expected;
		long length;

		memset(ours, 'x', sizeof(ours));
		memset(theirs, 'x', sizeof(theirs));
		va_start(args, format);
		expected = vsnprintf(theirs, size, format, args);
		va_end(args);
		va_start(args, format);
		length = core_format(ours, size, format, args);
		va_end(args);
		CHECK(length == expected && memcmp(ours, theirs, sizeof(ours)) == 0,
		      "%s in %zu: \"%.*s\", not \"%.*s\"", format, size, (int)size, ours, (int)size, theirs);
	}
}

int main(void)
{
	same("plain");
	same("%d %d %d", 0, -1, INT_MIN);
	same("%5d|%-5d|%05d|%+d|% d", 42, 42, -42, 42, 42);
	same("%.3d %8.3d %-8.3d| %.0d", 7, 7, -7, 0);
	same("%u %lu %zu %lld", 4000000000u, ULONG_MAX, (size_t)1 << 40, LLONG_MIN);
	same("%hhd %hd %hhu %hu", (signed char)-3, (short)-300, (unsigned char)250, (unsigned short)65000);
	same("%x %X %#x %#010x %lx", 0xbeef, 0xbeef, 0xbeef, 0xbeef, 0xdeadbeefcafeul);
	same("%o %#o", 0755, 0755);
	same("%c%c|%3c|%-3c|", 'a', 'b', 'c', 'd');
	same("%s|%10s|%-10s|%.2s|%10.2s", "text", "text", "text", "text", "text");
	same("%*d %-*d| %.*s", 6, 1, 6, 2, 3, "abcdef");
	same("%p 100%%", (void *)0x7f0012345678);
	same("%jd %td", (intmax_t)-5, (ptrdiff_t)5);
	return FINISH();
}
