/*
 * Names of error numbers. ctx: any
 */
#ifndef CORE_ERRNONAME_H
#define CORE_ERRNONAME_H

/* "ENOENT" for 2 and for -2; NULL for a value that is no error number. */
const char *core_error_name(long error);

#endif
