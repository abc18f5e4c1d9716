/*
 * Functions that make a call, or an error, in place of the vDSO's. What becomes of sites is tests/patcher's.
 */
#include <errno.h>
#include <string.h>

#include "check.h"
#include "core/patch.h"

#define ENTRY 0x1122334455667788ul

static const uint8_t call[] = {
	0xb8, 0xe4, 0x00, 0x00, 0x00,             /* mov $228, %eax */
	0x4c, 0x8d, 0x1d, 0x08, 0x00, 0x00, 0x00, /* lea after(%rip), %r11 */
	0xff, 0x25, 0x06, 0x00, 0x00, 0x00,       /* jmp *entry(%rip) */
	0x0f, 0x05,                               /* syscall */
	0xc3, 0xcc, 0xcc, 0xcc,                   /* after: ret */
	0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11,
};
static const uint8_t short_call[] = { 0xb8, 0xe4, 0x00, 0x00, 0x00, 0x0f, 0x05, 0xc3 };
static const uint8_t no_call[] = { 0x48, 0xc7, 0xc0, 0xda, 0xff, 0xff, 0xff, 0xc3 }; /* mov $-38, %rax; ret */

/* Whether the function is what is expected, and nothing behind it was written. */
static int is(const uint8_t *function, size_t room, const uint8_t *expected, size_t size)
{
	for (size_t i = size; i < room; i++)
		if (function[i] != 0xee)
			return 0;
	return memcmp(function, expected, size) == 0;
}

int main(void)
{
	uint8_t function[sizeof(call) + 8];

	memset(function, 0xee, sizeof(function));
	core_patch_call(function, sizeof(call), 228, ENTRY);
	CHECK(is(function, sizeof(function), call, sizeof(call)), "a call that takes the fast path");
	memset(function, 0xee, sizeof(function));
	core_patch_call(function, sizeof(call) - 1, 228, ENTRY);
	CHECK(is(function, sizeof(function), short_call, sizeof(short_call)), "one without room for the fast path");
	memset(function, 0xee, sizeof(function));
	core_patch_call(function, sizeof(call), 228, 0);
	CHECK(is(function, sizeof(function), short_call, sizeof(short_call)), "one without an entry");
	memset(function, 0xee, sizeof(function));
	core_patch_error(function, ENOSYS);
	CHECK(is(function, sizeof(function), no_call, sizeof(no_call)), "a function that returns an error");
	return FINISH();
}
