/*
 * The files that a program consists of when it starts: the executable, its ELF interpreter, and the libraries that
 * these name. They are looked for where they mostly are, and not in all places where the ELF interpreter does: who
 * does not find one knows less of it, and no more.
 */
#ifndef SITES_NEEDED_H
#define SITES_NEEDED_H

#include "sites/array.h"
#include "sites/elf_file.h"

struct needed {
	ARRAY(char *) paths; /* each once */
};

/* Adds a path, unless it is there. False: out of memory. */
bool needed_add(struct needed *needed, const char *path);
/* Adds the files that a file names. path: of that file. False: out of memory. */
bool needed_add_of(struct needed *needed, const struct elf_file *elf, const char *path);
void needed_free(struct needed *needed);

#endif
