/*
 * The site log, which lies beside the store as STORE.log. A program under k23 appends a line when the guard meets a
 * site that is not patched:
 *
 *	OFFSET MAJOR:MINOR INODE [GROUP] PATH
 *
 * OFFSET is the instruction's in its file. Offset and device are hexadecimal, and the path goes to the end of the
 * line with \012 for a newline, as in /proc/PID/maps. GROUP is the program's (core_store_program), if its sites are
 * kept apart from those of other programs. A program can write anything into the log: each line is checked, and wrong
 * ones are counted.
 */
#ifndef SITES_SITE_LOG_H
#define SITES_SITE_LOG_H

#include "sites/store.h"

struct ingest_report {
	uint64_t lines;
	uint64_t garbage;   /* lines of another form, or without a path */
	uint64_t dropped;   /* lines beyond those that are kept at a time */
	uint64_t rejected;  /* sites without a system call instruction */
	uint32_t files;     /* files that were analysed, or known before */
	uint32_t gone;      /* files that are not there any more, or are others now */
	uint32_t failed;    /* files that could not be analysed */
	uint32_t large;     /* files that were too large to be analysed */
	uint32_t new_files; /* files with new sites */
	uint32_t new_sites; /* sites that were not observed before */
};

/* Takes the log of the store at `path` away, and puts what it says into the store; of files of more than `largest`
 * bytes only what needs no analysis. 0, also when there is no log. Otherwise an error that store_problem() explains,
 * and the log is still there, as STORE.log or STORE.taken. */
long site_log_ingest(const char *path, uint64_t largest, struct ingest_report *report) must_check;
/* A place in a file where programs were seen to make system calls. */
struct seen_site {
	uint64_t offset;
	uint32_t programs; /* as in struct store_site */
};
/* Puts sites of one file, sorted by offset, into the store. The file is not analysed when all of them are known;
 * analyse: otherwise it is, or nothing is put there. */
long site_log_ingest_file(struct store *store, const char *file, const struct seen_site *seen, size_t count,
			  bool analyse, struct ingest_report *report) must_check;

struct site_log_line {
	uint64_t offset, inode;
	uint32_t programs;
	char *path;
};
/* Takes a line without its newline apart. The path is unescaped in place. */
bool site_log_line_parse(char *line, struct site_log_line *to);

#endif
