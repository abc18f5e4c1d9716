/* P3a: bytes that look like calls and are none. Data stays as it is, and code computes the same. */
#include "library.h"

extern const char data_constants[], data_constants_end[], data_inside[], data_inside_end[], data_table[],
	data_table_end[];
long data_in_function(void), jump_table(long index), code_immediates(void), code_displacements(const void *at);
long code_split(void), code_number(void), code_behind(void);

CASE(constants)
{
	say("constants %#lx", checksum(data_constants, (size_t)(data_constants_end - data_constants)));
	say("inside %#lx", checksum(data_inside, (size_t)(data_inside_end - data_inside)));
	say("sum %#lx", data_in_function());
	EXPECT(data_constants[0], 0x0f);
	EXPECT(data_constants[1], 0x05);
}

CASE(tables)
{
	int i;

	say("table %#lx", checksum(data_table, (size_t)(data_table_end - data_table)));
	EXPECT(*(const int *)data_table, 0x50f);
	for (i = 0; i < 4; i++)
		say("case %d: %ld", i, jump_table(i));
}

static void codes(long immediates(void), long displacements(const void *), long split(void), long number(void),
		  long behind(void))
{
	long value[4] = { 1111, 2222, 3333, 4444 };
	int i;

	for (i = 0; i < 3; i++) {
		say("immediates %#lx", immediates());
		say("displacements %ld", displacements(value) - 3 * (long)value);
		say("split %#lx", split());
		EXPECT(number(), -ENOSYS);
		EXPECT(behind(), getppid());
	}
}

CASE(code)
{
	codes(code_immediates, code_displacements, code_split, code_number, code_behind);
}

/* The same in a library that is loaded now, and its file as it is mapped. */
CASE(library)
{
	void *handle = load(beside("libtext.so"), RTLD_NOW);
	const char *constants = symbol(handle, "data_constants"), *inside = symbol(handle, "data_inside");
	const char *table = symbol(handle, "data_table");
	long (*jump)(long) = (long (*)(long))symbol(handle, "jump_table");
	int i;

	say("constants %#lx", checksum(constants, (size_t)((char *)symbol(handle, "data_constants_end") - constants)));
	say("inside %#lx", checksum(inside, (size_t)((char *)symbol(handle, "data_inside_end") - inside)));
	say("table %#lx", checksum(table, (size_t)((char *)symbol(handle, "data_table_end") - table)));
	say("sum %#lx", ((long (*)(void))symbol(handle, "data_in_function"))());
	for (i = 0; i < 4; i++)
		say("case %d: %ld", i, jump(i));
	codes((long (*)(void))symbol(handle, "code_immediates"),
	      (long (*)(const void *))symbol(handle, "code_displacements"),
	      (long (*)(void))symbol(handle, "code_split"), (long (*)(void))symbol(handle, "code_number"),
	      (long (*)(void))symbol(handle, "code_behind"));
}

/* A data file full of such bytes, mapped readable and executable: nobody runs it. */
CASE(data_file)
{
	unsigned char bytes[PAGE] = { 0 };
	const unsigned char *p, *q;
	size_t i;
	int fd = open("data", O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	for (i = 0; i + 7 < sizeof(bytes); i += 7)
		memcpy(bytes + i, "\xb8\x6e\x00\x00\x00\x0f\x05", 7);
	NEED(fd >= 0 && write(fd, bytes, sizeof(bytes)) == sizeof(bytes));
	p = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	q = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	NEED(p != MAP_FAILED && q != MAP_FAILED);
	CHECK(!memcmp(p, bytes, i));
	CHECK(!memcmp(q, bytes, i));
	EXPECT(checksum(p, i), checksum(bytes, i));
}
