/*
 * This tool's own file, which may have been moved since it was installed.
 */
#ifndef CLI_SELF_H
#define CLI_SELF_H

/* Its path; free() is due. NULL: it is not known. */
char *self_path(void);

#endif
