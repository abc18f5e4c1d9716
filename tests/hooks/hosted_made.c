/*
 * A hosted hook with code that is not in its file: machine code that it writes, as compilers at run time do, and
 * libraries that its C library loads. At call 500 the code works for a while, and makes a call; the hook counts what
 * came out right. load: libraries are loaded, too, before the program begins and at some calls. crash: the code traps.
 */
#include <k23/hook.h>
#include <dlfcn.h>
#include <iconv.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static long (*made)(long nr);
static bool load;
static unsigned long calls, right;

/* long made(long nr) { for (int i = 2000; i; i--); return syscall(nr); } */
static const unsigned char code[] = {
	0xb9, 0xd0, 0x07, 0x00, 0x00, /* mov $2000, %ecx */
	0xff, 0xc9,                   /* dec %ecx */
	0x75, 0xfc,                   /* jnz the dec */
	0x89, 0xf8,                   /* mov %edi, %eax */
	0x0f, 0x05,                   /* syscall */
	0xc3,                         /* ret */
};

static bool loads(void)
{
	char latin[] = "h\xe4", utf8[8] = "", *from = latin, *to = utf8;
	size_t size = 2, room = sizeof(utf8);
	iconv_t conversion = iconv_open("UTF-8", "ISO-8859-1");
	void *library = dlopen("libm.so.6", RTLD_NOW);
	double (*root)(double) = library ? (double (*)(double))dlsym(library, "sqrt") : NULL;

	return conversion != (iconv_t)-1 && iconv(conversion, &from, &size, &to, &room) == 0 &&
	       iconv_close(conversion) == 0 && strcmp(utf8, "h\xc3\xa4") == 0 && root && root(9) == 3;
}

static long on_call(struct k23_call *call)
{
	long result = k23_forward(call);

	if (result == -K23_ERESTART) /* the call comes once more */
		return result;
	if (load && __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED) % 97 == 0 && !loads())
		return result;
	if (made(SYS_gettid) == k23_tid())
		__atomic_fetch_add(&right, 1, __ATOMIC_RELAXED);
	return result;
}

static int init(const struct k23_options *options)
{
	void *place = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (place == MAP_FAILED)
		return -errno;
	if (k23_option(options, "crash"))
		memset(place, 0xcc, sizeof(code)); /* int3 */
	else
		memcpy(place, code, sizeof(code));
	if (mprotect(place, 4096, PROT_READ | PROT_EXEC) != 0)
		return -errno;
	made = (long (*)(long))place;
	load = k23_option(options, "load") != NULL;
	return load && !loads() ? k23_refuse("its libraries cannot be loaded") : 0;
}

static void fork_child(void)
{
	right = 0;
}

static void process_exit(int status)
{
	(void)status;
	fprintf(stderr, "map: %lu\n", right);
}

K23_HOOK(hosted_made, .init = init, .fork_child = fork_child, .process_exit = process_exit,
	 .calls = { { 500, on_call } });
