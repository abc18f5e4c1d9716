/*
 * The log that programs under k23 append to when the guard meets a site that was not patched, a line for each:
 *
 *	OFFSET MAJOR:MINOR INODE [GROUP] PATH
 *
 * as /proc/PID/maps has them: the offset in the file of the instruction and the device in hexadecimal, the path to the
 * end of the line with \012 for a newline. GROUP is the program's (core_store_program), where its sites are kept apart. It lies beside the store, as STORE.log. Whoever can write to it may write
 * anything: all of it is checked, and what does not hold is counted.
 */
#ifndef SITES_SITE_LOG_H
#define SITES_SITE_LOG_H

#include "sites/store.h"

struct ingest_report {
	uint64_t lines;
	uint64_t garbage;   /* lines that are none, or name no file */
	uint64_t dropped;   /* lines beyond what is kept at a time */
	uint64_t rejected;  /* sites that are no system call instruction */
	uint32_t files;     /* files that were read or known */
	uint32_t gone;      /* that are not there any more, or are others now */
	uint32_t failed;    /* that could not be analysed */
	uint32_t new_files; /* that have new sites */
	uint32_t new_sites; /* that were not observed before */
};

/* Takes the log of the store at `path` away and puts into the store what it says. 0, also without a log; or -errno, and
 * what store_problem() explains: then the log is still there, as STORE.log or STORE.taken. */
long site_log_ingest(const char *path, struct ingest_report *report) must_check;
/* Where programs were seen to make system calls, by offset. */
struct seen_site {
	uint64_t offset;
	uint32_t programs; /* as in struct store_site */
};
/* Puts sites of one file into the store. A file of which all are known is not analysed again. */
long site_log_ingest_file(struct store *store, const char *file, const struct seen_site *seen, size_t count,
			  struct ingest_report *report) must_check;

/* Takes a line, without its newline, apart; unescapes the path in place. */
struct site_log_line {
	uint64_t offset, inode;
	uint32_t programs;
	char *path;
};
bool site_log_line_parse(char *line, struct site_log_line *to);

#endif
