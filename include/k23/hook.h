/*
 * k23/hook.h - write a k23 hook: C code that sees, changes, answers or forwards a program's system calls.
 *
 * A hook is one C or C++ file, built with `k23 cc hook.c -o hook.so` (or any compiler with `pkg-config --cflags
 * --libs k23`). It runs inside the program, from its first instruction on, without libc: what it may call is
 * what this header offers. See k23-hook(7).
 */
#ifndef K23_HOOK_H
#define K23_HOOK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* O_PATH, CLONE_NEWPID, ...; `k23 cc` and pkg-config say so, too, for what is included before */
#endif
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>

#include <k23/memory.h>
#include <k23/numbers.h>
#include <k23/types.h>

#ifdef __cplusplus
/* K23_HOOK() leaves members out, which are 0 then, and needs no C++20 for naming those that it has. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#ifdef __clang__
#pragma clang diagnostic ignored "-Wc++20-designator"
#endif
extern "C" {
#endif

/* Set by the runtime before init is called. */
__attribute__((visibility("hidden"), weak)) const struct k23_api *k23_api;

/*
 * Defines the hook: K23_HOOK(name, .init = init, .calls = { { SYS_openat, on_openat } });
 * Once per file; the members are those of struct k23_descriptor.
 */
#define K23_HOOK(hook, ...)                                                                                  \
	__attribute__((visibility("default"), used)) const struct k23_api **k23_hook_api = &k23_api;         \
	__attribute__((visibility("default"), used)) struct k23_descriptor k23_hook = {                      \
		.magic = K23_HOOK_MAGIC,                                                                     \
		.version = K23_HOOK_VERSION,                                                                 \
		.size = sizeof(struct k23_descriptor),                                                       \
		.name = #hook,                                                                               \
		__VA_ARGS__                                                                                  \
	}

extern __attribute__((visibility("default"))) struct k23_descriptor k23_hook;

#ifdef __cplusplus
}
#endif

#define K23_INLINE __attribute__((unused)) static inline

/* For .init: the hook wants this call, too, by this function, unless its table names the call already. If the table is
 * full, the hook wants all calls. */
K23_INLINE void k23_want(long nr, k23_call_fn *fn)
{
	unsigned i = 0;

	while (i < K23_MAX_CALLS && k23_hook.calls[i].fn && k23_hook.calls[i].nr != nr)
		i++;
	if (i == K23_MAX_CALLS)
		k23_hook.all = fn;
	else if (!k23_hook.calls[i].fn)
		k23_hook.calls[i] = (struct k23_entry){ nr, fn };
}

/* Makes the call, with its nr and args as they now are: through the next hook of the chain that wants it, and
 * after the last one by the kernel. Returns the result, -errno for an error. May be called again, or never; only in a
 * function for a call, in the thread in which that was called, with its argument or a copy of that. Elsewhere it
 * returns -EPERM, and for a call of the hook's own making -EINVAL; k23_syscall() makes those. */
K23_INLINE long k23_forward(struct k23_call *call)
{
	return k23_api->forward(call);
}

/* Makes a system call of the hook's own, which no hook sees. Six arguments, 0 for those that are not used.
 * Returns the result or -errno: -EINVAL for one that would create, end or replace a process or thread, change signal
 * handling, or take the runtime's memory. It must not wait for long, as signals for the program are held back while a
 * hook runs: for that there is k23_wait(). Writes fail with -EPIPE or -EFBIG without a signal, which would be the
 * program's. */
K23_INLINE long k23_syscall(long nr, unsigned long a1, unsigned long a2, unsigned long a3, unsigned long a4,
			    unsigned long a5, unsigned long a6)
{
	return k23_api->syscall(nr, a1, a2, a3, a4, a5, a6);
}

/* The same, for a system call that may wait: a signal for the program ends the wait, as it does in the program's own
 * calls. Then the result is -EINTR, or -K23_ERESTART if the signal's handler wants calls of this kind to be made again
 * (SA_RESTART), or if the signal came before the wait. In a function for a call of the program, the hook returns that
 * unchanged: the handler runs, and the program's call has failed with EINTR, or is made again, from its first hook
 * on. */
K23_INLINE long k23_wait(long nr, unsigned long a1, unsigned long a2, unsigned long a3, unsigned long a4,
			 unsigned long a5, unsigned long a6)
{
	return k23_api->wait(nr, a1, a2, a3, a4, a5, a6);
}

/* Copies size bytes from, or to, the program's memory. Returns 0, or -EFAULT when any of them cannot be read
 * or written; then part of them may have been copied. */
K23_INLINE long k23_copy_from(void *to, unsigned long from, size_t size)
{
	return k23_api->copy_from(to, from, size);
}

K23_INLINE long k23_copy_to(unsigned long to, const void *from, size_t size)
{
	return k23_api->copy_to(to, from, size);
}

