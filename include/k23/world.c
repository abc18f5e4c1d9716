/*
 * k23/world.c - what makes a program of a hosted hook: `k23 cc --hosted` compiles it, and links it to the hook.
 *
 * The program starts as any other does, and then parks: its threads run only when a thread of the program that it lives
 * in comes to the hook. The functions of <k23/hook.h> reach the runtime by k23_world.out.
 */
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include <k23/world.h>

#define STACK_SIZE (1u << 20) /* of a thread, beside its thread-local variables */

static long run(void *self, const void *function, unsigned long argument);
static long create(void);
static long make_fork(void);
static long flush(void);

__attribute__((visibility("default"), used)) struct k23_world k23_world = {
	.magic = K23_WORLD_MAGIC,
	.version = K23_WORLD_VERSION,
	.size = sizeof(struct k23_world),
	.run = run,
	.create = create,
	.fork = make_fork,
	.flush = flush,
};

/* K23_HOOK() defines it. */
/* Weak: without K23_HOOK() it is k23 cc that says so, not the linker. */
extern __attribute__((visibility("default"), weak)) const struct k23_api **k23_hook_api;

static __thread void *thread_self __attribute__((used));
static unsigned ready __attribute__((used)); /* thread-local variables are there */

/* `k23 cc` makes jumps of system calls: to stubs, which go on here, with the address behind the call in %r11. Until
 * there are thread-local variables they are the first thread's. Those of a thread that has not been told yet who it is
 * are made where they stand, and caught. */
#define TEXT_OF(x) #x
#define NUMBER_IN_TEXT(x) TEXT_OF(x)
__asm__(".pushsection .text\n"
	"	.balign 32\n"
	"	.globl k23_world_stubs\n"
	"	.type k23_world_stubs, @object\n"
	"k23_world_stubs:\n"
	"	.fill " NUMBER_IN_TEXT(K23_WORLD_STUBS) " * " NUMBER_IN_TEXT(K23_WORLD_STUB_SIZE) ", 1, 0xcc\n"
	"	.size k23_world_stubs, . - k23_world_stubs\n"
	"k23_world_called:\n"
	"	mov ready(%rip), %ecx\n"
	"	jrcxz 1f\n"
	"	mov %fs:thread_self@tpoff, %rcx\n"
	"	jrcxz 2f\n"
	"	jmp *k23_world + 40(%rip)\n"
	"1:	mov k23_world + 32(%rip), %rcx\n"
	"	jmp *k23_world + 40(%rip)\n"
	"2:	lea -2(%r11), %rcx\n"
	"	jmp *%rcx\n"
	".popsection\n");
_Static_assert(offsetof(struct k23_world, first) == 32 && offsetof(struct k23_world, entered) == 40, "as above");

extern const char k23_world_called[] __attribute__((visibility("hidden")));
/* Where stubs find it. */
__attribute__((visibility("default"), used)) const void *const k23_world_stub_entry = k23_world_called;

#define OUT(function, ...) \
	k23_world.out(thread_self, (const void *)k23_world.api->function, (unsigned long[7]){ __VA_ARGS__ })
#define ARGUMENT(x) ((unsigned long)(x))

static long out_forward(struct k23_call *call)
{
	return OUT(forward, ARGUMENT(call));
}

static long out_syscall(long nr, unsigned long a1, unsigned long a2, unsigned long a3, unsigned long a4,
			unsigned long a5, unsigned long a6)
{
	return OUT(syscall, ARGUMENT(nr), a1, a2, a3, a4, a5, a6);
}

static long out_copy_from(void *to, unsigned long from, size_t size)
{
	return OUT(copy_from, ARGUMENT(to), from, size);
}

static long out_copy_to(unsigned long to, const void *from, size_t size)
{
	return OUT(copy_to, to, ARGUMENT(from), size);
}

static long out_copy_string(char *to, size_t size, unsigned long from)
{
	return OUT(copy_string, ARGUMENT(to), size, from);
}

static const char *out_option(const struct k23_options *options, const char *key)
{
	return (const char *)OUT(option, ARGUMENT(options), ARGUMENT(key));
}

static long out_format(char *to, size_t size, const char *format, va_list arguments)
{
	return OUT(format, ARGUMENT(to), size, ARGUMENT(format), ARGUMENT(arguments));
}

static long out_print(const char *text, size_t size)
{
	return OUT(print, ARGUMENT(text), size);
}

static long out_path_absolute(char *to, size_t size, int dirfd, const char *path)
{
	return OUT(path_absolute, ARGUMENT(to), size, ARGUMENT(dirfd), ARGUMENT(path));
}

static int out_path_under(const char *path, const char *root)
{
	return (int)OUT(path_under, ARGUMENT(path), ARGUMENT(root));
}

static void *out_thread_state(uint32_t offset)
{
	return (void *)OUT(thread_state, offset);
}

static int out_pid(void)
{
	return (int)OUT(pid, 0);
}

static int out_tid(void)
{
	return (int)OUT(tid, 0);
}

