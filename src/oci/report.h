/*
 * What k23-oci says when it fails: on stderr, and in the log that the engine reads.
 */
#ifndef OCI_REPORT_H
#define OCI_REPORT_H

#include <stdbool.h>

#define OCI_FAILED 125 /* the exit status of k23-oci's own failures */

/* Where die() writes, too: the engine's --log, as a line of text or of JSON. */
struct oci_log {
	const char *path; /* NULL: nowhere */
	bool json;
};
extern struct oci_log oci_log;

void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
/* A copy of the formatted text. Dies where there is no memory. */
char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
