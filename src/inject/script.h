/*
 * The first line of a script, as the kernel reads it.
 */
#ifndef INJECT_SCRIPT_H
#define INJECT_SCRIPT_H

#include <stdbool.h>

#define SCRIPT_HEAD_SIZE 256 /* how much the kernel reads of a file to find out its kind (BINPRM_BUF_SIZE) */
#define SCRIPT_MAX_FILES 5   /* in a chain of scripts and interpreters, after which the kernel says ELOOP */

struct script {
	char *interpreter;
	char *argument; /* the rest of the line; NULL: there is none */
};

/* Whether the head of a file, of `size` bytes, begins as that of a script. ctx: entry */
bool script_is(const char *head, long size);
/* Parses the head of a script, and ends the strings in it with a NUL; the head has room for one more byte than `size`.
 * False: it names no interpreter. ctx: entry */
bool script_parse(char *head, long size, struct script *script);

#endif