/* Copies a string of the program's, with its NUL, to a buffer of size bytes. Returns its length without the
 * NUL, -EFAULT when it cannot be read, or -ENAMETOOLONG when it does not fit (`to` then holds its beginning,
 * with a NUL). */
K23_INLINE long k23_copy_string(char *to, size_t size, unsigned long from)
{
	return k23_api->copy_string(to, size, from);
}

/* The value of KEY in --hook FILE:KEY=VALUE, or NULL when it was not given. A key without `=` has the value "".
 * The string stays valid as long as the image. A key that was given, and that .init does not look up, is a mistake of
 * the user's: then the program does not start, and a line says so. */
K23_INLINE const char *k23_option(const struct k23_options *options, const char *key)
{
	return k23_api->option(options, key);
}

/* Like snprintf, with %d %i %u %x %X %o %c %s %p %%, the flags - and 0, a width, a precision for %s (either may
 * be *), and the lengths hh, h, l, ll, z, t, j. Returns the length that the whole text has or would have had. */
__attribute__((unused, format(printf, 3, 4))) static long k23_format(char *to, size_t size,
								     const char *format, ...)
{
	va_list args;
	long length;

	va_start(args, format);
	length = k23_api->format(to, size, format, args);
	va_end(args);
	return length;
}

/* Writes a formatted text of at most 1023 bytes to the program's standard error. */
__attribute__((unused, format(printf, 1, 2))) static void k23_print(const char *format, ...)
{
	char text[1024];
	va_list args;
	long length;

	va_start(args, format);
	length = k23_api->format(text, sizeof(text), format, args);
	va_end(args);
	if (length > 0)
		k23_api->print(text, (size_t)length < sizeof(text) ? (size_t)length : sizeof(text) - 1);
}

/* For .init, which is to return what this returns, a negative errno: the hook does not start, and a line on standard
 * error says that it refuses and why. */
__attribute__((unused, format(printf, 1, 2))) static int k23_refuse(const char *why, ...)
{
	char text[512];
	va_list args;

	va_start(args, why);
	k23_api->format(text, sizeof(text), why, args);
	va_end(args);
	k23_api->refuse(text);
	return -EINVAL;
}

/*
 * Hides a descriptor of the hook's own from the program, and returns the number that it has from now on: a high one, so
 * that the program's descriptors have the numbers that they have natively. The program cannot close or duplicate it,
 * and does not find it among its descriptors in /proc. execve(2) closes it, and so does k23_syscall(SYS_close).
 * -errno: it is as it was; -EPERM: K23_HOOK() has no .hides, or the thread is in seccomp's strict mode; -EBADF.
 *
 * Hosted hooks need neither this nor .hides: what their C library opens is hidden.
 */
K23_INLINE long k23_hide(int fd)
{
	return k23_api->hide(fd);
}

/* Gives a hidden descriptor to the program, and returns the number that it has from now on: the lowest that is free.
 * Whether execve(2) closes it is as it was before it was hidden. -errno: it is still hidden; -EBADF: it was not. */
K23_INLINE long k23_show(int fd)
{
	return k23_api->show(fd);
}

/* Makes an absolute, normalised path ("." and ".." and "//" resolved by name, symbolic links left as they are)
 * of a path argument and its directory descriptor (AT_FDCWD for calls that have none). Returns its length,
 * -EBADF, -ENAMETOOLONG, or what readlink of the directory gave. */
K23_INLINE long k23_path_absolute(char *to, size_t size, int dirfd, const char *path)
{
	return k23_api->path_absolute(to, size, dirfd, path);
}

/* Whether a path is root or below it, both taken by name, after normalisation; a path that is not absolute is
 * taken from the working directory. Symbolic links are not followed. */
K23_INLINE int k23_path_under(const char *path, const char *root)
{
	return k23_api->path_under(path, root);
}

/* This thread's .thread_size bytes, zeroed when the thread started. After fork the child has a copy. */
K23_INLINE void *k23_thread_state(void)
{
	return k23_api->thread_state(k23_hook.thread_offset);
}

/* What this hook's .exec_begin has set in the image before this one; 0 if it has set nothing, and in the first image of
 * a run. */
K23_INLINE uint64_t k23_exec_value(void)
{
	return k23_api->exec_value(k23_hook.index);
}

/* This hook's .run_size bytes: memory that all processes of the run share, from the first to the last, whatever they
 * do; zeroed when the run began. It may lie elsewhere in each image, so it has no pointers to itself. NULL: this image
 * could not get it, which the runtime has said on standard error, as when the run's keeper was killed. */
K23_INLINE void *k23_run_state(void)
{
	return k23_api->run_state(k23_hook.index);
}

