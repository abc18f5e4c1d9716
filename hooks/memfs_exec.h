/*
 * For memfs: interpreters. The kernel would give that of a script the path that it has been given itself, and looks for
 * interpreters where they are not. So what "#!" says is done here, as the kernel does it; and of an ELF interpreter k23
 * is told where it is.
 */
#ifndef HOOKS_MEMFS_EXEC_H
#define HOOKS_MEMFS_EXEC_H

#include "memfs_path.h"

#include <linux/elf.h>
#include <sys/mman.h>

#define SCRIPT_LINE 256 /* as much of the file as the kernel reads */
#define SCRIPT_LEVELS 5 /* scripts that have a script as their interpreter, as in the kernel */
#define SCRIPT_WORDS 128 /* arguments for which there is room without asking for memory */

struct script {
	char line[SCRIPT_LINE];
	char *interpreter, *argument; /* in the line; NULL: it has none */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Takes a line "#!interpreter argument" apart. */
static bool script_parse(struct script *script, size_t size)
{
	char *line = script->line, *end = line;

	if (size < 2 || line[0] != '#' || line[1] != '!')
		return false;
	while (end < line + size && *end && *end != '\n')
		end++;
	if (end == line + sizeof(script->line))
		end--; /* an argument that does not fit is cut */
	while (is_blank(end[-1]))
		end--;
	*end = '\0';
	for (line += 2; is_blank(*line);)
		line++;
	script->interpreter = line;
	while (*line && !is_blank(*line))
		line++;
	script->argument = NULL;
	if (*line) {
		*line++ = '\0';
		while (is_blank(*line))
			line++;
		script->argument = line;
	}
	return *script->interpreter;
}

/* Opens a file that may be executed. path: the kernel's; empty: what dirfd is. Returns a descriptor, or -errno. */
static long program_open(int dirfd, const char *path)
{
	char link[32];
	long r;

	if (!*path) {
		k23_format(link, sizeof(link), "/proc/thread-self/fd/%d", dirfd);
		path = link;
	}
	r = k23_syscall(SYS_faccessat2, (unsigned)dirfd, (unsigned long)path, 1 /* X_OK */, AT_EACCESS, 0, 0);
	return r < 0 ? r : k23_syscall(SYS_openat, (unsigned)dirfd, (unsigned long)path,
				       O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0, 0, 0);
}

static bool read_at(long fd, void *to, size_t size, unsigned long offset)
{
	return k23_syscall(SYS_pread64, (unsigned long)fd, (unsigned long)to, size, offset, 0, 0) == (long)size;
}

/* Whether a file may be executed and is a script. path: the kernel's. */
static bool script_read(struct script *script, int dirfd, const char *path)
{
	long fd = program_open(dirfd, path), size;

	if (fd < 0)
		return false;
	size = k23_syscall(SYS_read, (unsigned long)fd, (unsigned long)script->line, sizeof(script->line), 0, 0, 0);
	k23_syscall(SYS_close, (unsigned long)fd, 0, 0, 0, 0, 0);
	return size > 0 && script_parse(script, (size_t)size);
}

/* The name of the ELF interpreter that a program has. Returns whether it has one. */
static bool read_interpreter_name(char name[K23_PATH_MAX], long fd)
{
	Elf64_Ehdr elf;
	Elf64_Phdr part;

	if (!read_at(fd, &elf, sizeof(elf), 0) || memcmp(elf.e_ident, ELFMAG, SELFMAG) != 0 ||
	    elf.e_ident[EI_CLASS] != ELFCLASS64)
		return false;
	for (unsigned i = 0; i < elf.e_phnum && read_at(fd, &part, sizeof(part), elf.e_phoff + i * sizeof(part)); i++)
		if (part.p_type == PT_INTERP)
			return part.p_filesz > 1 && part.p_filesz <= K23_PATH_MAX &&
			       read_at(fd, name, part.p_filesz, part.p_offset) && !name[part.p_filesz - 1];
	return false;
}

/* Where the kernel finds the ELF interpreter of a program, if not by its name. Returns the path's length; 0: it finds
 * it by that, or there is none; -errno. */
__attribute__((noinline)) static long find_interpreter(char to[K23_PATH_MAX], int dirfd, const char *path)
{
	char name[K23_PATH_MAX];
	long fd = program_open(dirfd, path);
	bool named;

	if (fd < 0)
		return 0;
	named = read_interpreter_name(name, fd);
	k23_syscall(SYS_close, (unsigned long)fd, 0, 0, 0, 0, 0);
	return named ? path_translate(to, AT_FDCWD, name, K23_LAST_FOLLOWED, AGAIN) : 0;
}

/* Of a thread: what on_exec_begin() tells k23. */
struct executing {
	const char *interpreter;
};

/* Forwards an execve of a program, which is at a path of the kernel's, with its ELF interpreter. is_new: also if that
 * is where the kernel looks for it. */
static long forward_program(struct k23_call *call, int dirfd, const char *path, bool is_new)
{
	struct executing *executing = k23_thread_state();
	char interpreter[K23_PATH_MAX];
	long r = find_interpreter(interpreter, dirfd, path);

	if (r < 0)
		return r;
	if (r == 0 && !is_new)
		return -ENOENT;
	executing->interpreter = r ? interpreter : NULL;
	r = k23_forward(call);
	executing->interpreter = NULL;
	return r;
}

static void on_exec_begin(struct k23_exec *exec)
{
	exec->interpreter = ((struct executing *)k23_thread_state())->interpreter;
}

static size_t count_words(unsigned long words)
{
	unsigned long word;
	size_t count = 0;

	while (words && k23_copy_from(&word, words + count * sizeof(word), sizeof(word)) == 0 && word)
		count++;
	return count;
}

struct scripts {
	struct script script[SCRIPT_LEVELS + 1];
	int count; /* at least the first has been read */
};

/* Reads the scripts that are interpreters of others. Sets path to the kernel's of the last interpreter. */
static long scripts_follow(struct scripts *scripts, char path[K23_PATH_MAX])
{
	for (scripts->count = 1; scripts->count <= SCRIPT_LEVELS; scripts->count++) {
		const char *name = scripts->script[scripts->count - 1].interpreter;
		long r = path_translate(path, AT_FDCWD, name, K23_LAST_FOLLOWED, AGAIN);

		if (r < 0)
			return r;
		if (r == 0)
			k23_format(path, K23_PATH_MAX, "%s", name);
		if (!script_read(&scripts->script[scripts->count], AT_FDCWD, path))
			return 0;
	}
	return -ELOOP;
}

/* Forwards an execve of the last interpreter, with `name` for the first script. words: the arguments that the program
 * gives. */
static long scripts_execute(struct k23_call *call, const struct scripts *scripts, const char *path, const char *name,
			    unsigned long words, unsigned long environment)
{
	unsigned long few[SCRIPT_WORDS], *all = few;
	size_t given = count_words(words), size = (given + 2 * SCRIPT_LEVELS + 2) * sizeof(*all), count = 0;
	struct k23_call inner = *call;
	long r = 0;

	if (size > sizeof(few)) {
		r = k23_syscall(SYS_mmap, 0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1ul, 0);
		if (k23_failed(r))
			return r;
		all = (unsigned long *)r;
	}
	for (int i = scripts->count; i--;) {
		all[count++] = (unsigned long)scripts->script[i].interpreter;
		if (scripts->script[i].argument)
			all[count++] = (unsigned long)scripts->script[i].argument;
	}
	/* The script's name takes the place of the first word. */
	all[count++] = (unsigned long)name;
	given -= given > 0;
	r = given ? k23_copy_from(all + count, words + sizeof(*all), given * sizeof(*all)) : 0;
	all[count + given] = 0;
	inner.nr = SYS_execve;
	inner.args[0] = (unsigned long)path;
	inner.args[1] = (unsigned long)all;
	inner.args[2] = environment;
	if (r == 0)
		r = forward_program(&inner, AT_FDCWD, path, true);
	if (all != few)
		k23_syscall(SYS_munmap, (unsigned long)all, size, 0, 0, 0, 0);
	return r;
}

#endif
