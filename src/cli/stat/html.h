/*
 * The report of `k23 stat` as a page: it stands alone, and needs neither a network nor scripts.
 */
#ifndef CLI_STAT_HTML_H
#define CLI_STAT_HTML_H

#include <stdio.h>

#include "cli/stat/files.h"
#include "cli/stat/report.h"
#include "cli/stat/samples.h"
#include "cli/verdict.h"

/* What the page shows. */
struct stat_page {
	char **argv; /* the program and its arguments */
	int status;  /* as waitpid has it */
	double elapsed;
	uint64_t programs;
	const struct stat_report *report;
	const struct stat_samples *samples;
	const struct stat_files *files;
	const struct verdict *verdict;
};

void stat_html_write(FILE *output, const struct stat_page *page);

#endif