/* For a hook with .run_directory: the path of a file system in memory (tmpfs), for the processes of the run, which ends
 * with the run. It goes through /proc and the run's keeper. Where it leads nowhere, or elsewhere, as its st_dev tells,
 * this process cannot reach it: after chroot, in another PID namespace's /proc, as another user, or when the keeper was
 * killed. Returns the path's length, or -ENOENT. */
K23_INLINE long k23_run_directory(char *to, size_t size)
{
	int keeper = k23_api->run_directory(k23_hook.index);

	return keeper ? k23_format(to, size, "/proc/%d/cwd", keeper) : -ENOENT;
}

/*
 * Locks in run state, and unlocks. A thread that dies with a lock, in whatever way, leaves it to others. Returns 0;
 * -EOWNERDEAD: the same, but whoever held it has died, and may have left what it protects half changed; -EDEADLK: this
 * thread holds it; -EINVAL: it does not lie in run state; -EPERM: the thread is in seccomp's strict mode.
 *
 * The program's signals wait meanwhile, and so do other processes: hold it for a few instructions, and not while a call
 * is forwarded.
 */
K23_INLINE long k23_lock(struct k23_lock *lock)
{
	return k23_api->lock(lock);
}

K23_INLINE void k23_unlock(struct k23_lock *lock)
{
	k23_api->unlock(lock);
}

/* The caller's process and thread id. No system call is made. */
K23_INLINE int k23_pid(void)
{
	return k23_api->pid();
}

K23_INLINE int k23_tid(void)
{
	return k23_api->tid();
}

/* Name and arguments of a system call, or NULL for a number that has none. What it points to stays valid until
 * the thread's next k23_describe; the name always. */
K23_INLINE const struct k23_syscall_info *k23_describe(const struct k23_call *call)
{
	return k23_api->describe(call->arch, call->nr);
}

/* "ENOENT" for 2 and for -2; NULL for a value that is no errno. */
K23_INLINE const char *k23_error_name(long error)
{
	return k23_api->error_name(error);
}

/* Whether a result is an error, -4095 to -1. */
K23_INLINE int k23_failed(long result)
{
	return (unsigned long)result > -4096ul;
}

/* Where a call was made: writes the path of the file that is mapped there, with a NUL, and sets *offset to that of the
 * instruction in the file. Returns the path's length; -ENOENT when there is no file (generated code, the vDSO); or
 * -ENAMETOOLONG. It takes some microseconds: remember what it said by call->ip, until k23_unmapped() changes. */
K23_INLINE long k23_site(const struct k23_call *call, char *path, size_t size, unsigned long *offset)
{
	return k23_api->site(call, path, size, offset);
}

/* How often files with code were unmapped or replaced in this process. */
K23_INLINE uint32_t k23_unmapped(void)
{
	return __atomic_load_n(k23_api->unmapped, __ATOMIC_RELAXED);
}

/* How often a file with code was mapped, unmapped or replaced in this process. */
K23_INLINE uint32_t k23_texts_changed(void)
{
	return __atomic_load_n(k23_api->texts_added, __ATOMIC_RELAXED) + k23_unmapped();
}

/* The first code of a file that ends above an address: where it is, and the file's path, with a NUL. Returns the path's
 * length; -ENOENT: there is none; another error if the path is not known or longer than size, with *text as it is. */
K23_INLINE long k23_text(unsigned long address, struct k23_text *text, char *path, size_t size)
{
	return k23_api->text(address, text, path, size);
}

/* The program's registers at the call that the thread is in: those of the call, and all others. */
K23_INLINE void k23_registers(struct k23_registers *registers)
{
	k23_api->registers(registers);
}

/* Memory that all processes of the run share with the command that started it, which has given the hook the memory's
 * cookie. Sets *address, and *size in bytes, and returns 0; -ENOENT: there is none with this cookie; -ESRCH: the
 * command has ended; -EACCES: this process could not get it. */
K23_INLINE long k23_run_memory(uint64_t cookie, void **address, size_t *size)
{
	return k23_api->run_memory(cookie, address, size);
}

/* The time stamp counter: cycles at a constant rate on every processor since about 2008. */
K23_INLINE uint64_t k23_cycles(void)
{
	return __builtin_ia32_rdtsc();
}

/* Strings, as in <string.h>. Memory functions are in k23/memory.h. */
K23_INLINE size_t k23_strlen(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

K23_INLINE int k23_strcmp(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return (unsigned char)*a - (unsigned char)*b;
}

K23_INLINE int k23_strncmp(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++)
		if (*a != *b || !*a)
			return (unsigned char)*a - (unsigned char)*b;
	return 0;
}

K23_INLINE int k23_starts_with(const char *s, const char *prefix)
{
	return k23_strncmp(s, prefix, k23_strlen(prefix)) == 0;
}

#endif
