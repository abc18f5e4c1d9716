/*
 * The store as text: all of it, or the observed sites as `region,offset` lines, where the region is a file's path.
 */
#ifndef SITES_EXCHANGE_H
#define SITES_EXCHANGE_H

#include <stdio.h>

#include "sites/site_log.h"

/* The caller finds errors by ferror(to). */
void exchange_write_text(FILE *to, const struct store *store);
void exchange_write_paper(FILE *to, const struct store *store);

/* Reads into an empty store. -EINVAL: the line with the number *line makes no sense. store_free() is due in any
 * case. */
long exchange_read_text(FILE *from, struct store *store, uint64_t *line) must_check;
/* Analyses the files of the sites, and puts the sites into the store as observed. */
long exchange_read_paper(FILE *from, struct store *store, struct ingest_report *report, uint64_t *line) must_check;

#endif
