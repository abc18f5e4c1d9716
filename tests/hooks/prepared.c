/*
 * A hosted hook that has something prepared, and appends a line to the file PREPARED_LOG each time. In each image .init
 * checks that all is as it was left, and changes it. CONSTRUCTOR: there is no .prepare, and a constructor does that.
 * MISTAKE: what .prepare does besides, which has to be done in each image, or fails.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <k23/hook.h>

#define WORDS 1000
#define TEXT_SIZE (300u << 10)

static struct word {
	struct word *next;
	unsigned long value;
} *words;
static char *text, *page;
static const char *const first_text = "as it was prepared";
static __thread unsigned long of_thread = 1;
static pthread_t thread;
static unsigned long forked;

static void child(void)
{
	forked++;
}

static int note(void)
{
	int fd = open(PREPARED_LOG, O_WRONLY | O_CREAT | O_APPEND, 0666);
	int r = fd < 0 || write(fd, "prepared\n", 9) != 9 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return r;
}

#ifdef MISTAKE
static void *wait_for_ever(void *argument)
{
	for (;;)
		pause();
	return argument;
}
#endif

/* What is made: small and large blocks, a page of its own that is only to be read, a thread-local variable. */
static int prepare(void)
{
	for (unsigned long i = 0; i < WORDS; i++) {
		struct word *word = malloc(sizeof(*word));

		if (!word)
			return -ENOMEM;
		*word = (struct word){ words, i };
		words = word;
	}
	text = malloc(TEXT_SIZE);
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!text || page == MAP_FAILED)
		return -ENOMEM;
	strcpy(text + TEXT_SIZE - 100, first_text);
	strcpy(page, first_text);
	mprotect(page, 4096, PROT_READ);
	of_thread = 23;
	thread = pthread_self();
	pthread_atfork(NULL, NULL, child);
#ifdef MISTAKE
	if (MISTAKE == 'f')
		return -EDOM;
	if (MISTAKE == 'o')
		dup(0);
	if (MISTAKE == 't')
		pthread_create(&(pthread_t){ 0 }, NULL, wait_for_ever, NULL);
	if (MISTAKE == 'c')
		*(volatile char *)page = 1;
#endif
	return note();
}

#ifdef CONSTRUCTOR
__attribute__((constructor)) static void construct(void)
{
	prepare();
}
#endif

/* What is wrong. NULL: it is as it was prepared. */
static const char *wrong(void)
{
	unsigned long i = WORDS;

	for (const struct word *word = words; word; word = word->next)
		if (word->value != --i)
			return "a small block";
	if (i)
		return "the blocks";
	if (strcmp(text + TEXT_SIZE - 100, first_text) != 0)
		return "a large block";
	if (strcmp(page, first_text) != 0)
		return "a mapping";
	if (of_thread != 23)
		return "a thread-local variable";
	if (!pthread_equal(thread, pthread_self()))
		return "the thread";
	if (getpid() != k23_pid() || gettid() != k23_tid())
		return "the process";
	/* The C library has kept the id of the thread for itself. */
	if (pthread_kill(pthread_self(), 0) != 0 || raise(0) != 0)
		return "the id of the thread";
	return NULL;
}

static int init(const struct k23_options *options)
{
	const char *problem = wrong();
	char *grown;

	(void)options;
	if (problem)
		return k23_refuse("%s is not as it was prepared", problem);
	/* Of this image only. */
	for (struct word *word = words; word; word = words) {
		words = word->next;
		free(word);
	}
	grown = realloc(text, 8 * TEXT_SIZE);
	if (!grown || strcmp(grown + TEXT_SIZE - 100, first_text) != 0)
		return k23_refuse("a block that has grown is not as it was prepared");
	memset(grown, 1, 8 * TEXT_SIZE);
	free(grown);
	munmap(page, 4096);
	of_thread = 1;
	return 0;
}

static long on_getppid(struct k23_call *call)
{
	char *made = malloc(100000);
	long result = k23_forward(call);

	free(made);
	return made ? result : -ENOMEM;
}

/* Once for being made ready by a template, and once for each fork since. */
static void exits(int status)
{
	(void)status;
	fprintf(stderr, "forked: %lu\n", forked);
}

K23_HOOK(prepared,
#ifndef CONSTRUCTOR
	.prepare = prepare,
#endif
	.init = init,
	.process_exit = exits,
	.calls = {
		{ SYS_getppid, on_getppid },
	});
