/*
 * The functions of a Go program, by the table that its runtime has of them (.gopclntab). Also a program that was
 * stripped has it, and nothing else in there says where Go's functions are.
 */
#ifndef SITES_GO_FUNCTIONS_H
#define SITES_GO_FUNCTIONS_H

#include "sites/elf_file.h"

/* Calls `see` for every function, by address, from its begin to the next one's, until `see` returns false. Not at all
 * for a file without such a table, or with one that is not as the Go linkers from 1.2 on make them. */
typedef bool go_function_fn(void *context, uint64_t start, uint64_t end);
void go_functions(const struct elf_file *elf, go_function_fn *see, void *context);

#endif
