/*
 * The SQLite database that records are written to, and how it is opened without a trace in the program: not by another
 * file of the same name, and within the limits of the process.
 */
#ifndef HOOKS_HOSTED_RECORD_DATABASE_H
#define HOOKS_HOSTED_RECORD_DATABASE_H

#include <k23/hook.h>

#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record_log.h"

#define APPLICATION 1798452070 /* PRAGMA application_id: "k23f" */
#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)
#define BUSY_MS 10000 /* that somebody who reads may take */
#define ENOUGH_DESCRIPTORS 1024 /* for a limit of them that is seldom reached */

struct database {
	char path[LOG_PATH_MAX];
	uint64_t device, inode;
};

struct database_writer {
	sqlite3 *db;
	sqlite3_stmt *insert;
	struct rlimit size, descriptors;
};

/* For -Wl,--wrap=dlopen, without which the linker warns: SQLite's extensions are not for programs that are linked
 * statically. */
void *__wrap_dlopen(const char *, int);
void *__wrap_dlopen(const char *path, int flags)
{
	return (void)path, (void)flags, NULL;
}

static const char *database_open(sqlite3 **db, const char *path, int flags)
{
	static char problem[256];
	int r = sqlite3_open_v2(path, db, flags, NULL);

	if (r == SQLITE_OK) {
		sqlite3_busy_timeout(*db, BUSY_MS);
		return NULL;
	}
	snprintf(problem, sizeof(problem), "%s", *db ? sqlite3_errmsg(*db) : sqlite3_errstr(r));
	sqlite3_close(*db);
	return problem;
}

static int number_of(sqlite3 *db, const char *query)
{
	sqlite3_stmt *statement;
	int number = -1;

	if (sqlite3_prepare_v2(db, query, -1, &statement, NULL) == SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_ROW)
		number = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	return number;
}

/* A file that is there already is replaced if it was made by this hook. Returns NULL or what is wrong. */
static const char *database_create(struct database *database)
{
	static const char tables[] =
		"PRAGMA synchronous = OFF; BEGIN IMMEDIATE;"
		"DROP TABLE IF EXISTS files; DROP TABLE IF EXISTS lost; PRAGMA application_id = " TEXT(APPLICATION) ";"
		"CREATE TABLE files (number INTEGER PRIMARY KEY, pid INTEGER NOT NULL, tid INTEGER NOT NULL,"
		" call TEXT NOT NULL, how TEXT NOT NULL, path TEXT NOT NULL, error INTEGER NOT NULL);"
		"CREATE TABLE lost (records INTEGER NOT NULL); INSERT INTO lost VALUES (0); COMMIT";
	static char problem[256];
	const char *wrong;
	struct stat status;
	sqlite3 *db = NULL;

	wrong = database_open(&db, database->path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
	if (wrong)
		return wrong;
	if (number_of(db, "PRAGMA application_id") != APPLICATION &&
	    number_of(db, "SELECT count(*) FROM sqlite_master") != 0)
		wrong = "it is there, and was not made by record-files";
	else if (sqlite3_exec(db, tables, NULL, NULL, NULL) != SQLITE_OK) {
		snprintf(problem, sizeof(problem), "%s", sqlite3_errmsg(db));
		wrong = problem;
	}
	sqlite3_close(db);
	if (!wrong && stat(database->path, &status) != 0)
		wrong = "it cannot be looked at";
	if (!wrong) {
		database->device = status.st_dev;
		database->inode = status.st_ino;
	}
	return wrong;
}

static bool raise_limit(int resource, struct rlimit *before, rlim_t needed)
{
	struct rlimit raised;

	if (getrlimit(resource, before) != 0)
		return false;
	raised = (struct rlimit){ before->rlim_max, before->rlim_max };
	return before->rlim_cur >= needed ||
	       (before->rlim_max >= needed && setrlimit(resource, &raised) == 0);
}

static void restore_limits(const struct database_writer *writer)
{
	setrlimit(RLIMIT_FSIZE, &writer->size);
	setrlimit(RLIMIT_NOFILE, &writer->descriptors);
}

/*
 * Begins to write about `size` bytes of records. Returns NULL or what is in the way. A file that would get larger than
 * RLIMIT_FSIZE would end the program. Others than the last of the process leave its number of descriptors.
 */
static const char *database_begin(struct database_writer *writer, const struct database *database, uint64_t size,
				  bool last)
{
	const char *problem;
	struct stat status;

	*writer = (struct database_writer){ .db = NULL };
	if (stat(database->path, &status) != 0 || status.st_dev != database->device || status.st_ino != database->inode)
		return "there is no such file, seen from the process";
	if (!raise_limit(RLIMIT_NOFILE, &writer->descriptors, last ? ENOUGH_DESCRIPTORS : 0))
		getrlimit(RLIMIT_NOFILE, &writer->descriptors);
	if (!raise_limit(RLIMIT_FSIZE, &writer->size, (rlim_t)status.st_size + 4 * size + (1 << 20))) {
		restore_limits(writer);
		return "its size would be beyond the limit of the process";
	}
	problem = database_open(&writer->db, database->path, SQLITE_OPEN_READWRITE);
	if (problem) {
		restore_limits(writer);
		return problem;
	}
	/* Errors of the first two show in the third one, and in sqlite3_step(). */
	sqlite3_exec(writer->db, "PRAGMA synchronous = OFF; BEGIN IMMEDIATE", NULL, NULL, NULL);
	sqlite3_prepare_v2(writer->db, "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?)", -1, &writer->insert,
			   NULL);
	return NULL;
}

static bool database_insert(struct database_writer *writer, const struct log_record *record, const char *call,
			    const char *how, const char *path)
{
	sqlite3_stmt *insert = writer->insert;

	if (sqlite3_get_autocommit(writer->db)) /* it did not begin */
		return false;
	sqlite3_bind_int64(insert, 1, (sqlite3_int64)record->number);
	sqlite3_bind_int(insert, 2, record->pid);
	sqlite3_bind_int(insert, 3, record->tid);
	sqlite3_bind_text(insert, 4, call, -1, SQLITE_STATIC);
	sqlite3_bind_text(insert, 5, how, -1, SQLITE_STATIC);
	sqlite3_bind_text(insert, 6, path, -1, SQLITE_STATIC);
	sqlite3_bind_int(insert, 7, record->error);
	return sqlite3_step(insert) == SQLITE_DONE && sqlite3_reset(insert) == SQLITE_OK;
}

/* All or nothing: `complete` says that all could be inserted. Returns NULL or what went wrong. */
static const char *database_end(struct database_writer *writer, bool complete, uint64_t lost)
{
	static char problem[256];
	char statements[80];

	snprintf(problem, sizeof(problem), "%s", sqlite3_errmsg(writer->db));
	sqlite3_finalize(writer->insert);
	snprintf(statements, sizeof(statements), "UPDATE lost SET records = %llu; COMMIT", (unsigned long long)lost);
	if (complete && sqlite3_exec(writer->db, statements, NULL, NULL, NULL) != SQLITE_OK) {
		snprintf(problem, sizeof(problem), "%s", sqlite3_errmsg(writer->db));
		complete = false;
	}
	sqlite3_close(writer->db); /* which rolls back what was not committed */
	restore_limits(writer);
	return complete ? NULL : problem;
}

#endif
