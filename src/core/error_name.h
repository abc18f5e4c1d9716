/*
 * Names of error numbers. ctx: any
 */
#ifndef CORE_ERROR_NAME_H
#define CORE_ERROR_NAME_H

/* "ENOENT" for 2 and for -2; NULL for a value that is no error number. */
const char *core_error_name(long error);

#endif
