/* What a program finds at its start: arguments, environment, auxiliary vector, itself in /proc.
 * Built with every C library and linking model.
 */
#include "report.h"
#include <elf.h>

extern char **environ;
extern char _start[];
extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));

CASE(hello)
{
	printf("hello, %s\n", getenv("GUEST_ENV") ? getenv("GUEST_ENV") : "world");
	fflush(stdout);
	fprintf(stderr, "and to stderr\n");
}

CASE(environment)
{
	int i;

	for (i = 0; environ[i]; i++)
		say("%s", environ[i]);
}

CASE(auxv)
{
	unsigned long *p = (unsigned long *)environ;
	const unsigned char *random = (const void *)getauxval(AT_RANDOM);
	int i, sum = 0;

	while (*p)
		p++;
	/* the vDSO may be there or not: another guest looks at it */
	for (p++; p[0] != AT_NULL; p += 2)
		if (p[0] != AT_SYSINFO_EHDR && p[0] != AT_IGNORE)
			say("auxv has %lu", p[0]);
	for (i = 0; i < 16; i++)
		sum |= random[i];
	CHECK(sum != 0);
	EXPECT(getauxval(AT_PAGESZ), PAGE);
	EXPECT(getauxval(AT_ENTRY), _start);
	EXPECT(getauxval(AT_PHDR), (const char *)&__ehdr_start + __ehdr_start.e_phoff);
	EXPECT(getauxval(AT_PHNUM), __ehdr_start.e_phnum);
	EXPECT(getauxval(AT_PHENT), sizeof(Elf64_Phdr));
	say("base %s", getauxval(AT_BASE) ? "set" : "zero");
	say("execfn %s", (const char *)getauxval(AT_EXECFN));
	say("platform %s", (const char *)getauxval(AT_PLATFORM));
	say("secure %lu, flags %lu, clktck %lu", getauxval(AT_SECURE), getauxval(AT_FLAGS),
	    getauxval(AT_CLKTCK));
	say("ids %lu %lu %lu %lu", getauxval(AT_UID), getauxval(AT_EUID), getauxval(AT_GID),
	    getauxval(AT_EGID));
	say("hwcap %lx %lx, minsigstksz %lu", getauxval(AT_HWCAP), getauxval(AT_HWCAP2),
	    getauxval(AT_MINSIGSTKSZ));
}

/* argc, argv, environ and auxv lie on the stack as the ABI says: nothing was copied away. */
CASE(stack_layout)
{
	char **argv = environ - 1;
	const char *strings, *end;
	int argc = 0;

	CHECK(*argv == NULL);
	while ((long)argv[-1] != argc)
		argv--, argc++;
	say("argc %d", argc);
	EXPECT((unsigned long)(argv - 1) % 16, 0);
	strings = argv[0];
	end = (const char *)getauxval(AT_EXECFN);
	CHECK(strings < end);
	CHECK((const char *)argv < strings);
	/* eight zero bytes end the stack, right after the file's name */
	end += strlen(end) + 1;
	CHECK(*(const unsigned long *)((unsigned long)(end + 7) & ~7UL) == 0);
	CHECK(((unsigned long)(end + 7) & ~7UL) + 8 == (((unsigned long)end + PAGE) & ~(PAGE - 1)));
}

CASE(itself)
{
	report_exe();
	report_fds();
	report_tasks();
}

CASE(state)
{
	report_all();
}

/* The list as the directory shows it, link targets included. */
CASE(proc_fd)
{
	char path[64], target[4096];
	int fd;

	for (fd = 0; fd < 1024; fd++) {
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, target, sizeof(target) - 1);
		if (n < 0)
			continue;
		target[n] = 0;
		say("%d -> %s", fd, target);
	}
}
