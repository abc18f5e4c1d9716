/* Notes calls in a database, to which each thread has a connection of its own. Built as k23-hook(7) says. */
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>

#include <k23/hook.h>

static char path[K23_PATH_MAX];
static pthread_key_t base;

static sqlite3 *open_base(void)
{
	sqlite3 *opened = pthread_getspecific(base);

	if (opened || sqlite3_open(path, &opened) != SQLITE_OK)
		return opened;
	sqlite3_busy_timeout(opened, 100000);
	pthread_setspecific(base, opened);
	return opened;
}

static long on_getppid(struct k23_call *call)
{
	char text[100];

	snprintf(text, sizeof(text), "insert into calls values (%d, %d)", k23_pid(), k23_tid());
	if (sqlite3_exec(open_base(), text, NULL, NULL, NULL) != SQLITE_OK)
		k23_print("%s\n", sqlite3_errmsg(open_base()));
	return k23_forward(call);
}

static void close_base(void *opened)
{
	sqlite3_close(opened);
}

/* A connection is not for two processes. */
static void fork_child(void)
{
	pthread_setspecific(base, NULL);
}

static int init(const struct k23_options *options)
{
	snprintf(path, sizeof(path), "%s", k23_option(options, "base"));
	return pthread_key_create(&base, close_base) ? -EAGAIN : 0;
}

K23_HOOK(sqlite, .init = init, .fork_child = fork_child, .calls = { { SYS_getppid, on_getppid } });