static const struct k23_syscall_info *out_describe(uint32_t arch, long nr)
{
	return (const struct k23_syscall_info *)OUT(describe, arch, ARGUMENT(nr));
}

static const char *out_error_name(long error)
{
	return (const char *)OUT(error_name, ARGUMENT(error));
}

static long out_site(const struct k23_call *call, char *path, size_t size, unsigned long *offset)
{
	return OUT(site, ARGUMENT(call), ARGUMENT(path), size, ARGUMENT(offset));
}

static long out_run_memory(uint64_t cookie, void **address, size_t *size)
{
	return OUT(run_memory, cookie, ARGUMENT(address), ARGUMENT(size));
}

static long out_text(unsigned long address, struct k23_text *found, char *path, size_t size)
{
	return OUT(text, address, ARGUMENT(found), ARGUMENT(path), size);
}

static void out_registers(struct k23_registers *registers)
{
	OUT(registers, ARGUMENT(registers));
}

static void out_refuse(const char *why)
{
	OUT(refuse, ARGUMENT(why));
}

static void *out_run_state(uint32_t index)
{
	return (void *)OUT(run_state, index);
}

static long out_lock(struct k23_lock *lock)
{
	return OUT(lock, ARGUMENT(lock));
}

static void out_unlock(struct k23_lock *lock)
{
	OUT(unlock, ARGUMENT(lock));
}

static uint64_t out_exec_value(uint32_t index)
{
	return (uint64_t)OUT(exec_value, index);
}

static long out_wait(long nr, unsigned long a1, unsigned long a2, unsigned long a3, unsigned long a4, unsigned long a5,
		     unsigned long a6)
{
	return OUT(wait, ARGUMENT(nr), a1, a2, a3, a4, a5, a6);
}

static int out_run_directory(uint32_t index)
{
	return (int)OUT(run_directory, index);
}

static long out_hide(int fd)
{
	return OUT(hide, ARGUMENT(fd));
}

static long out_show(int fd)
{
	return OUT(show, ARGUMENT(fd));
}

static struct k23_api api = {
	.version = 0, /* the runtime's, and so are the counters that the other members lead to */
	.size = sizeof(struct k23_api),
	.forward = out_forward,
	.syscall = out_syscall,
	.copy_from = out_copy_from,
	.copy_to = out_copy_to,
	.copy_string = out_copy_string,
	.option = out_option,
	.format = out_format,
	.print = out_print,
	.path_absolute = out_path_absolute,
	.path_under = out_path_under,
	.thread_state = out_thread_state,
	.pid = out_pid,
	.tid = out_tid,
	.describe = out_describe,
	.error_name = out_error_name,
	.site = out_site,
	.run_memory = out_run_memory,
	.text = out_text,
	.registers = out_registers,
	.refuse = out_refuse,
	.run_state = out_run_state,
	.lock = out_lock,
	.unlock = out_unlock,
	.exec_value = out_exec_value,
	.wait = out_wait,
	.run_directory = out_run_directory,
	.hide = out_hide,
	.show = out_show,
};

_Static_assert(sizeof(struct k23_api) == 31 * sizeof(void *), "all functions of the runtime are here");

/* The C library puts them on the stack that a thread gets. */
static size_t local_size;

static int add_local_size(struct dl_phdr_info *info, size_t size, void *unused)
{
	(void)size;
	(void)unused;
	for (unsigned i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_TLS)
			local_size += info->dlpi_phdr[i].p_memsz + info->dlpi_phdr[i].p_align;
	return 0;
}

/* Before all other constructors, which may use it. */
__attribute__((constructor(101))) static void begin(void)
{
	api.version = k23_world.api->version;
	api.unmapped = k23_world.api->unmapped;
	api.texts_added = k23_world.api->texts_added;
	thread_self = k23_world.first;
	k23_world.self_offset = (char *)&thread_self - (char *)__builtin_thread_pointer();
	ready = 1;
	*k23_hook_api = &api;
	dl_iterate_phdr(add_local_size, NULL);
}

static long run(void *self, const void *function, unsigned long argument)
{
	thread_self = self;
	return ((long (*)(unsigned long))function)(argument);
}

/* Returns when the thread is to end. */
static void park(void)
{
	long nr = K23_WORLD_PARK;

	__asm__ volatile("syscall" : "+a"(nr) : : "rcx", "r11", "memory");
}

static void *thread(void *argument)
{
	park();
	return argument;
}

static long create(void)
{
	pthread_attr_t attributes;
	pthread_t created;
	int error = errno;
	long r;

	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, (STACK_SIZE + local_size + 4095) & ~4095ul);
	r = pthread_create(&created, &attributes, thread, NULL);
	pthread_attr_destroy(&attributes);
	errno = error;
	return r;
}

/* The hook may be in the middle of a function, with an errno of its own. */
static long make_fork(void)
{
	int error = errno;
	long r = fork();

	errno = error;
	return r;
}

static long flush(void)
{
	return fflush(NULL);
}

int main(void)
{
	park();
	pthread_exit(NULL);
}
